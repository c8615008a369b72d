#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/base/time.hpp>
#include <tasker/flow/workflow.hpp>
#include <tasker/model/records.hpp>
#include <tasker/plan/readiness.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tasker {

/// Who has a task when it is looked at.
enum class task_whereabouts {
    resident, ///< in this engine's memory
    stored,   ///< only in the store: parked, or not yet claimed
    elsewhere ///< owned by another worker
};

/// A task as an engine sees it at one instant.
struct task_view {
    workflow flow;                                     ///< its definition
    task_record task;                                  ///< its own row
    std::vector<step_record> records;                  ///< of every step, in order of declaration
    std::vector<step_readiness> readiness;             ///< the same order
    time_point now{};                                  ///< the instant of the view
    task_whereabouts where = task_whereabouts::stored; ///< who has it
};

/// What an unfinished step waits for.
enum class wait_kind {
    nothing_more,  ///< it failed for good, or was cancelled: only an operator can move it
    dead_parents,  ///< a parent failed for good or was cancelled, so it can never run
    parents,       ///< parents that still can finish
    due_time,      ///< its back-off
    running,       ///< it runs: its own body
    concurrency,   ///< ready, and waits for a free place
    not_claimed,   ///< ready, but no worker has the task yet
    task_finished, ///< the task is over; it will not run
};

/// The word as it is shown.
TASKER_INLINE std::string_view name(wait_kind kind);

/// Why one step has not run yet.
struct wait_reason {
    std::string step;                    ///< its name
    wait_kind kind = wait_kind::parents; ///< of what it waits for
    std::vector<std::string> parents;    ///< those it waits for, or that stop it
    std::optional<time_point> due;       ///< when the wait is over by itself, if that is known
    std::string text;                    ///< the whole of it in a sentence
};

/// The reason in a sentence.
TASKER_INLINE std::string to_text(wait_reason const& reason);

/// For each unfinished step of a task, in step order, what it waits for.
TASKER_INLINE std::vector<wait_reason> why_waiting(task_view const& view);

/// The task, its execution context and its steps as JSON text.
TASKER_INLINE std::string to_json_text(task_view const& view);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/runtime/inspection.ipp>
#endif
