#pragma once

#include <tasker/base/time.hpp>

#include <chrono>
#include <cstdio>
#include <string>

namespace tasker {

TASKER_INLINE std::string to_text(time_point at)
{
    auto const day = std::chrono::floor<std::chrono::days>(at);
    std::chrono::year_month_day const date{day};
    std::chrono::hh_mm_ss const clock{at - day};
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return text;
}

TASKER_INLINE std::string to_text(duration length)
{
    auto const us = length.count();
    char text[64];
    if (us == 0)
        return "0s";
    if (us < 0)
        return "-" + to_text(-length);
    if (us < 1'000)
        std::snprintf(text, sizeof text, "%ldus", static_cast<long>(us));
    else if (us < 1'000'000)
        std::snprintf(text, sizeof text, "%gms", static_cast<double>(us) / 1e3);
    else if (us < 60'000'000)
        std::snprintf(text, sizeof text, "%.8gs", static_cast<double>(us) / 1e6);
    else
        std::snprintf(text, sizeof text, "%ldm%.8gs", static_cast<long>(us / 60'000'000),
                      static_cast<double>(us % 60'000'000) / 1e6);
    return text;
}

} // namespace tasker
