#pragma once

#include <tasker/engine_options.hpp>

#include <optional>
#include <string>

namespace tasker {

TASKER_INLINE std::optional<std::string> problem_of(engine_options const& options)
{
    if (options.max_concurrent_steps == 0 || options.max_resident_tasks == 0 || options.max_journal_records == 0 ||
        options.max_journal_bytes == 0 || options.blocking_threads == 0)
        return "max_concurrent_steps, max_resident_tasks, max_journal_records, max_journal_bytes and blocking_threads must be at least 1";
    if (options.lease < std::chrono::milliseconds{30})
        return "lease must be at least 30 ms";
    if (options.safety_poll <= duration::zero() || options.record_start_within < duration::zero())
        return "safety_poll must be longer than zero, and record_start_within not negative";
    if (options.lease > longest_interval || options.safety_poll > longest_interval || options.record_start_within > longest_interval)
        return "lease, safety_poll and record_start_within must be at most ten years";
    if (options.max_recoveries < 0)
        return "max_recoveries must not be negative";
    return problem_of(options.delays);
}

} // namespace tasker
