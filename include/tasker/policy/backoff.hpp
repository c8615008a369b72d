#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/time.hpp>

#include <chrono>

namespace tasker {

/// Exponential back-off: the wait after the n-th failed attempt is `initial * factor^(n-1)`, never above `cap`.
struct exponential {
    duration initial = std::chrono::seconds{1}; ///< > 0
    double factor = 2.0;                        ///< >= 1; exactly 1 makes the wait constant
    duration cap = std::chrono::minutes{5};     ///< >= initial; the one cap there is, jitter included

    friend bool operator==(exponential const&, exponential const&) = default;
};

/// How a computed wait is spread so that failures of many tasks do not come back at once.
enum class jitter {
    none,         ///< exactly the computed wait
    ten_percent,  ///< uniform in [0.9, 1.1] of it
    full,         ///< uniform in (0, 1] of it
    decorrelated, ///< uniform in [initial, 3 x previous wait], see "Exponential Backoff And Jitter", AWS, 2015
};

/// The wait after `failures` failed attempts (>= 1), without jitter. No overflow at any count.
TASKER_INLINE duration backoff_delay(exponential const& policy, int failures);

/// The wait after `failures` failed attempts, spread by `spread`.
/// `random` is uniform in [0, 1); `previous` is the wait before this one (zero at the first failure).
/// Never above the cap, and at least 1 us when there is any failure.
TASKER_INLINE duration backoff_delay(exponential const& policy, jitter spread, int failures, duration previous, double random);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/policy/backoff.ipp>
#endif
