#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace benchmark {

/// A graph of steps, and how many tasks of it one round runs. Every parent stands before its children.
struct step_graph {
    std::string name;
    std::vector<std::vector<std::uint32_t>> parents; ///< by step
    std::vector<std::vector<std::uint32_t>> children;
    std::size_t tasks = 1;      ///< a round
    std::size_t side_by_side = 1; ///< of them, how many are under way at once

    step_graph(std::string called, std::vector<std::vector<std::uint32_t>> edges, std::size_t tasks_a_round, std::size_t at_once = 1)
        : name{std::move(called)}, parents{std::move(edges)}, children(parents.size()), tasks{tasks_a_round}, side_by_side{at_once}
    {
        for (std::uint32_t step = 0; step < parents.size(); ++step)
            for (std::uint32_t const parent : parents[step])
                children[parent].push_back(step);
    }

    std::size_t size() const { return parents.size(); }
};

inline step_graph chain(std::uint32_t steps, std::size_t tasks)
{
    std::vector<std::vector<std::uint32_t>> parents(steps);
    for (std::uint32_t step = 1; step < steps; ++step)
        parents[step] = {step - 1};
    return {"chain", std::move(parents), tasks};
}

/// One step before and one after all others.
inline step_graph fan(std::uint32_t steps, std::size_t tasks)
{
    std::vector<std::vector<std::uint32_t>> parents(steps);
    for (std::uint32_t step = 1; step + 1 < steps; ++step) {
        parents[step] = {0};
        parents.back().push_back(step);
    }
    return {"fan", std::move(parents), tasks};
}

/// Layers of `width`, each step after three of the layer before.
inline step_graph layered(std::uint32_t layers, std::uint32_t width, std::size_t tasks)
{
    std::vector<std::vector<std::uint32_t>> parents(std::size_t{layers} * width);
    for (std::uint32_t step = width; step < parents.size(); ++step)
        for (std::uint32_t const offset : {0U, 1U, 7U})
            parents[step].push_back((step / width - 1) * width + (step + offset) % width);
    return {"layered", std::move(parents), tasks};
}

inline step_graph diamonds(std::size_t tasks)
{
    return {"diamonds", {{}, {0}, {0}, {1, 2}}, tasks, 100};
}

/// A recorded workflow (WfFormat 1.5), without its run times.
inline step_graph recorded(std::filesystem::path const& file, std::size_t steps_a_round)
{
    std::ifstream in{file};
    std::string const text{std::istreambuf_iterator<char>{in}, {}};
    boost::json::value const parsed = boost::json::parse(text);
    auto const& tasks = parsed.at_pointer("/workflow/specification/tasks").as_array();
    std::unordered_map<std::string, std::vector<std::string>> parents_of;
    std::vector<std::string> waiting;
    for (auto const& task : tasks) {
        std::string const id{task.at("id").as_string()};
        waiting.push_back(id);
        for (auto const& parent : task.at("parents").as_array())
            parents_of[id].emplace_back(parent.as_string());
    }
    std::unordered_map<std::string, std::uint32_t> numbers;
    std::vector<std::vector<std::uint32_t>> parents;
    while (!waiting.empty()) {
        std::vector<std::string> later;
        for (std::string const& id : waiting) {
            std::vector<std::uint32_t> known;
            for (std::string const& parent : parents_of[id])
                if (auto const at = numbers.find(parent); at != numbers.end())
                    known.push_back(at->second);
            if (known.size() < parents_of[id].size()) {
                later.push_back(id);
                continue;
            }
            numbers.emplace(id, static_cast<std::uint32_t>(parents.size()));
            parents.push_back(std::move(known));
        }
        waiting.swap(later);
    }
    std::size_t const count = parents.size();
    return {file.stem().string(), std::move(parents), std::max<std::size_t>(1, steps_a_round / count)};
}

} // namespace benchmark
