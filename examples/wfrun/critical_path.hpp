#pragma once

#include "instance.hpp"

#include <tasker/base/ids.hpp>

#include <algorithm>
#include <numeric>
#include <ranges>
#include <utility>
#include <vector>

namespace wfrun {

/// The longest chain of tasks, each a parent of the next: no number of workers makes the workflow shorter.
struct critical_path {
    tasker::duration length{};
    std::vector<tasker::step_no> tasks; ///< from first to last
};

/// For each task, how long the longest chain from its start to the workflow's end is.
inline std::vector<tasker::duration> times_to_end(instance const& of)
{
    std::vector<tasker::duration> times(of.tasks.size());
    for (tasker::step_no const no : of.shape.topological_order() | std::views::reverse) {
        for (tasker::step_no const child : of.shape.children(no))
            times[no] = std::max(times[no], times[child]);
        times[no] += of.tasks[no].runtime;
    }
    return times;
}

/// All tasks, from the one from which the end is farthest to the nearest; among equals in the order of the file.
inline std::vector<tasker::step_no> farthest_first(instance const& of)
{
    auto const times = times_to_end(of);
    std::vector<tasker::step_no> ranking(of.tasks.size());
    std::iota(ranking.begin(), ranking.end(), tasker::step_no{0});
    std::ranges::sort(ranking, {}, [&](auto no) { return std::pair{-times[no], no}; });
    return ranking;
}

/// The critical path; among equals, at each fork, the task that stands first in the file.
inline critical_path critical_path_of(instance const& of)
{
    auto const times = times_to_end(of);
    auto const shorter = [&](tasker::step_no a, tasker::step_no b) { return times[a] < times[b]; };
    std::vector<tasker::step_no> roots;
    for (tasker::step_no no = 0; no < of.tasks.size(); ++no)
        if (of.shape.parents(no).empty())
            roots.push_back(no);
    critical_path path;
    if (roots.empty())
        return path;
    tasker::step_no at = *std::ranges::max_element(roots, shorter);
    path.length = times[at];
    path.tasks.push_back(at);
    while (!of.shape.children(at).empty()) {
        at = *std::ranges::max_element(of.shape.children(at), shorter);
        path.tasks.push_back(at);
    }
    return path;
}

} // namespace wfrun
