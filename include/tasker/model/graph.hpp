#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/model/step_options.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
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

/// A directed acyclic graph of steps, with what scheduling needs precomputed.
/// Duplicate edges count once. Thread safety: constant after construction, but for the members that change it: only the
/// owner of a graph that grows calls them.
class graph {
public:
    graph() = default;

    /// Throws `error{invalid_definition}` when the edges form a cycle, whose path the message spells, or when one of
    /// them names no step.
    graph(std::vector<step_definition> steps, std::vector<edge> edges);

    /// How many steps there are.
    std::size_t size() const noexcept { return steps_.size(); }
    /// Preconditions: `no` is less than `size()`; so for all that ask about one step.
    step_definition const& step(step_no no) const { return steps_[no]; }
    /// In order of declaration: the place is the `step_no`.
    std::span<step_definition const> steps() const noexcept;
    /// Each once, sorted by parent, then child.
    std::span<edge const> edges() const noexcept;
    /// What step `no` waits for, ascending.
    std::span<step_no const> parents(step_no no) const { return parents_.of(no); }
    /// What waits for step `no`, ascending.
    std::span<step_no const> children(step_no no) const { return children_.of(no); }

    /// Every step after its parents; among equals in order of declaration.
    std::span<step_no const> topological_order() const noexcept;
    /// Longest distance from a root, 0 for roots.
    std::uint32_t level(step_no no) const { return levels_[no]; }
    /// Steps on the longest path from this step to a leaf, this one included: the scheduling rank.
    std::uint32_t remaining_path(step_no no) const { return remaining_[no]; }

    /// The step named `name`, or `size()`.
    step_no find(std::string_view name) const;

    /// A step without edges, behind all others. Names may repeat, and be empty.
    void append(step_definition step);

    /// Preconditions: `no` is less than `size()`.
    void set_name(step_no no, std::string name) { steps_[no].name = std::move(name); }
    /// Preconditions: `no` is less than `size()`.
    void set_options(step_no no, step_options const& options) { steps_[no].options = options; }

private:
    struct adjacency {
        std::vector<std::uint32_t> begins;
        std::vector<step_no> targets;
        std::span<step_no const> of(step_no no) const;
    };

    void check_ends() const;
    template <class Ends>
    void index(adjacency& result, Ends ends) const;
    void sort_topologically();
    std::string cycle_path(std::vector<std::uint32_t> const& missing) const;
    void measure();

    std::vector<step_definition> steps_;
    std::vector<edge> edges_;
    adjacency parents_;
    adjacency children_;
    std::vector<step_no> order_;
    std::vector<std::uint32_t> levels_;
    std::vector<std::uint32_t> remaining_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/model/graph.ipp>
#endif
