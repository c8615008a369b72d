#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace benchmark {

/// What was measured of one thing, again and again.
using samples = std::vector<double>;

/// The value below which this share of the values lies; at least one value.
inline double quantile(samples values, double share)
{
    auto const rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    auto const at = values.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, values.size()) - 1);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

inline double median(samples const& values) { return quantile(values, 0.5); }

/// How wide the middle half of the values is, as a share of their median.
inline double spread(samples const& values)
{
    double const middle = median(values);
    return middle == 0 ? 0 : (quantile(values, 0.75) - quantile(values, 0.25)) / middle;
}

/// What a figure's target bounds: the figure itself, or its ratio to the baseline.
enum class bound { none, figure_at_most, figure_at_least, ratio_at_most, ratio_at_least };

/// One line of a report.
struct figure {
    std::string what;
    std::string unit;
    double value = 0;
    std::optional<double> baseline{};
    bound bounded = bound::none;
    double target = 0;
    std::string at{}; ///< the place on a chart's axis, such as "1,000 tasks" or "p99"; empty: a figure by itself
    std::optional<double> value_spread{};
    std::optional<double> baseline_spread{};
    std::string section{}; ///< given by the report

    std::optional<double> ratio() const
    {
        return baseline && *baseline != 0 ? std::optional{value / *baseline} : std::nullopt;
    }

    /// Nothing when there is no target.
    std::optional<bool> holds() const
    {
        switch (bounded) {
        case bound::figure_at_most: return value <= target;
        case bound::figure_at_least: return value >= target;
        case bound::ratio_at_most: return ratio() ? std::optional{*ratio() <= target} : std::nullopt;
        case bound::ratio_at_least: return ratio() ? std::optional{*ratio() >= target} : std::nullopt;
        case bound::none: break;
        }
        return std::nullopt;
    }
};

/// The medians of what was measured by turns.
inline figure compared(std::string what, std::string unit, samples const& ours, samples const& baseline,
                       bound bounded = bound::none, double target = 0, std::string at = {})
{
    return {std::move(what), std::move(unit), median(ours), median(baseline), bounded, target, std::move(at),
            spread(ours), spread(baseline)};
}

/// The median of what has no baseline.
inline figure alone(std::string what, std::string unit, samples const& ours, bound bounded = bound::none, double target = 0,
                    std::string at = {})
{
    return {std::move(what), std::move(unit), median(ours), std::nullopt, bounded, target, std::move(at), spread(ours)};
}

/// The figures of one program: a table for people, and lines of JSON for machines.
class report {
public:
    explicit report(std::string title) : title_{std::move(title)} {}

    /// The figures that are added from now on belong together: a table and a chart of their own.
    void section(std::string name) { section_ = std::move(name); }

    void add(figure one)
    {
        one.section = section_;
        figures_.push_back(std::move(one));
    }

    /// For what ran too shortly to be held against a target.
    void forget_targets()
    {
        for (figure& one : figures_)
            one.bounded = bound::none;
    }

    void print() const
    {
        std::printf("%s\n%-62s %12s %8s %12s %8s %10s\n", title_.c_str(), "", "figure", "spread", "baseline", "ratio", "target");
        std::string section;
        for (figure const& one : figures_) {
            if (one.section != section)
                std::printf("%s\n", one.section.c_str());
            section = one.section;
            auto const ratio = one.ratio();
            std::string const what = (section.empty() ? "" : "  ") + one.what + (one.at.empty() ? "" : ", " + one.at) + ", " + one.unit;
            std::printf("%-62s %12s %8s %12s %8s %10s%s\n", what.c_str(), short_text(one.value).c_str(),
                        one.value_spread ? (short_text(*one.value_spread * 100) + " %").c_str() : "",
                        one.baseline ? short_text(*one.baseline).c_str() : "", ratio ? short_text(*ratio).c_str() : "",
                        target_text(one).c_str(), one.holds() == false ? "  missed" : "");
        }
        std::fflush(stdout);
    }

