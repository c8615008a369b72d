// Reads the lines of JSON that the programs wrote, FOLDER/*.json, and writes FOLDER/report.md with charts: what was measured,
// beside its baseline, and which targets are met. FOLDER/machine.md, if there is one, says where.

#include "chart.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using benchmark::escaped;
using benchmark::readable;

struct figure {
    std::string what;
    std::string unit;
    std::string at;
    std::string target;
    double value = 0;
    std::optional<double> spread;
    std::optional<double> baseline;
    std::optional<double> baseline_spread;
    std::optional<double> ratio;
    std::optional<bool> holds;

    std::string name() const { return at.empty() ? what : what + ", " + at; }
};

struct section {
    std::string name;
    std::vector<figure> figures;
};

/// What one program found.
struct findings {
    std::string program;
    std::string title;
    std::vector<section> sections;
};

std::string text_of(json::object const& of, char const* name)
{
    json::value const* const found = of.if_contains(name);
    return found != nullptr ? std::string{found->as_string()} : std::string{};
}

std::optional<double> number_of(json::object const& of, char const* name)
{
    json::value const* const found = of.if_contains(name);
    return found != nullptr ? std::optional{found->to_number<double>()} : std::nullopt;
}

figure figure_of(json::object const& line)
{
    figure one{text_of(line, "what"), text_of(line, "unit"), text_of(line, "at"), text_of(line, "target"), line.at("value").to_number<double>(),
               number_of(line, "spread"), number_of(line, "baseline"), number_of(line, "baseline_spread"), number_of(line, "ratio"), {}};
    if (json::value const* const holds = line.if_contains("holds"))
        one.holds = holds->as_bool();
    return one;
}

findings read(fs::path const& file)
{
    std::ifstream in{file};
    findings all;
    for (std::string text; std::getline(in, text);) {
        json::object const line = json::parse(text).as_object();
        if (line.contains("program")) {
            all.program = text_of(line, "program");
            all.title = text_of(line, "title");
            continue;
        }
        std::string const name = text_of(line, "section");
        if (all.sections.empty() || all.sections.back().name != name)
            all.sections.push_back({name, {}});
        all.sections.back().figures.push_back(figure_of(line));
    }
    if (all.program.empty())
        throw std::runtime_error{file.string() + " holds no figures"};
    return all;
}

std::string with_spread(double value, std::optional<double> const& spread)
{
    return readable(value) + (spread ? " ± " + readable(*spread * 50) + " %" : "");
}

void write_row(std::ostream& out, figure const& one, std::string const& before = {})
{
    out << "| " << before << one.name() << " | " << with_spread(one.value, one.spread) << ' ' << one.unit << " | "
        << (one.baseline ? with_spread(*one.baseline, one.baseline_spread) : "") << " | " << (one.ratio ? readable(*one.ratio) : "") << " | "
        << one.target << (one.holds ? *one.holds ? ", met" : ", **missed**" : "") << " |\n";
}

constexpr char heading[] = "| | figure | baseline | ratio | target |\n| --- | --- | --- | --- | --- |\n";

void write_targets(std::ostream& out, std::vector<findings> const& all)
{
    std::ostringstream rows;
    for (findings const& one : all)
        for (section const& part : one.sections)
            for (figure const& each : part.figures)
                if (each.holds)
                    write_row(rows, each, one.program + ": " + part.name + (part.name.empty() ? "" : ": "));
    if (!rows.str().empty())
        out << "## Targets\n\n" << heading << rows.str() << '\n';
}

std::vector<std::string> different(std::vector<figure> const& all, std::string figure::*of)
{
    std::vector<std::string> names;
    for (figure const& one : all)
        if (std::find(names.begin(), names.end(), one.*of) == names.end())
            names.push_back(one.*of);
    return names;
}

/// A line a thing, over the places at which it was measured, and one for the baseline of the first.
std::string lines(section const& of)
{
    auto const places = different(of.figures, &figure::at);
    auto const things = different(of.figures, &figure::what);
    std::vector<benchmark::series> all;
    benchmark::series baseline{"baseline", std::vector<std::optional<double>>(places.size()), true};
    for (std::string const& thing : things) {
        benchmark::series line{thing, std::vector<std::optional<double>>(places.size())};
        for (figure const& one : of.figures) {
            auto const at = static_cast<std::size_t>(std::find(places.begin(), places.end(), one.at) - places.begin());
            if (one.what == thing)
                line.values[at] = one.value;
            if (one.what == things.front())
                baseline.values[at] = one.baseline;
        }
        all.push_back(std::move(line));
    }
    all.push_back(std::move(baseline));
    return benchmark::chart{of.name, of.figures.front().unit, places, std::move(all)}.lines();
}

/// Two bars a thing.
std::string bars(section const& of)
{
    std::vector<std::string> places;
    benchmark::series ours{"tasker", {}};
    benchmark::series baseline{"baseline", {}, true};
    for (figure const& one : of.figures) {
        places.push_back(one.name());
        ours.values.emplace_back(one.value);
        baseline.values.push_back(one.baseline);
    }
    return benchmark::chart{of.name, of.figures.front().unit, places, {std::move(ours), std::move(baseline)}}.bars();
}

/// The chart's file, or none for figures that have no common scale.
std::optional<std::string> write_chart(fs::path const& folder, std::string const& program, section const& of, int number)
{
    if (different(of.figures, &figure::unit).size() != 1 || of.figures.size() < 2)
        return std::nullopt;
    bool const has_places = std::none_of(of.figures.begin(), of.figures.end(), [](figure const& one) { return one.at.empty(); });
    if (has_places && different(of.figures, &figure::at).size() < 2)
        return std::nullopt;
    std::string file = program + "-" + std::to_string(number) + ".svg";
    std::replace(file.begin(), file.end(), ' ', '-');
    std::ofstream{folder / file} << (has_places ? lines(of) : bars(of));
    return file;
}

void write_findings(std::ostream& out, fs::path const& folder, findings const& all)
{
    out << "## " << all.program << "\n\n" << all.title << "\n\n";
    int number = 0;
    for (section const& part : all.sections) {
        if (!part.name.empty())
            out << "### " << part.name << "\n\n";
        out << heading;
        for (figure const& one : part.figures)
            write_row(out, one);
        out << '\n';
        if (auto const file = write_chart(folder, all.program, part, ++number))
            out << "![" << part.name << "](" << *file << ")\n\n";
    }
}

void write_all(fs::path const& folder)
{
    std::set<fs::path> files;
    for (auto const& entry : fs::directory_iterator{folder})
        if (entry.path().extension() == ".json")
            files.insert(entry.path());
    std::vector<findings> all;
    for (fs::path const& file : files)
        all.push_back(read(file));
    std::ofstream out{folder / "report.md"};
    out << "# Benchmarks\n\n";
    if (std::ifstream machine{folder / "machine.md"}; machine)
        out << machine.rdbuf() << '\n';
    out << "Figures are medians; ± is half the width of the middle half of the samples. Each baseline was measured in the same "
           "run, by turns with the figure. Absolute figures belong to this machine and this hour; ratios travel.\n\n";
    write_targets(out, all);
    for (findings const& one : all)
        write_findings(out, folder, one);
    if (!out.flush())
        throw std::runtime_error{"cannot write " + (folder / "report.md").string()};
}

} // namespace

int main(int count, char** words)
{
    if (count != 2) {
        std::cerr << "usage: write_report FOLDER\n";
        return 2;
    }
    try {
        write_all(words[1]);
    } catch (std::exception const& problem) {
        std::cerr << problem.what() << '\n';
        return 1;
    }
}
