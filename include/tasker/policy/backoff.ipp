#pragma once

#include <tasker/policy/backoff.hpp>

#include <algorithm>
#include <cmath>

namespace tasker {

TASKER_INLINE duration backoff_delay(exponential const& policy, int failures)
{
    if (failures <= 0)
        return duration::zero();
    double const cap = static_cast<double>(policy.cap.count());
    double const wait = static_cast<double>(policy.initial.count()) * std::pow(policy.factor, failures - 1);
    if (!(wait < cap)) // also when the power became infinite
        return policy.cap;
    return duration{std::llround(wait)};
}

TASKER_INLINE duration backoff_delay(exponential const& policy, jitter spread, int failures, duration previous, double random)
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
