#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/base/time.hpp>
#include <tasker/model/records.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

/// The engine's events: a contract, see the table in event/event_table.hpp. Each is published once, after the commit
/// that made it true, in the order in which it became true for its task. Events own their strings.
namespace tasker {

/// What every event of a task says.
struct task_event {
    task_id task;
    std::string workflow; ///< full name, `shop/fulfil-order@1.0.0`
    time_point at{};      ///< when it became true, on the engine's clock
};

/// What every event of a step says.
struct step_event : task_event {
    std::string step;
    int attempt = 0;      ///< from 1; 0 when the step never started
    int max_attempts = 0;
};

struct task_submitted : task_event {};
struct task_started : task_event {};  ///< its first step started, or a step after a wait
struct task_claimed : task_event {    ///< taken over by this engine from the store
    bool recovered = false;           ///< from a worker that died
};
struct task_waiting : task_event {    ///< nothing runs and nothing is ready
    std::string reason;               ///< e.g. `waiting_for_dependencies`
    time_point until{};
    bool parked = false;              ///< left memory; false: stays resident
};
struct task_completed : task_event {
    duration elapsed{};               ///< since submission
    payload result;
};
struct task_failed : task_event {
    std::string what = "Unknown error";
    std::size_t failed_steps = 0;
    std::size_t total_steps = 0;
    double completion_percentage = 0;
    duration elapsed{};
};
struct task_cancelled : task_event {
    std::string reason;
};
struct task_retry_requested : task_event {};
struct task_resolved_manually : task_event {};
struct task_lease_lost : task_event {}; ///< another worker owns it; this engine wrote nothing since and stopped its bodies

struct step_started : step_event {};
struct step_completed : step_event {
    duration elapsed{}; ///< of this attempt
    payload result;
};
struct step_failed : step_event {
    failure_kind kind = failure_kind::transient;
    std::string what = "Unknown error";
    std::string type = "unknown"; ///< the exception's class
    duration elapsed{};
    std::optional<time_point> next_retry_at{}; ///< nothing: failed for good
};

/// Copies the cause into the event; a cause without text or class leaves the event's defaults.
inline void set_cause(step_failed& e, failure const& cause)
{
    e.kind = cause.kind;
    if (!cause.what.empty())
        e.what = cause.what;
    if (!cause.type.empty())
        e.type = cause.type;
}

struct step_cancelled : step_event {};
struct step_retry_requested : step_event {}; ///< error -> pending: its back-off is over, or an operator asked
struct step_resolved_manually : step_event {
    payload result;
};

/// An event of the user's own, published by `step_context::publish`, told when the attempt's outcome is durable.
struct custom_event : step_event {
    std::string name; ///< e.g. `order.shipped`
    payload data;
};

struct store_failing { ///< a commit, a claim, a heartbeat or listening failed and is tried again; nothing is acknowledged meanwhile
    std::string what;
    int failures = 0; ///< in a row
    time_point at{};
};
struct store_recovered {
    time_point at{};
};
struct command_refused : task_event { ///< an operator's command that the state tables do not allow
    command_kind kind = command_kind::cancel;
    std::string what;
};
struct engine_drained {
    time_point at{};
};

using event = std::variant<task_submitted, task_started, task_claimed, task_waiting, task_completed, task_failed,
                           task_cancelled, task_retry_requested, task_resolved_manually, task_lease_lost, step_started,
                           step_completed, step_failed, step_cancelled, step_retry_requested, step_resolved_manually,
                           custom_event, store_failing, store_recovered, command_refused, engine_drained>;

} // namespace tasker
