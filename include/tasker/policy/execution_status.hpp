#pragma once

#include <string_view>

namespace tasker {

/// What a task can do next, seen from its steps.
enum class execution_status {
    has_ready_steps,          ///< at least one step can start now
    processing,               ///< none can start, at least one runs
    waiting_for_dependencies, ///< none can start or runs, at least one is in back-off
    blocked_by_failures,      ///< nothing can ever start again, and not every step is done
    all_complete,             ///< every step is complete or resolved by hand (also when there are no steps)
};

/// The word as it is stored, shown and queried.
inline std::string_view name(execution_status status)
{
    switch (status) {
    case execution_status::has_ready_steps: return "has_ready_steps";
    case execution_status::processing: return "processing";
    case execution_status::waiting_for_dependencies: return "waiting_for_dependencies";
    case execution_status::blocked_by_failures: return "blocked_by_failures";
    case execution_status::all_complete: return "all_complete";
    }
    return "unknown";
}

} // namespace tasker
