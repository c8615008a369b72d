#pragma once

#include <tasker/base/time.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace wfrun {

inline double seconds_of(tasker::duration length) { return static_cast<double>(length.count()) / 1e6; }

inline tasker::duration scaled(tasker::duration length, double factor)
{
    return tasker::duration{std::llround(static_cast<double>(length.count()) * factor)};
}

/// `0.311 s`, `88.4 s`, `29793.9 s`.
inline std::string in_seconds(tasker::duration length)
{
    char text[32];
    std::snprintf(text, sizeof text, length < std::chrono::seconds{10} ? "%.3f s" : "%.1f s", seconds_of(length));
    return text;
}

/// `88.4 s`, and where that is hard to imagine, `29793.9 s (8.3 h)`.
inline std::string in_words(tasker::duration length)
{
    char text[32] = "";
    if (length >= std::chrono::hours{3})
        std::snprintf(text, sizeof text, " (%.1f h)", seconds_of(length) / 3600);
    else if (length >= std::chrono::minutes{3})
        std::snprintf(text, sizeof text, " (%.1f min)", seconds_of(length) / 60);
    return in_seconds(length) + text;
}

/// `1 task`, `2 tasks`.
inline std::string in_number(std::size_t count, std::string_view what)
{
    return std::to_string(count) + ' ' + std::string{what} + (count == 1 ? "" : "s");
}

} // namespace wfrun
