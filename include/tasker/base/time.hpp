#pragma once

#include <tasker/base/config.hpp>

#include <chrono>
#include <string>

namespace tasker {

/// Lengths of time, in whole microseconds everywhere in the library and in its stores.
using duration = std::chrono::microseconds;

/// Points in time: microseconds since 1970-01-01T00:00:00Z, always UTC.
using time_point = std::chrono::sys_time<duration>;

/// `2026-11-23T06:03:27.000250Z`: RFC 3339, UTC, microseconds.
TASKER_INLINE std::string to_text(time_point at);

/// `1.5s`, `250ms`, `40us`, `2m5s`: the shortest form a person reads at a glance, exact to the microsecond.
TASKER_INLINE std::string to_text(duration length);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/base/time.ipp>
#endif
