#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/time.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <type_traits>

namespace tasker {

/// Which back-off decides when a parked task wakes.
enum class wake_on {
    longest,  ///< when every failed step is due (one wake)
    earliest, ///< when the first failed step is due
};

/// How long a task waits, and where; nothing here is negative. See `delay_calculator`.
struct delay_policy {
    duration resident_limit = std::chrono::seconds{60};            ///< longest wait that is spent in memory, to the microsecond
    duration buffer = std::chrono::seconds{5};                     ///< added to a parked task's back-off
    duration cap = std::chrono::minutes{30};                       ///< longest a parked task sleeps before it looks again; > 0
    duration has_ready_steps = duration::zero();                   ///< delay map: steps are ready
    duration waiting_for_dependencies = std::chrono::seconds{300}; ///< delay map: waiting, and no step names a time
    duration processing = std::chrono::seconds{30};                ///< delay map: steps are running elsewhere
    duration fallback = std::chrono::seconds{30};                  ///< delay map: anything else
    tasker::wake_on wake_on = wake_on::longest;                    ///< which back-off a parked task waits for
};
static_assert(std::is_trivially_destructible_v<delay_policy>);

/// What is wrong with `policy`, in a sentence, or nothing.
TASKER_INLINE std::optional<std::string> problem_of(delay_policy const& policy);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/policy/delay_policy.ipp>
#endif
