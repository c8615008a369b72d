#pragma once

#include "instance.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wfrun {

/// Gives the categories that took the most time a colour each, and all others one together.
class category_colours {
public:
    struct entry {
        std::string colour;
        std::string what;
    };

    explicit category_colours(instance const& of)
    {
        std::map<std::string, tasker::duration> work;
        for (wf_task const& one : of.tasks)
            work[one.category] += one.runtime;
        std::vector<std::pair<std::string, tasker::duration>> by_work(work.begin(), work.end());
        std::ranges::sort(by_work, {}, [](auto const& one) {
            return std::pair{-one.second, std::string_view{one.first}};
        });
        for (std::size_t rank = 0; rank < std::min(palette.size(), by_work.size()); ++rank) {
            colours_.emplace(by_work[rank].first, palette[rank]);
            entries_.push_back({std::string{palette[rank]}, by_work[rank].first});
        }
        if (by_work.size() > palette.size())
            entries_.push_back(
                {std::string{others}, std::to_string(by_work.size() - palette.size()) + " other categories"});
    }

    std::string_view colour_of(std::string const& category) const
    {
        auto const known = colours_.find(category);
        return known == colours_.end() ? others : known->second;
    }

    /// For a legend, most time first.
    std::vector<entry> const& entries() const noexcept { return entries_; }

private:
    /// Dark enough for white captions, and apart for colour-blind eyes as well (after Okabe and Ito, and Tol).
    static constexpr std::array<std::string_view, 10> palette{"#0072b2", "#d55e00", "#008a64", "#aa4499", "#b8860b",
                                                              "#332288", "#3f93c9", "#882255", "#6b7f1f", "#7a5230"};
    static constexpr std::string_view others = "#8a94a0";

    std::map<std::string, std::string_view> colours_;
    std::vector<entry> entries_;
};

} // namespace wfrun
