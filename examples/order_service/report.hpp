#pragma once

#include "reading.hpp"
#include "story.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace order_service {

/// The figures of one batch, made from its orders' stories.
class batch_report {
public:
    batch_report(int batch, std::vector<std::string> steps, std::vector<order_story> const& stories)
        : batch_{batch}, steps_{std::move(steps)}, stories_{stories}
    {
        for (auto const& story : stories_) {
            ++outcomes_[static_cast<std::size_t>(outcome_of(story))];
            count(story);
        }
        for (auto& [step, lengths] : lengths_)
            std::sort(lengths.begin(), lengths.end());
    }

    /// The order that took longest, or null when nothing ran.
    order_story const* slowest() const
    {
        auto const at = std::max_element(stories_.begin(), stories_.end(),
                                         [](auto const& a, auto const& b) { return a.elapsed() < b.elapsed(); });
        return at == stories_.end() || at->attempts.empty() ? nullptr : &*at;
    }

    /// As tables, for a terminal or a file.
    std::string text() const
    {
        return "Batch " + std::to_string(batch_) + ": " + std::to_string(stories_.size()) + " orders in " +
               reading(last_ - first_) + ", from the first step to the last\n\n" + outcomes() + '\n' + steps() + '\n' +
               waits();
    }

private:
    struct waiting {
        std::size_t count = 0;
        tasker::duration total{};
        tasker::duration longest{};
    };

    void count(order_story const& story)
    {
        for (auto const& one : story.attempts) {
            first_ = first_ == tasker::time_point{} ? one.from : std::min(first_, one.from);
            last_ = std::max(last_, one.to);
            lengths_[one.step].push_back(one.length());
        }
        for (auto const& one : retries_in(story)) {
            ++retries_[one.next->step];
            add_wait(cause_of(*one.failed), one.wait());
        }
    }

    void add_wait(std::string const& cause, tasker::duration length)
    {
        auto& sum = waits_[cause];
        ++sum.count;
        sum.total += length;
        sum.longest = std::max(sum.longest, length);
    }

    static std::string cause_of(attempt_story const& failed)
    {
        if (failed.how == ending::asked_to_wait)
            return failed.detail.find(" GMT") == std::string::npos ? "429, Retry-After in seconds"
                                                                   : "429, Retry-After as a date";
        if (failed.how == ending::busy)
            return failed.step + " " + std::string{name(failed.how)};
        return std::string{name(failed.how)};
    }

    /// The smallest of the lengths (at least one) that `percent` of them do not exceed.
    static tasker::duration percentile(std::vector<tasker::duration> const& sorted, std::size_t percent)
    {
        return sorted[(sorted.size() * percent + 99) / 100 - 1];
    }

    template <class... Cells>
    static std::string row(char const* format, Cells... cells)
    {
        char text[200];
        std::snprintf(text, sizeof text, format, cells...);
        return text;
    }

    std::string outcomes() const
    {
        std::string table = row("  %-34s %8s\n", "outcome", "orders");
        for (std::size_t how = 0; how < outcomes_.size(); ++how)
            if (outcomes_[how] > 0)
                table += row("  %-34s %8zu\n", outcome_names[how].data(), outcomes_[how]);
        return table;
    }

    std::string steps() const
    {
        std::string table = row("  %-16s %8s %8s %10s %10s %10s\n", "step", "attempts", "retries", "p50", "p99", "max");
        for (std::string const& step : steps_) {
            auto const lengths = lengths_.find(step);
            if (lengths == lengths_.end()) {
                table += row("  %-16s %8d\n", step.c_str(), 0);
                continue;
            }
            auto const retries = retries_.find(step);
            auto const at = [&](std::size_t percent) { return reading(percentile(lengths->second, percent)); };
            table += row("  %-16s %8zu %8zu %10s %10s %10s\n", step.c_str(), lengths->second.size(),
                         retries == retries_.end() ? std::size_t{0} : retries->second, at(50).c_str(), at(99).c_str(),
                         at(100).c_str());
        }
        return table;
    }

    std::string waits() const
    {
        if (waits_.empty())
            return "  no step had to wait for another attempt\n";
        std::string table =
            row("  %-34s %8s %10s %10s\n", "waited for another attempt after", "count", "total", "longest");
        for (auto const& [cause, sum] : waits_)
            table += row("  %-34s %8zu %10s %10s\n", cause.c_str(), sum.count, reading(sum.total).c_str(),
                         reading(sum.longest).c_str());
        return table;
    }

    int batch_;
    std::vector<std::string> steps_;
    std::vector<order_story> const& stories_;
    std::array<std::size_t, outcome_names.size()> outcomes_{};
    std::map<std::string, std::vector<tasker::duration>, std::less<>> lengths_;
    std::map<std::string, std::size_t, std::less<>> retries_;
    std::map<std::string, waiting> waits_;
    tasker::time_point first_{};
    tasker::time_point last_{};
};

} // namespace order_service
