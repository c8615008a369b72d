#pragma once

#include "report.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace benchmark {

/// The percentiles that so many samples can tell of, of what was measured by turns, in microseconds.
inline void add_percentiles(report& to, std::string const& what, samples const& ours, samples const& baseline,
                            std::string_view bounded_at = {}, bound bounded = bound::none, double target = 0)
{
    static constexpr std::pair<char const*, double> shares[] = {
        {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};
    for (auto const& [name, share] : shares) {
        if (share > 0.5 && static_cast<double>(ours.size()) * (1 - share) < 1)
            break;
        bool const counts = bounded_at == name;
        to.add({what, "us", quantile(ours, share), quantile(baseline, share), counts ? bounded : bound::none, counts ? target : 0, name});
    }
}

} // namespace benchmark
