#pragma once

#include <tasker/base/time.hpp>

#include <cstdio>
#include <string>

namespace order_service {

/// A length of time as a person reads it, to two or three digits: `0.05 ms`, `7.4 ms`, `240 ms`, `1.5 s`, `27 s`.
inline std::string reading(tasker::duration length)
{
    auto const ms = static_cast<double>(length.count()) / 1e3;
    char text[32];
    if (ms < 999.5)
        std::snprintf(text, sizeof text, ms < 0.995 ? "%.2f ms" : ms < 9.95 ? "%.1f ms" : "%.0f ms", ms);
    else
        std::snprintf(text, sizeof text, ms < 99'950 ? "%.1f s" : "%.0f s", ms / 1e3);
    return text;
}

} // namespace order_service
