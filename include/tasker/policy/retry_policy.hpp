#pragma once

#include <tasker/policy/backoff.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <type_traits>

namespace tasker {

/// When a failed step is tried again. Trivially destructible, so that it may be written inside a co_await expression.
struct retry_policy {
    int max_attempts = 3;                        ///< attempts in all, the first included; >= 1
    bool retryable = true;                       ///< false: the first failure is final
    exponential backoff = {};                    ///< the wait, unless the failure itself names one (`retry_after`)
    tasker::jitter jitter = jitter::ten_percent; ///< what is added to or taken from the computed wait

    friend bool operator==(retry_policy const&, retry_policy const&) = default;
};
static_assert(std::is_trivially_destructible_v<retry_policy>);

/// What is wrong with `policy`, in a sentence, or nothing.
inline std::optional<std::string> problem_of(retry_policy const& policy)
{
    if (policy.max_attempts < 1)
        return "max_attempts is " + std::to_string(policy.max_attempts) +
               ", but a step needs at least one attempt; use retryable = false for a step that must not be retried";
    if (policy.backoff.initial <= duration::zero())
        return "backoff.initial must be longer than zero";
    if (!(policy.backoff.factor >= 1.0) || !std::isfinite(policy.backoff.factor))
        return "backoff.factor must be a finite number of at least 1, so that waits never shrink";
    if (policy.backoff.cap < policy.backoff.initial)
        return "backoff.cap must not be shorter than backoff.initial";
    return std::nullopt;
}

} // namespace tasker
