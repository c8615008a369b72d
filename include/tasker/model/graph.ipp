#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/graph.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

TASKER_INLINE graph::graph(std::vector<step_definition> steps, std::vector<edge> edges)
    : steps_{std::move(steps)}, edges_{std::move(edges)}
{
    std::sort(edges_.begin(), edges_.end());
    edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
    check_ends();
    index(children_, [](edge const& e) { return std::pair{e.parent, e.child}; });
    index(parents_, [](edge const& e) { return std::pair{e.child, e.parent}; });
    sort_topologically();
    measure();
}

TASKER_INLINE std::span<step_definition const> graph::steps() const noexcept { return steps_; }

TASKER_INLINE std::span<edge const> graph::edges() const noexcept { return edges_; }

TASKER_INLINE std::span<step_no const> graph::topological_order() const noexcept { return order_; }

TASKER_INLINE step_no graph::find(std::string_view name) const
{
    auto const at = std::find_if(steps_.begin(), steps_.end(), [&](auto const& step) { return step.name == name; });
    return static_cast<step_no>(at - steps_.begin());
}

TASKER_INLINE std::span<step_no const> graph::adjacency::of(step_no no) const
{
    return std::span{targets}.subspan(begins[no], begins[no + 1] - begins[no]);
}

TASKER_INLINE void graph::check_ends() const
{
    for (edge const& e : edges_)
        if (e.parent >= size() || e.child >= size())
            throw error{errc::invalid_definition,
                        "the edge from step " + std::to_string(e.parent) + " to step " + std::to_string(e.child) +
                            " names no step; this workflow has " + std::to_string(size()) +
                            ", numbered from 0"};
}

template <class Ends>
void graph::index(adjacency& result, Ends ends) const
{
    result.begins.assign(steps_.size() + 1, 0);
    for (edge const& e : edges_)
        ++result.begins[ends(e).first + 1];
    for (std::size_t at = 1; at < result.begins.size(); ++at)
        result.begins[at] += result.begins[at - 1];
    result.targets.resize(edges_.size());
    auto next = result.begins;
    for (edge const& e : edges_)
        result.targets[next[ends(e).first]++] = ends(e).second;
}

TASKER_INLINE void graph::sort_topologically() // Kahn, 1962
{
    std::vector<std::uint32_t> missing(size());
    for (step_no no = 0; no < size(); ++no)
        if ((missing[no] = static_cast<std::uint32_t>(parents(no).size())) == 0)
            order_.push_back(no);
    for (std::size_t at = 0; at < order_.size(); ++at)
        for (step_no const child : children(order_[at]))
            if (--missing[child] == 0)
                order_.push_back(child);
    if (order_.size() != size())
        throw error{errc::invalid_definition, "the steps form a cycle: " + cycle_path(missing)};
}

TASKER_INLINE std::string graph::cycle_path(std::vector<std::uint32_t> const& missing) const
{
    auto const stuck = [&](step_no no) { return missing[no] != 0; };
    step_no at = 0;
    while (!stuck(at))
        ++at;
    std::vector<step_no> path; // walking up through stuck parents must meet itself
    while (std::find(path.begin(), path.end(), at) == path.end()) {
        path.push_back(at);
        auto const up = parents(at);
        at = *std::find_if(up.begin(), up.end(), stuck);
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), at));
    std::string text = steps_[at].name;
    for (auto step = path.rbegin(); step != path.rend(); ++step)
        text += " -> " + steps_[*step].name;
    return text;
}

TASKER_INLINE void graph::measure()
{
    levels_.assign(size(), 0);
    remaining_.assign(size(), 1);
    for (step_no const no : order_)
        for (step_no const child : children(no))
            levels_[child] = std::max(levels_[child], levels_[no] + 1);
    for (auto no = order_.rbegin(); no != order_.rend(); ++no)
        for (step_no const child : children(*no))
            remaining_[*no] = std::max(remaining_[*no], remaining_[child] + 1);
}

TASKER_INLINE void graph::append(step_definition step)
{
    order_.push_back(static_cast<step_no>(size()));
    steps_.push_back(std::move(step));
    for (adjacency* const one : {&parents_, &children_})
        one->begins.resize(size() + 1, one->begins.empty() ? 0 : one->begins.back());
    levels_.push_back(0);
    remaining_.push_back(1);
}

} // namespace tasker
