#pragma once

#include <tasker/base/time.hpp>
#include <tasker/event/escape.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tasker {

/// Counts lengths of time in the usual Prometheus buckets. A value; not thread-safe.
class duration_histogram {
public:
    /// Counts the lengths up to a bound.
    struct bucket {
        duration upper;        ///< inclusive
        std::string_view text; ///< the same in seconds, as the `le` label has it
    };

    /// The bounds, ascending; longer lengths are counted beyond the last.
    static constexpr std::array<bucket, 11> buckets{{
        {std::chrono::milliseconds{5}, "0.005"},
        {std::chrono::milliseconds{10}, "0.01"},
        {std::chrono::milliseconds{25}, "0.025"},
        {std::chrono::milliseconds{50}, "0.05"},
        {std::chrono::milliseconds{100}, "0.1"},
        {std::chrono::milliseconds{250}, "0.25"},
        {std::chrono::milliseconds{500}, "0.5"},
        {std::chrono::seconds{1}, "1"},
        {std::chrono::milliseconds{2'500}, "2.5"},
        {std::chrono::seconds{5}, "5"},
        {std::chrono::seconds{10}, "10"},
    }};

    /// Counts one length; at least zero.
    void add(duration length)
    {
        std::size_t at = 0;
        while (at < buckets.size() && length > buckets[at].upper)
            ++at;
        ++counts_[at];
        sum_ += length;
    }

    /// How many lengths were counted.
    std::uint64_t count() const
    {
        std::uint64_t all = 0;
        for (auto const each : counts_)
            all += each;
        return all;
    }
    /// Of all lengths counted.
    duration sum() const { return sum_; }

    /// Appends the samples of this histogram in the Prometheus text format, the counts cumulative as it demands.
    /// `labels` are without braces and not empty.
    void append(std::string& out, std::string_view name, std::string_view labels) const
    {
        std::uint64_t below = 0;
        for (std::size_t at = 0; at < counts_.size(); ++at) {
            below += counts_[at];
            out.append(name).append("_bucket{").append(labels).append(",le=\"");
            out.append(at < buckets.size() ? buckets[at].text : "+Inf").append("\"} ");
            out.append(std::to_string(below)).append(1, '\n');
        }
        out.append(name).append("_sum{").append(labels).append("} ");
        detail::append_seconds(out, sum_);
        out.append("\n").append(name).append("_count{").append(labels).append("} ");
        out.append(std::to_string(below)).append(1, '\n');
    }

private:
    std::array<std::uint64_t, buckets.size() + 1> counts_{}; // not cumulative; the last is +Inf
    duration sum_{};
};

} // namespace tasker
