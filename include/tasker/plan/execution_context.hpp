#pragma once

#include <tasker/base/config.hpp>
#include <tasker/plan/readiness.hpp>

#include <span>
#include <string_view>

namespace tasker {

/// How a task is doing, in a word: `blocked` needs an operator.
enum class health_status { healthy, recovering, blocked };
/// What is to be done about a task next.
enum class recommended_action { execute_ready_steps, wait_for_completion, wait_for_dependencies, handle_failures, finalize_task };
/// How soon that is to be done.
enum class urgency { low, medium, high, critical };

/// The word as it is shown and queried.
TASKER_INLINE std::string_view name(health_status status);

/// The word as it is shown and queried.
TASKER_INLINE std::string_view name(recommended_action action);

/// Failures first, then what can start, then what only has to be closed.
constexpr urgency urgency_of(recommended_action action)
{
    switch (action) {
    case recommended_action::execute_ready_steps: return urgency::high;
    case recommended_action::handle_failures: return urgency::critical;
    case recommended_action::finalize_task: return urgency::medium;
    case recommended_action::wait_for_completion:
    case recommended_action::wait_for_dependencies: break;
    }
    return urgency::low;
}

/// A task seen from its steps, at one instant.
struct execution_context {
    std::size_t total_steps = 0;                                   ///< of the workflow
    std::size_t pending_steps = 0;                                 ///< not started, or to start anew
    std::size_t in_progress_steps = 0;                             ///< running, as far as is recorded
    std::size_t completed_steps = 0;                               ///< complete or resolved by hand
    std::size_t failed_steps = 0;                                  ///< in error, with or without attempts left
    std::size_t cancelled_steps = 0;                               ///< by an operator
    std::size_t ready_steps = 0;                                   ///< could start at this instant
    std::size_t waiting_steps = 0;                                 ///< in back-off, otherwise ready
    double completion_percentage = 0;                              ///< to two decimals; 0 when there are no steps
    execution_status status = execution_status::all_complete;      ///< see `summarize` for which wins
    recommended_action action = recommended_action::finalize_task; ///< follows from the status
    health_status health = health_status::healthy;                 ///< follows from the status and the failures
};

/// Precedence: ready, running, in back-off, complete; blocked only when nothing can ever progress again.
TASKER_INLINE execution_context summarize(std::span<step_readiness const> rows);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/plan/execution_context.ipp>
#endif
