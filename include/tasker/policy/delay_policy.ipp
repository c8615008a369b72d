#pragma once

#include <tasker/policy/delay_policy.hpp>

#include <optional>
#include <string>

namespace tasker {

TASKER_INLINE std::optional<std::string> problem_of(delay_policy const& policy)
{
    if (policy.cap <= duration::zero())
        return "delay_policy.cap must be longer than zero";
    for (duration const length : {policy.resident_limit, policy.buffer, policy.has_ready_steps,
                                  policy.waiting_for_dependencies, policy.processing, policy.fallback})
        if (length < duration::zero())
            return "delay_policy holds a negative length of time";
    return std::nullopt;
}

} // namespace tasker
