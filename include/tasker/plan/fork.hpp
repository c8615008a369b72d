#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/records.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace tasker {

/// A new task that has come as far as `original` had before it came to checkpoint `from`, and nobody owns. It has no messages.
/// Throws `error{unknown_step}` when the task has no such checkpoint.
inline task_snapshot fork(task_snapshot const& original, std::string_view from, task_id id, time_point now)
{
    auto const found = std::find_if(original.steps.begin(), original.steps.end(), [&](auto const& one) { return one.second.name == from; });
    if (found == original.steps.end() || from.empty())
        throw error{errc::unknown_step, "task " + to_text(original.task.id) + " has come to no checkpoint \"" + std::string{from} + '"'};
    auto const& [number, record] = *found;
    auto const is_before = [&, no = number, until = record.order](auto const& one) {
        bool const is_over = one.second.order > 0 && !one.second.name.starts_with('~') && (until > 0 ? one.second.order < until : one.first < no);
        bool const is_instant = one.second.order == 0 && one.second.state == step_state::complete && !one.second.name.starts_with('~') && one.first < no;
        return is_over || is_instant;
    };
    task_snapshot made{original.task, {}, {}};
    std::copy_if(original.steps.begin(), original.steps.end(), std::back_inserter(made.steps), is_before);
    made.task.id = id;
    made.task.identity_key = to_text(id);
    made.task.state = task_state::pending;
    made.task.reason = "forked from task " + to_text(original.task.id) + " at \"" + std::string{from} + '"';
    made.task.created_at = now;
    made.task.started_at.reset();
    made.task.finished_at.reset();
    made.task.wake_at.reset();
    made.task.status_reason.clear();
    made.task.worker = {};
    made.task.epoch = 0;
    made.task.recoveries = 0;
    made.task.request.reset();
    made.task.parent = {};
    made.task.mail = 0;
    return made;
}

} // namespace tasker
