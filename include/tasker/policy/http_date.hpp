#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/time.hpp>

#include <array>
#include <optional>
#include <string_view>

namespace tasker {

namespace detail {

inline constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
inline constexpr std::array<std::string_view, 7> long_day_names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                                "Thursday", "Friday", "Saturday"};
inline constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

} // namespace detail

/// The point in time that an HTTP date names (RFC 9110, section 5.6.7) in any of its three forms, or nothing.
/// A two-digit year is the latest one that is at most 50 years ahead of `now`. The name of the day is not checked
/// against the date.
TASKER_INLINE std::optional<time_point> parse_http_date(std::string_view text, time_point now);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/policy/http_date.ipp>
#endif
