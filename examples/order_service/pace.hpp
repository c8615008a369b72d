#pragma once

#include <tasker/base/time.hpp>

#include <cmath>
#include <cstdint>
#include <string_view>

namespace order_service {

/// How fast the simulated world runs: work, time limits and back-offs all shrink by the same factor.
struct pace {
    double speed = 1.0; ///< > 0; 10 is ten times as fast

    tasker::duration operator()(tasker::duration length) const
    {
        return tasker::duration{std::llround(static_cast<double>(length.count()) / speed)};
    }

    /// Whole seconds, as Retry-After has them: at least one, but for paces so fast that it would dominate.
    int whole_seconds(double seconds) const { return static_cast<int>(std::lround(seconds / speed)); }
};

/// A number that depends on the text alone, so that every run of an order meets the same world (FNV-1a, finished as in
/// SplitMix64).
inline std::uint64_t dice(std::string_view of_whom, std::string_view for_what)
{
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325U;
    for (std::string_view const part : {of_whom, std::string_view{"/"}, for_what})
        for (char const c : part)
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U;
    hash = (hash ^ (hash >> 30)) * 0xbf58'476d'1ce4'e5b9U;
    hash = (hash ^ (hash >> 27)) * 0x94d0'49bb'1331'11ebU;
    return hash ^ (hash >> 31);
}

/// A length between `shortest` and `longest`, fixed by the dice.
inline tasker::duration between(tasker::duration shortest, tasker::duration longest, std::uint64_t thrown)
{
    auto const span = static_cast<std::uint64_t>((longest - shortest).count()) + 1;
    return shortest + tasker::duration{static_cast<std::int64_t>(thrown % span)};
}

} // namespace order_service
