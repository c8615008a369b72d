#pragma once

#include <tasker/plan/readiness.hpp>

#include <cmath>
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
inline std::string_view name(health_status status)
{
    switch (status) {
    case health_status::healthy: return "healthy";
    case health_status::recovering: return "recovering";
    case health_status::blocked: return "blocked";
    }
    return "unknown";
}

/// The word as it is shown and queried.
inline std::string_view name(recommended_action action)
{
    switch (action) {
    case recommended_action::execute_ready_steps: return "execute_ready_steps";
    case recommended_action::wait_for_completion: return "wait_for_completion";
    case recommended_action::wait_for_dependencies: return "wait_for_dependencies";
    case recommended_action::handle_failures: return "handle_failures";
    case recommended_action::finalize_task: return "finalize_task";
    }
    return "unknown";
}

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
inline execution_context summarize(std::span<step_readiness const> rows)
{
    execution_context context;
    context.total_steps = rows.size();
    for (step_readiness const& row : rows) {
        context.pending_steps += row.state == step_state::pending ? 1U : 0U;
        context.in_progress_steps += row.state == step_state::in_progress ? 1U : 0U;
        context.completed_steps += satisfies_children(row.state) ? 1U : 0U;
        context.failed_steps += row.state == step_state::error ? 1U : 0U;
        context.cancelled_steps += row.state == step_state::cancelled ? 1U : 0U;
        context.ready_steps += row.ready ? 1U : 0U;
        context.waiting_steps += row.reason == blocking_reason::backoff_not_elapsed ? 1U : 0U;
    }
    if (!rows.empty())
        context.completion_percentage =
            std::round(1e4 * static_cast<double>(context.completed_steps) / static_cast<double>(rows.size())) / 100.0;

    using enum execution_status;
    if (context.ready_steps > 0) {
        context.status = has_ready_steps;
        context.action = recommended_action::execute_ready_steps;
    } else if (context.in_progress_steps > 0) {
        context.status = processing;
        context.action = recommended_action::wait_for_completion;
    } else if (context.waiting_steps > 0) {
        context.status = waiting_for_dependencies;
        context.action = recommended_action::wait_for_dependencies;
    } else if (context.completed_steps < context.total_steps) {
        context.status = blocked_by_failures;
        context.action = recommended_action::handle_failures;
    }
    if (context.status == blocked_by_failures)
        context.health = health_status::blocked;
    else if (context.failed_steps > 0)
        context.health = health_status::recovering;
    return context;
}

} // namespace tasker
