#pragma once

#include <tasker/base/config.hpp>
#include <tasker/policy/backoff.hpp>

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
TASKER_INLINE std::optional<std::string> problem_of(retry_policy const& policy);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/policy/retry_policy.ipp>
#endif
