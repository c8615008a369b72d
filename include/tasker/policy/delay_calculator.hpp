#pragma once

#include <tasker/policy/delay_policy.hpp>
#include <tasker/policy/execution_status.hpp>

#include <algorithm>
#include <optional>

namespace tasker {

/// The remaining back-offs of a task's failed, not yet ready steps (exhausted steps do not count).
struct backoff_window {
    duration earliest = duration::zero(); ///< until the first of them is due
    duration longest = duration::zero();  ///< until all of them are
};

/// Computes how long a task waits before anybody looks at it again. It only computes; the parker sets the timer.
class delay_calculator {
public:
    /// Preconditions: `problem_of(policy)` is nothing.
    explicit delay_calculator(delay_policy const& policy) : policy_{policy} {}

    /// Whether a task with these back-offs stays in memory, each step waking at its own due time.
    bool stays_resident(backoff_window const& window) const { return window.longest <= policy_.resident_limit; }

    /// How long a parked task sleeps. `status` is nothing when the task's context could not be read;
    /// `window` is nothing when no step is in back-off.
    duration parked_delay(std::optional<execution_status> status, std::optional<backoff_window> window) const
    {
        if (!status)
            return policy_.fallback;
        switch (*status) {
        case execution_status::has_ready_steps: return policy_.has_ready_steps;
        case execution_status::processing: return policy_.processing;
        case execution_status::waiting_for_dependencies:
            return window ? buffered(*window) : policy_.waiting_for_dependencies;
        case execution_status::blocked_by_failures:
        case execution_status::all_complete: break;
        }
        return policy_.fallback;
    }

private:
    duration buffered(backoff_window const& window) const
    {
        duration const wait =
            std::max(duration::zero(), policy_.wake_on == wake_on::longest ? window.longest : window.earliest);
        if (wait >= policy_.cap - policy_.buffer) // compared so that the longest of waits does not overflow
            return policy_.cap;
        return wait + policy_.buffer;
    }

    delay_policy policy_;
};

} // namespace tasker
