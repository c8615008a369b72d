#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/model/codec.hpp>
#include <tasker/model/records.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// How a coroutine's task records the tasks that it has started.
namespace tasker::detail {

/// What the names of such checkpoints begin with.
inline constexpr std::string_view child_kind = "child:";

/// A task that another one has started.
struct started_child {
    task_id id;
    bool is_detached = false; ///< it goes on when its parent is cancelled
};

template <class = void>
inline payload encode_child(started_child const& one)
{
    payload const id = codec<std::string>::encode(to_text(one.id));
    return one.is_detached ? payload{R"({"detached":)" + std::string{id.text()} + '}'} : id;
}

/// Throws `error{bad_payload}`.
template <class = void>
inline started_child decode_child(payload const& recorded)
{
    auto const parsed = codec<boost::json::value>::decode(recorded);
    bool const is_detached = parsed.is_object() && parsed.as_object().contains("detached");
    auto const id = codec<std::string>::decode(is_detached ? codec<boost::json::value>::encode(parsed.as_object().at("detached")) : recorded);
    if (auto const known = parse_id<task_id>(id))
        return {*known, is_detached};
    throw error{errc::bad_payload, "the task of a child is recorded as \"" + id + "\", which is no id"};
}

/// Whether the record says which task was started.
template <class = void>
inline bool is_child(step_record const& record)
{
    return record.name.starts_with(child_kind) && satisfies_children(record.state);
}

/// Which task that was; nothing where somebody resolved the record with something else.
template <class = void>
inline std::optional<started_child> child_in(step_record const& record)
{
    if (!is_child(record))
        return std::nullopt;
    try {
        return decode_child(record.result);
    } catch (error const&) {
        return std::nullopt;
    }
}

/// Whether the start may have made a task that the record does not know.
template <class = void>
inline bool is_being_started(step_record const& start)
{
    bool const is_unknown = start.order == 0 && start.last_failure && start.last_failure->kind == failure_kind::abandoned;
    return start.state == step_state::in_progress || is_unknown;
}

/// The tasks that were started, and are to be cancelled with their parent unless they are over.
template <class = void>
inline std::vector<task_id> attached_children(std::vector<step_record> const& records)
{
    std::vector<task_id> all;
    for (step_record const& one : records)
        if (auto const child = child_in(one); child && !child->is_detached)
            all.push_back(child->id);
    return all;
}

} // namespace tasker::detail
