#pragma once

#include <tasker/plan/execution_context.hpp>

#include <cmath>
#include <span>
#include <string_view>

namespace tasker {

TASKER_INLINE std::string_view name(health_status status)
{
    switch (status) {
    case health_status::healthy: return "healthy";
    case health_status::recovering: return "recovering";
    case health_status::blocked: return "blocked";
    }
    return "unknown";
}

TASKER_INLINE std::string_view name(recommended_action action)
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

TASKER_INLINE execution_context summarize(std::span<step_readiness const> rows)
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
