#pragma once

#include <tasker/policy/retry_policy.hpp>

#include <cmath>
#include <optional>
#include <string>

namespace tasker {

TASKER_INLINE std::optional<std::string> problem_of(retry_policy const& policy)
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
