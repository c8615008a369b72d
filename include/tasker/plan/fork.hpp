#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/child_record.hpp>
#include <tasker/model/records.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

namespace detail {

/// A task like that one, which nobody owns and nothing has happened to.
inline task_record born_like(task_record const& original, task_id id, time_point now)
{
    task_record made;
    made.id = id;
    made.workflow = original.workflow;
    made.input = original.input;
    made.priority = original.priority;
    made.identity_key = to_text(id);
    made.initiator = original.initiator;
    made.source_system = original.source_system;
    made.created_at = now;
    return made;
}

/// Whether the coroutine had that, when it came to `from`: all that it had heard of before `from` was over, and what it had drawn by then.
inline bool came_before(std::pair<step_no, step_record> const& one, std::pair<step_no, step_record> const& from)
{
    std::int64_t const place = from.second.order;
    std::int64_t const heard = place > 0 ? place - 1 : place < 0 ? -1 - place : std::numeric_limits<std::int64_t>::max();
    if (one.second.name.starts_with('~') || one.second.order == 0 || one.first == from.first)
        return false;
    if (one.second.order > 0)
        return one.second.order <= heard;
    std::int64_t const drawn_at = -1 - one.second.order;
    return drawn_at < heard || (drawn_at == heard && (place > 0 || one.first < from.first));
}

} // namespace detail

/// A new task that has come as far as `original` had before it came to checkpoint `from`, and nobody owns. It has no messages.
/// Throws `error{unknown_step}` when the task has no such checkpoint.
inline task_snapshot fork(task_snapshot const& original, std::string_view from, task_id id, time_point now)
{
    auto const found = std::find_if(original.steps.begin(), original.steps.end(), [&](auto const& one) { return one.second.name == from; });
    if (found == original.steps.end() || from.empty())
        throw error{errc::unknown_step, "task " + to_text(original.task.id) + " has come to no checkpoint \"" + std::string{from} + '"'};
    task_snapshot made{detail::born_like(original.task, id, now), {}, {}};
    made.task.reason = "forked from task " + to_text(original.task.id) + " at \"" + std::string{from} + '"';
    std::copy_if(original.steps.begin(), original.steps.end(), std::back_inserter(made.steps),
                 [&](auto const& one) { return detail::came_before(one, *found); });
    return made;
}

/// A child of the original, and how it ended: nothing when it is live, or failed.
struct forked_child {
    task_snapshot now;
    std::optional<payload> end; ///< as a parent is told of it
};

namespace detail {

/// Whether the coroutine waits no longer for the child that it started so: it was told of the end, or has cancelled it.
inline bool is_done_with(task_snapshot const& made, step_record const& child)
{
    std::string const name = child.name.substr(child_kind.size());
    return std::any_of(made.steps.begin(), made.steps.end(), [joined = "join:" + name, dropped = "cancel:" + name](auto const& one) {
        return one.second.order != 0 && (one.second.name == joined || one.second.name == dropped);
    });
}

} // namespace detail

/// Gives a fork children of its own: of those that ended well it hears, the others are made anew, and returned.
/// `child_of(id)` tells how one is; nothing: it was deleted. `name_end(id)` names the message of its end; `next_id()` makes an id.
template <class ChildOf, class NameEnd, class NextId>
std::vector<task_record> adopt_children(task_snapshot& made, time_point now, ChildOf child_of, NameEnd name_end, NextId next_id)
{
    std::vector<task_record> born;
    step_no last = 0;
    std::vector<step_record> ends;
    for (auto& [no, record] : made.steps) {
        last = std::max(last, no);
        auto child = detail::child_in(record);
        if (!child || detail::is_done_with(made, record))
            continue;
        std::optional<forked_child> const found = child_of(child->id);
        if (found && !found->end) {
            born.push_back(detail::born_like(found->now.task, next_id(), now));
            born.back().reason = "started anew for the fork of its parent";
            born.back().parent = made.task.id;
            child->id = born.back().id;
            record.result = detail::encode_child(*child);
            continue;
        }
        step_record& end = ends.emplace_back();
        end.name = name_end(child->id);
        end.result = found ? *found->end : payload{R"({"state":"cancelled","what":"it was deleted before the task was forked"})"};
    }
    for (step_record& end : ends) {
        end.state = step_state::complete;
        end.order = -1;
        end.started_at = end.finished_at = now;
        made.steps.emplace_back(++last, std::move(end));
    }
    return born;
}

} // namespace tasker
