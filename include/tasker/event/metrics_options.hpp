#pragma once

#include <cstddef>

namespace tasker {

/// How much the metrics may grow; see `metrics_subscriber`.
struct metrics_options {
    std::size_t max_workflows = 200; ///< workflows with series of their own; later ones share the label "other"
    std::size_t max_steps = 2'000;   ///< the same for pairs of workflow and step
    std::size_t max_tracked_tasks = 100'000; ///< tasks whose work in flight is followed; more are not in the gauges
};

} // namespace tasker
