#pragma once

#include <tasker/plan/execution_context.hpp>
#include <tasker/policy/delay_calculator.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace tasker {

/// What to do with a task now.
struct decision {
    execution_status status = execution_status::all_complete;
    std::vector<step_no> ready;             ///< steps that can start, in step order
    std::optional<time_point> earliest_due; ///< of the steps in back-off
    std::optional<time_point> longest_due;

    friend bool operator==(decision const&, decision const&) = default;
};

/// Decides from the graph, the records and the time alone, by a full scan. It is the meaning of `task_plan`, which
/// reaches the same answers incrementally.
inline decision decide(graph const& shape, std::span<step_record const> records, time_point now)
{
    decision result;
    auto const rows = assess_all(shape, records, now);
    for (step_readiness const& row : rows) {
        if (row.ready)
            result.ready.push_back(row.step);
        if (row.reason != blocking_reason::backoff_not_elapsed)
            continue;
        result.earliest_due = std::min(result.earliest_due.value_or(*row.next_retry_at), *row.next_retry_at);
        result.longest_due = std::max(result.longest_due.value_or(*row.next_retry_at), *row.next_retry_at);
    }
    result.status = summarize(rows).status;
    return result;
}

} // namespace tasker
