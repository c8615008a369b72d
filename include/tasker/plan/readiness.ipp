#pragma once

#include <tasker/plan/readiness.hpp>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tasker {

TASKER_INLINE std::string_view name(blocking_reason reason)
{
    switch (reason) {
    case blocking_reason::none: return "none";
    case blocking_reason::invalid_state: return "invalid_state";
    case blocking_reason::dependencies_not_satisfied: return "dependencies_not_satisfied";
    case blocking_reason::not_retryable: return "not_retryable";
    case blocking_reason::retry_not_eligible: return "retry_not_eligible";
    case blocking_reason::backoff_not_elapsed: return "backoff_not_elapsed";
    }
    return "unknown";
}

TASKER_INLINE bool may_retry(step_record const& record, retry_policy const& policy)
{
    if (record.last_failure && record.last_failure->kind == failure_kind::abandoned)
        return true;
    if (record.last_failure && record.last_failure->kind == failure_kind::permanent)
        return false;
    return record.attempts == 0 || (policy.retryable && record.attempts < policy.max_attempts);
}

TASKER_INLINE step_readiness assess(graph const& shape, std::span<step_record const> records, step_no no, time_point now)
{
    step_record const& record = records[no];
    retry_policy const& policy = shape.step(no).options.retry;
    step_readiness row;
    row.step = no;
    row.name = shape.step(no).name;
    row.state = record.state;
    row.attempts = record.attempts;
    row.max_attempts = policy.max_attempts;
    row.total_parents = shape.parents(no).size();
    for (step_no const parent : shape.parents(no))
        row.completed_parents += satisfies_children(records[parent].state) ? 1U : 0U;
    row.dependencies_satisfied = row.completed_parents == row.total_parents;
    row.retry_eligible = may_retry(record, policy);
    bool const in_error = record.state == step_state::error;
    if (in_error)
        row.last_failure_at = record.finished_at;
    if (in_error || record.state == step_state::pending)
        row.next_retry_at = record.next_retry_at;

    bool const final = in_error && (!policy.retryable || (record.last_failure && record.last_failure->kind == failure_kind::permanent));
    if (!in_error && record.state != step_state::pending)
        row.reason = blocking_reason::invalid_state;
    else if (!row.dependencies_satisfied)
        row.reason = blocking_reason::dependencies_not_satisfied;
    else if (in_error && !row.retry_eligible)
        row.reason = final ? blocking_reason::not_retryable : blocking_reason::retry_not_eligible;
    else if (row.next_retry_at && *row.next_retry_at > now)
        row.reason = blocking_reason::backoff_not_elapsed;
    row.ready = row.reason == blocking_reason::none;
    return row;
}

TASKER_INLINE std::vector<step_readiness> assess_all(graph const& shape, std::span<step_record const> records, time_point now)
{
    std::vector<step_readiness> rows;
    rows.reserve(shape.size());
    for (step_no no = 0; no < shape.size(); ++no)
        rows.push_back(assess(shape, records, no, now));
    return rows;
}

} // namespace tasker
