#pragma once

#include <tasker/base/time.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

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
inline duration backoff_delay(exponential const& policy, int failures)
{
    if (failures <= 0)
        return duration::zero();
    double const cap = static_cast<double>(policy.cap.count());
    double const wait = static_cast<double>(policy.initial.count()) * std::pow(policy.factor, failures - 1);
    if (!(wait < cap)) // also when the power became infinite
        return policy.cap;
    return duration{std::llround(wait)};
}

/// The wait after `failures` failed attempts, spread by `spread`.
/// `random` is uniform in [0, 1); `previous` is the wait before this one (zero at the first failure).
/// Never above the cap, and at least 1 us when there is any failure.
inline duration backoff_delay(exponential const& policy, jitter spread, int failures, duration previous, double random)
{
    duration const plain = backoff_delay(policy, failures);
    if (spread == jitter::none || failures <= 0)
        return plain;
    double const computed = static_cast<double>(plain.count());
    double wait = computed; // in doubles, so that no cap is too large to multiply
    if (spread == jitter::ten_percent)
        wait = computed * (0.9 + 0.2 * random);
    else if (spread == jitter::full)
        wait = computed * (1.0 - random);
    else {
        double const lower = static_cast<double>(policy.initial.count());
        wait = lower + (std::max(lower, static_cast<double>(previous.count()) * 3.0) - lower) * random;
    }
    if (!(wait < static_cast<double>(policy.cap.count())))
        return policy.cap;
    return std::max(duration{1}, duration{std::llround(wait)});
}

} // namespace tasker
