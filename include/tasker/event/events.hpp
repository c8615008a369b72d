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
    task_id task;         ///< whose event it is
    std::string workflow; ///< full name, `shop/fulfil-order@1.0.0`
    time_point at{};      ///< when it became true, on the engine's clock
};

/// What every event of a step says.
struct step_event : task_event {
    std::string step;     ///< its name in the workflow
    int attempt = 0;      ///< from 1; 0 when the step never started
    int max_attempts = 0; ///< as the step's retry policy says
};

/// The task is durable.
struct task_submitted : task_event {};
/// The task's first step started, or a step after a wait.
struct task_started : task_event {};
/// The task was taken over by this engine from the store.
struct task_claimed : task_event {
    bool recovered = false; ///< from a worker that died
};
/// Nothing of the task runs and nothing is ready.
struct task_waiting : task_event {
    std::string reason;  ///< e.g. `waiting_for_dependencies`
    time_point until{};  ///< when it is looked at again
    bool parked = false; ///< left memory; false: stays resident
};
/// Every step is complete or resolved by hand, and that is durable.
struct task_completed : task_event {
    duration elapsed{}; ///< since submission
    payload result;     ///< the workflow's
};
/// The task ended in error: nothing of it can run, and not every step is done.
struct task_failed : task_event {
    std::string what = "Unknown error"; ///< why, in a sentence
    std::size_t failed_steps = 0;       ///< in error, for good
    std::size_t total_steps = 0;        ///< of the workflow
    double completion_percentage = 0;   ///< 0 to 100
    duration elapsed{};                 ///< since submission
};
/// An operator or the program cancelled the task.
struct task_cancelled : task_event {
    std::string reason; ///< as the command gave it
};
/// An operator had a task in error run again.
struct task_retry_requested : task_event {};
/// An operator declared a task in error done.
struct task_resolved_manually : task_event {};
/// Another worker owns the task; this engine wrote nothing since and stopped its bodies.
struct task_lease_lost : task_event {};

/// An attempt of the step begins.
struct step_started : step_event {};
/// The step's result is durable.
struct step_completed : step_event {
    duration elapsed{}; ///< of this attempt
    payload result;     ///< what the body returned
};
/// An attempt of the step failed, and that is durable.
struct step_failed : step_event {
    failure_kind kind = failure_kind::transient; ///< decides whether and when there is another attempt
    std::string what = "Unknown error";          ///< the exception's message
    std::string type = "unknown";                ///< the exception's class
    duration elapsed{};                          ///< of this attempt
    std::optional<time_point> next_retry_at{};   ///< nothing: failed for good
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

/// The step was cancelled, by itself or with its task.
struct step_cancelled : step_event {};
/// The step went from error to pending: its back-off is over, or an operator asked.
struct step_retry_requested : step_event {};
/// An operator declared the step done.
struct step_resolved_manually : step_event {
    payload result; ///< as the operator gave it
};

/// An event of the user's own, published by `step_context::publish`, told when the attempt's outcome is durable.
struct custom_event : step_event {
    std::string name; ///< e.g. `order.shipped`
    payload data;     ///< as the body gave it
};

/// A commit, a claim, a heartbeat or listening failed and is tried again; nothing is acknowledged meanwhile.
struct store_failing {
    std::string what; ///< the store's own words
    int failures = 0; ///< in a row
    time_point at{};  ///< when the last of them failed
};
/// The store works again after `store_failing`; what waited is written.
struct store_recovered {
    time_point at{}; ///< when the first call succeeded
};
/// An operator's command came that the state tables do not allow.
struct command_refused : task_event {
    command_kind kind = command_kind::cancel; ///< what was asked
    std::string what;                         ///< why it is refused, in a sentence
};
/// `drain` has come to its end: nothing runs, everything is written, all leases are given back.
struct engine_drained {
    time_point at{}; ///< on the engine's clock
};

/// Any event of the engine, by value.
using event = std::variant<task_submitted, task_started, task_claimed, task_waiting, task_completed, task_failed,
                           task_cancelled, task_retry_requested, task_resolved_manually, task_lease_lost, step_started,
                           step_completed, step_failed, step_cancelled, step_retry_requested, step_resolved_manually,
                           custom_event, store_failing, store_recovered, command_refused, engine_drained>;

} // namespace tasker