    /// A line about the program, and a line each figure.
    void write_json(std::string const& file, std::string_view program) const
    {
        std::ofstream out{file};
        out << "{\"program\": " << quoted(program) << ", \"title\": " << quoted(title_) << "}\n";
        for (figure const& one : figures_)
            write_json(out, one);
        if (!out.flush())
            throw std::runtime_error{"cannot write " + file};
    }

private:
    static void write_json(std::ostream& out, figure const& one)
    {
        out << "{\"section\": " << quoted(one.section) << ", \"what\": " << quoted(one.what) << ", \"unit\": " << quoted(one.unit)
            << ", \"value\": " << one.value;
        if (!one.at.empty())
            out << ", \"at\": " << quoted(one.at);
        if (one.value_spread)
            out << ", \"spread\": " << *one.value_spread;
        if (one.baseline)
            out << ", \"baseline\": " << *one.baseline;
        if (one.baseline_spread)
            out << ", \"baseline_spread\": " << *one.baseline_spread;
        if (auto const ratio = one.ratio())
            out << ", \"ratio\": " << *ratio;
        if (auto const holds = one.holds())
            out << ", \"target\": " << quoted(target_text(one)) << ", \"holds\": " << (*holds ? "true" : "false");
        out << "}\n";
    }

    static std::string quoted(std::string_view text)
    {
        std::string result = "\"";
        for (char const one : text) {
            if (one == '"' || one == '\\')
                result += '\\';
            result += one;
        }
        return result + '"';
    }

    static std::string short_text(double value)
    {
        std::ostringstream text;
        text.setf(std::ios::fixed);
        text.precision(value >= 1'000 ? 0 : value >= 10 ? 1 : 3);
        text << value;
        return text.str();
    }

    static std::string target_text(figure const& of)
    {
        if (of.bounded == bound::none)
            return {};
        bool const at_least = of.bounded == bound::figure_at_least || of.bounded == bound::ratio_at_least;
        bool const of_ratio = of.bounded == bound::ratio_at_most || of.bounded == bound::ratio_at_least;
        std::ostringstream text;
        text << (at_least ? ">= " : "<= ") << of.target << (of_ratio ? " x" : "");
        return text.str();
    }

    std::string title_;
    std::string section_;
    std::vector<figure> figures_;
};

/// The words of a command line: `--name value`, each with a default. Every program takes `--json FILE`, and `--quick`: as
/// short as shows that the program works, with figures that mean nothing.
class arguments {
public:
    /// `known` is the program's name and what it takes beyond that: "journal [--rounds 5 ]".
    arguments(int count, char** words, std::string known) : known_{std::move(known) + " [--json FILE ] [--quick]"}
    {
        for (int at = 1; at < count; ++at) {
            std::string const name = words[at];
            if (name == "--quick") {
                quick_ = true;
                continue;
            }
            if (!name.starts_with("--") || known_.find(name + ' ') == std::string::npos || ++at == count)
                fail();
            given_.emplace_back(name, words[at]);
        }
    }

    bool quick() const { return quick_; }

    std::string text(std::string_view name, std::string otherwise = {}) const
    {
        for (auto const& [given, value] : given_)
            if (given == name)
                return value;
        return otherwise;
    }

    int number(std::string_view name, int otherwise) const
    {
        std::string const given = text(name);
        if (given.empty())
            return otherwise;
        int const value = std::atoi(given.c_str());
        if (value <= 0)
            fail();
        return value;
    }

    /// The same, with another default for `--quick`.
    int number(std::string_view name, int otherwise, int when_quick) const
    {
        return number(name, quick_ ? when_quick : otherwise);
    }

    void finish(report of) const
    {
        if (quick_)
            of.forget_targets();
        of.print();
        if (auto const file = text("--json"); !file.empty())
            of.write_json(file, known_.substr(0, known_.find(' ')));
    }

private:
    [[noreturn]] void fail() const
    {
        std::cerr << "usage: " << known_ << '\n';
        std::exit(2);
    }

    std::string known_;
    bool quick_ = false;
    std::vector<std::pair<std::string, std::string>> given_;
};

/// Tells who waits at a terminal what is being measured.
inline void tell(std::string const& what)
{
    if (::isatty(STDERR_FILENO) != 0)
        std::cerr << "\r\033[K" << what << std::flush;
}

} // namespace benchmark
