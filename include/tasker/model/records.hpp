#pragma once

#include <tasker/base/boxed.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/base/time.hpp>
#include <tasker/model/command.hpp>
#include <tasker/model/states.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

/// Why an attempt failed.
enum class failure_kind {
    transient,   ///< any exception; retried by the back-off
    retry_after, ///< asked for a particular wait; retried after it
    permanent,   ///< never retried
    timeout,     ///< the attempt ran out of time; retried by the back-off
    abandoned,   ///< the worker died or lost its lease during the attempt; retried at once, counts as no attempt
};
/// The kinds as the stores and the events spell them, by the value of `failure_kind`.
inline constexpr std::array<std::string_view, 5> failure_names{"transient", "retry_after", "permanent", "timeout", "abandoned"};
/// The kind as the stores and the events spell it.
constexpr std::string_view name(failure_kind kind) { return failure_names[static_cast<std::size_t>(kind)]; }

/// The last failure of a step.
struct failure {
    failure_kind kind = failure_kind::transient; ///< decides whether and when there is another attempt
    std::string what;                            ///< the exception's message
    std::string type;                            ///< the exception's class, for people

    friend bool operator==(failure const&, failure const&) = default;
};

/// All that is durable about one step of a task. A default one is a step that never started: it needs no row.
struct step_record {
    step_state state = step_state::pending;  ///< see `step_transitions`
    int attempts = 0;                        ///< finished attempts
    std::optional<duration> backoff_request; ///< explicit wait asked for by the last failure; cleared by the next attempt
    std::optional<time_point> started_at;    ///< start of the last attempt
    std::optional<time_point> finished_at;   ///< end of the last attempt, or the moment of cancelling or resolving
    std::optional<time_point> next_retry_at; ///< not ready before this; the only truth about back-off
    payload result;                          ///< once complete or resolved; null before
    boxed<failure> last_failure;             ///< set while the state is error
    std::string name{};                      ///< of a checkpoint; empty: a declared step, whose workflow has its name
    std::int64_t order = 0;                  ///< of a checkpoint: 0, not over; from 1 its place among those of its task that are over; of an instant, such as a time: -1 less the place of the last one that the coroutine had heard of

    friend bool operator==(step_record const&, step_record const&) = default;
};

/// All that is durable about one task, but for its steps.
struct task_record {
    task_id id;                             ///< made when it was submitted
    workflow_id workflow = 0;               ///< whose graph it runs
    task_state state = task_state::pending; ///< see `task_transitions`
    payload input;                          ///< as it was accepted, defaults filled in
    int priority = 0;                       ///< higher is claimed and started first
    std::string identity_key;               ///< unique among all tasks of the store
    std::string initiator;                  ///< who asked
    std::string source_system;              ///< which system asked
    std::string reason;                     ///< why it was submitted
    time_point created_at{};                ///< of the submission
    std::optional<time_point> started_at;   ///< when its first step started
    std::optional<time_point> finished_at;  ///< when it came to its end; nothing: it is live
    std::optional<time_point> wake_at;      ///< of a live task nobody owns: claimable from then on (nothing: at once)
    std::string status_reason;              ///< why it is in its state, e.g. `waiting_for_dependencies`, `steps_in_error_state`
    worker_id worker;                       ///< owner, or none
    std::int64_t epoch = 0;                 ///< grows with every claim; fences off earlier owners
    int recoveries = 0;                     ///< claims from dead workers since the last progress
    std::optional<command> request;         ///< asked for, not yet carried out
    task_id parent{};                       ///< hears of its end, by a message; or none
    std::int64_t mail = 0;                  ///< messages ever stored for it; kept by the store, no task_write sets it

    friend bool operator==(task_record const&, task_record const&) = default;
};

/// A line of the audit trail. `sequence` is given by the store and grows within a task.
struct transition_record {
    task_id task;                ///< whose history it is
    std::optional<step_no> step; ///< nothing: the task itself
    state_name from;             ///< empty: birth
    state_name to;               ///< never empty
    time_point at{};             ///< on the clock of the engine that wrote it
    int attempt = 0;             ///< of a step: the attempt it belongs to, from 1; 0 when none
    std::string detail;          ///< failure message, reason, or empty
    std::int64_t sequence = 0;   ///< from 1

    friend bool operator==(transition_record const&, transition_record const&) = default;
};

/// Something that a task is told. Kept, taken or not, as long as the task.
struct message {
    task_id task;              ///< who is told
    std::int64_t sequence = 0; ///< among all messages of the task, from 1; given by the store
    std::string name;          ///< what the receiver asks for
    payload body;              ///< what it is told
    std::string key;           ///< of several messages of a task with the same key the first counts; empty: each counts

    friend bool operator==(message const&, message const&) = default;
};

/// A task with every step that has a row.
struct task_snapshot {
    task_record task;                                   ///< the task's own row
    std::vector<std::pair<step_no, step_record>> steps; ///< by number, ascending
    std::vector<message> messages{};                    ///< not taken yet, by sequence, ascending
};

} // namespace tasker
