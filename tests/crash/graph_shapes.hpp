#pragma once

#include "support/catch.hpp"

#include <tasker/flow/workflow_builder.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace crash {

/// A workflow's steps, each with the names of its parents.
struct graph_shape {
    struct step {
        std::string name;
        std::vector<std::string> parents;
    };
    std::string name;
    std::vector<step> steps;
};

/// How many ways lead from the roots to each step, modulo a prime: what a step makes of its parents' results.
constexpr int paths_modulus = 1'000'003;
inline int paths_of(std::vector<int> const& parents)
{
    int paths = parents.empty() ? 1 : 0;
    for (int const one : parents)
        paths = (paths + one) % paths_modulus;
    return paths;
}

inline std::map<std::string, int> paths_of(graph_shape const& shape)
{
    std::map<std::string, int> known;
    while (known.size() < shape.steps.size()) {
        std::size_t const before = known.size();
        for (graph_shape::step const& one : shape.steps) {
            std::vector<int> parents;
            for (std::string const& parent : one.parents)
                if (auto const at = known.find(parent); at != known.end())
                    parents.push_back(at->second);
            if (parents.size() == one.parents.size())
                known.emplace(one.name, paths_of(parents));
        }
        if (known.size() == before)
            throw std::invalid_argument{"the shape " + shape.name + " has a cycle, or a parent that is no step"};
    }
    return known;
}

/// A workflow built at run time; `body(step_context&, json::object const& parents)` performs every step.
template <class Body>
tasker::workflow make_workflow(graph_shape const& shape, Body const& body, tasker::step_options const& options = {})
{
    tasker::workflow_builder flow{"crash", shape.name, "1.0.0"};
    flow.schema(tasker::input_schema{
        R"({"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]})"});
    for (graph_shape::step const& one : shape.steps)
        flow.step(one.name, tasker::after_named(one.parents), body, options);
    return std::move(flow).build();
}

inline std::vector<graph_shape> built_in_shapes()
{
    graph_shape chain{"chain-10", {{"link-0", {}}}};
    for (int link = 1; link < 10; ++link)
        chain.steps.push_back({"link-" + std::to_string(link), {"link-" + std::to_string(link - 1)}});
    graph_shape fan{"fan-20", {{"fan-out", {}}, {"gather", {}}}};
    for (int leaf = 0; leaf < 20; ++leaf) {
        std::string const name = "leaf-" + std::to_string(leaf);
        fan.steps.push_back({name, {"fan-out"}});
        fan.steps[1].parents.push_back(name);
    }
    graph_shape layered{"layers-4x6", {}};
    for (int layer = 0; layer < 4; ++layer)
        for (int at = 0; at < 6; ++at) {
            graph_shape::step one{"layer-" + std::to_string(layer) + "-" + std::to_string(at), {}};
            for (int parent = 0; layer > 0 && parent < 6; ++parent)
                if (parent != at)
                    one.parents.push_back("layer-" + std::to_string(layer - 1) + "-" + std::to_string(parent));
            layered.steps.push_back(std::move(one));
        }
    graph_shape const diamond{"diamond",
                              {{"top", {}}, {"left", {"top"}}, {"right", {"top"}}, {"bottom", {"left", "right"}}}};
    return {std::move(chain), diamond, std::move(fan), std::move(layered)};
}

/// Where the graphs of real workflows are (WfFormat 1.5): where TASKER_WFINSTANCES says, else in
/// `shared/data/wfinstances` of a folder around this repository.
inline std::optional<std::filesystem::path> real_graphs_folder()
{
    if (char const* const given = std::getenv("TASKER_WFINSTANCES"); given != nullptr && *given != '\0')
        return given;
    for (std::filesystem::path around{TASKER_SOURCE_DIRECTORY}; around.has_relative_path();
         around = around.parent_path())
        if (auto folder = around.parent_path() / "shared/data/wfinstances"; is_directory(folder))
            return folder;
    return std::nullopt;
}

inline graph_shape read_shape(std::filesystem::path const& file)
{
    std::ifstream in{file};
    std::string const text{std::istreambuf_iterator<char>{in}, {}};
    boost::json::value const document = boost::json::parse(text);
    graph_shape shape{file.stem().string(), {}};
    for (boost::json::value const& task : document.at("workflow").at("specification").at("tasks").as_array()) {
        auto& one = shape.steps.emplace_back(graph_shape::step{std::string{task.at("id").as_string()}, {}});
        for (boost::json::value const& parent : task.at("parents").as_array())
            one.parents.emplace_back(parent.as_string());
    }
    return shape;
}

/// The graphs of real workflows, from small to large; where they are not to be had, a warning and the built-in shapes.
inline std::vector<graph_shape> real_shapes()
{
    auto const folder = real_graphs_folder();
    if (!folder) {
        WARN("There are no graphs of real workflows here: built-in shapes stand in for them. TASKER_WFINSTANCES may "
             "name a "
             "folder of WfFormat files.");
        return built_in_shapes();
    }
    std::vector<graph_shape> shapes;
    for (auto const& file : std::filesystem::directory_iterator{*folder})
        if (file.path().extension() == ".json")
            shapes.push_back(read_shape(file.path()));
    REQUIRE(!shapes.empty());
    std::sort(shapes.begin(), shapes.end(), [](graph_shape const& a, graph_shape const& b) {
        return std::pair{a.steps.size(), a.name} < std::pair{b.steps.size(), b.name};
    });
    return shapes;
}

} // namespace crash
