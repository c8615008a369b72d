#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace benchmark {

/// The value below which this share of the values lies; at least one value.
inline double quantile(std::vector<double> values, double share)
{
    std::sort(values.begin(), values.end());
    auto const at = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    return values[std::clamp<std::size_t>(at, 1, values.size()) - 1];
}

inline double median(std::vector<double> const& values) { return quantile(values, 0.5); }

/// What a figure's target bounds: the figure itself, or its ratio to the baseline.
enum class bound { none, figure_at_most, ratio_at_most, ratio_at_least };

/// One line of a report.
struct figure {
    std::string what;
    std::string unit;
    double value = 0;
    std::optional<double> baseline{};
    bound bounded = bound::none;
    double target = 0;

    std::optional<double> ratio() const { return baseline ? std::optional{value / *baseline} : std::nullopt; }

    /// Nothing when there is no target.
    std::optional<bool> holds() const
    {
        switch (bounded) {
        case bound::figure_at_most: return value <= target;
        case bound::ratio_at_most: return *ratio() <= target;
        case bound::ratio_at_least: return *ratio() >= target;
        case bound::none: break;
        }
        return std::nullopt;
    }
};

/// The figures of one program: a table for people, and a file for machines.
class report {
public:
    explicit report(std::string title) : title_{std::move(title)} {}

    void add(figure one) { figures_.push_back(std::move(one)); }

    void print() const
    {
        std::printf("%s\n%-62s %12s %12s %8s %10s\n", title_.c_str(), "", "figure", "baseline", "ratio", "target");
        for (figure const& one : figures_) {
            auto const ratio = one.ratio();
            std::printf("%-62s %12s %12s %8s %10s%s\n", (one.what + ", " + one.unit).c_str(), short_text(one.value).c_str(),
                        one.baseline ? short_text(*one.baseline).c_str() : "", ratio ? short_text(*ratio).c_str() : "",
                        target_text(one).c_str(), one.holds() == false ? "  missed" : "");
        }
        std::fflush(stdout);
    }

    void write_json(std::string const& file) const
    {
        std::ofstream out{file};
        out << "{\"title\": \"" << title_ << "\", \"figures\": [";
        char const* between = "\n";
        for (figure const& one : figures_) {
            out << std::exchange(between, ",\n") << "  {\"what\": \"" << one.what << "\", \"unit\": \"" << one.unit
                << "\", \"value\": " << one.value;
            if (one.baseline)
                out << ", \"baseline\": " << *one.baseline << ", \"ratio\": " << *one.ratio();
            if (auto const holds = one.holds())
                out << ", \"target\": \"" << target_text(one) << "\", \"holds\": " << (*holds ? "true" : "false");
            out << '}';
        }
        out << "\n]}\n";
        if (!out.flush())
            throw std::runtime_error{"cannot write " + file};
    }

private:
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
        std::ostringstream text;
        text << (of.bounded == bound::ratio_at_least ? ">= " : "<= ") << of.target
             << (of.bounded == bound::figure_at_most ? "" : " x");
        return text.str();
    }

    std::string title_;
    std::vector<figure> figures_;
};

/// The words of a command line: `--name value`, each with a default; `--json FILE` is every program's.
class arguments {
public:
    /// `known` says what the program takes, for people who mistype it.
    arguments(int count, char** words, std::string known) : known_{std::move(known)}
    {
        for (int at = 1; at < count; at += 2) {
            std::string const name = words[at];
            if (!name.starts_with("--") || known_.find(name + ' ') == std::string::npos || at + 1 == count)
                fail();
            given_.emplace_back(name, words[at + 1]);
        }
    }

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

    void finish(report const& of) const
    {
        of.print();
        if (auto const file = text("--json"); !file.empty())
            of.write_json(file);
    }

private:
    [[noreturn]] void fail() const
    {
        std::cerr << "usage: " << known_ << '\n';
        std::exit(2);
    }

    std::string known_;
    std::vector<std::pair<std::string, std::string>> given_;
};

} // namespace benchmark
