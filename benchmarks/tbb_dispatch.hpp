#pragma once

#include "bare_dispatch.hpp"

#include <tbb/flow_graph.h>
#include <tbb/global_control.h>
#include <tbb/task_group.h>

#include <deque>

namespace benchmark {

/// oneTBB on one thread: a flow graph is built, run and destroyed.
inline void run_flow_graph(step_graph const& graph)
{
    tbb::global_control const one_thread{tbb::global_control::max_allowed_parallelism, 1};
    using node = tbb::flow::continue_node<tbb::flow::continue_msg>;
    for (std::size_t task = 0; task < graph.tasks; ++task) {
        tbb::flow::graph flow;
        std::deque<node> nodes;
        for (std::size_t step = 0; step < graph.size(); ++step)
            nodes.emplace_back(flow, [](tbb::flow::continue_msg) { trivial_step(); });
        for (std::uint32_t step = 0; step < graph.size(); ++step)
            for (std::uint32_t const parent : graph.parents[step])
                tbb::flow::make_edge(nodes[parent], nodes[step]);
        for (std::uint32_t step = 0; step < graph.size(); ++step)
            if (graph.parents[step].empty())
                nodes[step].try_put({});
        flow.wait_for_all();
    }
}

/// oneTBB on one thread: counters, and a task_group.
class task_group_run : public counted_run<task_group_run> {
public:
    using counted_run::counted_run;

    static void run(step_graph const& graph)
    {
        tbb::global_control const one_thread{tbb::global_control::max_allowed_parallelism, 1};
        for (std::size_t task = 0; task < graph.tasks; ++task) {
            task_group_run one{graph};
            one.start_roots();
            one.group_.wait();
        }
    }

    void start(std::uint32_t step)
    {
        group_.run([this, step] {
            trivial_step();
            ended(step);
        });
    }

private:
    tbb::task_group group_;
};

} // namespace benchmark
