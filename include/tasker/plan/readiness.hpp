#pragma once

#include <tasker/base/config.hpp>
#include <tasker/model/graph.hpp>
#include <tasker/model/records.hpp>
#include <tasker/policy/execution_status.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tasker {

/// Why a step is not ready; the first reason that applies.
enum class blocking_reason {
    none,
    invalid_state,              ///< it runs, or is over
    dependencies_not_satisfied, ///< a parent is not complete or resolved by hand
    not_retryable,              ///< failed, and a failure of it is final
    retry_not_eligible,         ///< failed, and has no attempts left
    backoff_not_elapsed,        ///< its `next_retry_at` is still to come
};

/// The word as it is shown and queried.
TASKER_INLINE std::string_view name(blocking_reason reason);

/// Whether a failed step may run again. An abandoned attempt was no failure of the step's and counts for nothing.
TASKER_INLINE bool may_retry(step_record const& record, retry_policy const& policy);

/// Whether the step could start if its parents were done and its back-off over.
inline bool may_start(step_record const& record, retry_policy const& policy)
{
    return record.state == step_state::pending || (record.state == step_state::error && may_retry(record, policy));
}

/// One row of the readiness query.
struct step_readiness {
    step_no step = 0;                               ///< its place in the workflow
    std::string name;                               ///< in the workflow
    step_state state = step_state::pending;         ///< as it is recorded
    std::size_t total_parents = 0;                  ///< steps it waits for in all
    std::size_t completed_parents = 0;              ///< of them, those complete or resolved by hand
    bool dependencies_satisfied = false;            ///< none of them is missing
    int attempts = 0;                               ///< finished ones
    int max_attempts = 0;                           ///< as the step's retry policy says
    bool retry_eligible = false;                    ///< the policy allows another attempt
    std::optional<time_point> last_failure_at;      ///< while the state is error
    std::optional<time_point> next_retry_at;        ///< while it is pending or in error; ready from this instant on
    bool ready = false;                             ///< could start at this instant
    blocking_reason reason = blocking_reason::none; ///< why it could not

    /// `no_dependencies`, `all_satisfied` or `1/2_satisfied`.
    std::string dependency_text() const
    {
        if (total_parents == 0)
            return "no_dependencies";
        if (dependencies_satisfied)
            return "all_satisfied";
        return std::to_string(completed_parents) + "/" + std::to_string(total_parents) + "_satisfied";
    }
};

/// Whether and why `no` can start at `now`. `records` holds one record a step, in step order.
TASKER_INLINE step_readiness assess(graph const& shape, std::span<step_record const> records, step_no no, time_point now);

/// The readiness of every step, in step order.
TASKER_INLINE std::vector<step_readiness> assess_all(graph const& shape, std::span<step_record const> records, time_point now);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/plan/readiness.ipp>
#endif
