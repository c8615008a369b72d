#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/time.hpp>
#include <tasker/model/states.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

/// What the SQL stores answer about tasks and about themselves, beyond the store contract.
namespace tasker {

/// Whether and why a step of a task can start: the same as `plan/readiness.hpp` says.
struct step_readiness_row {
    task_id task;                              ///< whose step it is
    step_no step = 0;                          ///< its place in the workflow
    std::string name;                          ///< in the workflow
    step_state state = step_state::pending;    ///< as it is recorded
    std::size_t total_parents = 0;             ///< steps it waits for in all
    std::size_t completed_parents = 0;         ///< of them, those complete or resolved by hand
    bool dependencies_satisfied = false;       ///< none of them is missing
    std::string dependency_text;               ///< `no_dependencies`, `all_satisfied` or `1/2_satisfied`
    int attempts = 0;                          ///< finished ones
    int max_attempts = 0;                      ///< as the step's retry policy says
    bool retry_eligible = false;               ///< the policy allows another attempt
    std::optional<time_point> last_failure_at; ///< while the state is error
    std::optional<time_point> next_retry_at;   ///< while it is pending or in error; ready from this instant on
    bool ready = false;                        ///< could start at the instant asked about
    std::string reason;                        ///< the name of a `blocking_reason`

    friend bool operator==(step_readiness_row const&, step_readiness_row const&) = default;
};

/// A task seen from its steps: the same as `plan/execution_context.hpp` says.
struct execution_context_row {
    task_id task;                      ///< whose steps are counted
    std::size_t total_steps = 0;       ///< of the workflow
    std::size_t pending_steps = 0;     ///< not started, or to start anew
    std::size_t in_progress_steps = 0; ///< running, as far as is recorded
    std::size_t completed_steps = 0;   ///< complete or resolved by hand
    std::size_t failed_steps = 0;      ///< in error, with or without attempts left
    std::size_t cancelled_steps = 0;   ///< by an operator
    std::size_t ready_steps = 0;       ///< could start at the instant asked about
    std::size_t waiting_steps = 0;     ///< in back-off, otherwise ready
    double completion_percentage = 0;  ///< to two decimals; 0 when there are no steps
    std::string status;                ///< the name of an `execution_status`
    std::string action;                ///< the name of a `recommended_action`
    std::string health;                ///< the name of a `health_status`

    friend bool operator==(execution_context_row const&, execution_context_row const&) = default;
};

/// How far a step of a workflow is from its roots, on the longest path; 0 for roots.
struct step_level {
    step_no step = 0;      ///< its place in the workflow
    std::string name;      ///< in the workflow
    std::size_t level = 0; ///< edges on the longest path from a root

    friend bool operator==(step_level const&, step_level const&) = default;
};

/// What happened since an instant. The steps counted are those of tasks that are live or have finished since.
struct store_activity {
    std::size_t namespaces = 0;                    ///< that have a workflow
    std::size_t workflows = 0;                     ///< of different names; the versions of one count once
    std::size_t active_tasks = 0;                  ///< pending or in progress now
    std::size_t tasks_created = 0;                 ///< since the instant, whatever became of them
    std::size_t tasks_finished = 0;                ///< complete, in error, cancelled or resolved by hand
    std::size_t tasks_completed = 0;               ///< finished, with every step done
    std::size_t tasks_failed = 0;                  ///< finished in error
    std::size_t steps_completed = 0;               ///< since the instant
    std::size_t steps_failed = 0;                  ///< whose last attempt failed, retried later or not
    double completion_rate = 0;                    ///< of the finished tasks, those that completed: percent, two decimals
    double error_rate = 0;                         ///< of the finished tasks, those that failed: percent, two decimals
    double tasks_per_hour = 0;                     ///< completed, two decimals
    double steps_per_hour = 0;                     ///< completed, two decimals
    std::optional<duration> average_task_duration; ///< of completed tasks, from start to end
    std::optional<duration> average_step_duration; ///< of completed steps, their last attempt

    friend bool operator==(store_activity const&, store_activity const&) = default;
};

/// A completed step and how long its last attempt took.
struct slow_step {
    task_id task;             ///< whose step it is
    step_no step = 0;         ///< its place in the workflow
    std::string step_name;    ///< in the workflow
    std::string name_space;   ///< of the workflow
    std::string name;         ///< of the workflow
    std::string version;      ///< of the workflow
    int attempts = 0;         ///< the last included
    time_point started_at{};  ///< the last attempt
    time_point finished_at{}; ///< the last attempt
    duration took{};          ///< from the one to the other

    friend bool operator==(slow_step const&, slow_step const&) = default;
};

/// A completed task and how long it took from its start to its end.
struct slow_task {
    task_id task;              ///< the one that took long
    std::string name_space;    ///< of the workflow
    std::string name;          ///< of the workflow
    std::string version;       ///< of the workflow
    std::int64_t attempts = 0; ///< of all its steps
    time_point started_at{};   ///< its first step
    time_point finished_at{};  ///< the task's own end
    duration took{};           ///< from the one to the other

    friend bool operator==(slow_task const&, slow_task const&) = default;
};

/// No list of the slowest is longer.
inline constexpr std::size_t slowest_limit_cap = 1000;

/// What there is in the whole store.
struct store_health {
    std::map<task_state, std::size_t> tasks;       ///< every state, zeros included
    std::map<step_state, std::size_t> steps;       ///< every state; a step without a row counts as pending
    std::size_t total_tasks = 0;                   ///< the sum of the above
    std::size_t total_steps = 0;                   ///< the sum of the above
    std::size_t retryable_errors = 0;              ///< failed steps that may run again
    std::size_t exhausted_errors = 0;              ///< failed steps that may not
    std::size_t in_backoff = 0;                    ///< retryable, and not due yet
    std::optional<std::size_t> active_connections; ///< of the database server; an SQLite file has none
    std::optional<std::size_t> max_connections;    ///< that the server allows

    friend bool operator==(store_health const&, store_health const&) = default;
};

} // namespace tasker
