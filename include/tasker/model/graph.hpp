#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/model/step_options.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

/// A step as its graph knows it: everything but the body.
struct step_definition {
    std::string name;          ///< unique in its workflow
    step_options options = {}; ///< not part of the workflow's shape: they may change under one version
};

/// `child` starts after `parent`.
struct edge {
    step_no parent = 0; ///< ends first
    step_no child = 0;  ///< starts after it

    friend auto operator<=>(edge const&, edge const&) = default;
};

/// An immutable directed acyclic graph of steps, with what scheduling needs precomputed.
/// Duplicate edges count once. Thread safety: constant after construction.
class graph {
public:
    graph() = default;

    /// Throws `error{invalid_definition}` when the edges form a cycle, whose path the message spells, or when one of
    /// them names no step.
    graph(std::vector<step_definition> steps, std::vector<edge> edges) : steps_{std::move(steps)}, edges_{std::move(edges)}
    {
        std::sort(edges_.begin(), edges_.end());
        edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
        check_ends();
        index(children_, [](edge const& e) { return std::pair{e.parent, e.child}; });
        index(parents_, [](edge const& e) { return std::pair{e.child, e.parent}; });
        sort_topologically();
        measure();
    }

    /// How many steps there are.
    std::size_t size() const noexcept { return steps_.size(); }
    /// Preconditions: `no` is less than `size()`; so for all that ask about one step.
    step_definition const& step(step_no no) const { return steps_[no]; }
    /// In order of declaration: the place is the `step_no`.
    std::span<step_definition const> steps() const noexcept { return steps_; }
    /// Each once, sorted by parent, then child.
    std::span<edge const> edges() const noexcept { return edges_; }
    /// What step `no` waits for, ascending.
    std::span<step_no const> parents(step_no no) const { return parents_.of(no); }
    /// What waits for step `no`, ascending.
    std::span<step_no const> children(step_no no) const { return children_.of(no); }

    /// Every step after its parents; among equals in order of declaration.
    std::span<step_no const> topological_order() const noexcept { return order_; }
    /// Longest distance from a root, 0 for roots.
    std::uint32_t level(step_no no) const { return levels_[no]; }
    /// Steps on the longest path from this step to a leaf, this one included: the scheduling rank.
    std::uint32_t remaining_path(step_no no) const { return remaining_[no]; }

    /// The step named `name`, or `size()`.
    step_no find(std::string_view name) const
    {
        auto const at = std::find_if(steps_.begin(), steps_.end(), [&](auto const& step) { return step.name == name; });
        return static_cast<step_no>(at - steps_.begin());
    }

private:
    struct adjacency {
        std::vector<std::uint32_t> begins;
        std::vector<step_no> targets;
        std::span<step_no const> of(step_no no) const
        {
            return std::span{targets}.subspan(begins[no], begins[no + 1] - begins[no]);
        }
    };

    void check_ends() const
    {
        for (edge const& e : edges_)
            if (e.parent >= size() || e.child >= size())
                throw error{errc::invalid_definition,
                            "the edge from step " + std::to_string(e.parent) + " to step " + std::to_string(e.child) +
                                " names no step; this workflow has " + std::to_string(size()) +
                                ", numbered from 0"};
    }

    template <class Ends>
    void index(adjacency& result, Ends ends) const
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

    void sort_topologically() // Kahn, 1962
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

    std::string cycle_path(std::vector<std::uint32_t> const& missing) const
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

    void measure()
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

    std::vector<step_definition> steps_;
    std::vector<edge> edges_;
    adjacency parents_;
    adjacency children_;
    std::vector<step_no> order_;
    std::vector<std::uint32_t> levels_;
    std::vector<std::uint32_t> remaining_;
};

} // namespace tasker
