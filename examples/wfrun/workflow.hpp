#pragma once

#include "instance.hpp"
#include "reading.hpp"
#include "schedule.hpp"

#include <tasker/flow/workflow_builder.hpp>

#include <boost/describe/class.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wfrun {

/// The input of a task: what must stay the same when a run goes on.
struct run_input {
    double speed = 1.0; ///< > 0; 10 is ten times as fast as the recorded execution
};
BOOST_DESCRIBE_STRUCT(run_input, (), (speed))

/// A step's body: it takes as long as the recorded task did, divided by the speed.
class timed_step {
public:
    explicit timed_step(tasker::duration runtime) : runtime_{runtime} {}

    tasker::async<> operator()(tasker::step_context& context) const { return pass(context, runtime_); }

private:
    static tasker::async<> pass(tasker::step_context& context, tasker::duration runtime)
    {
        auto const length = scaled(runtime, 1 / context.input<run_input>().speed);
        if (length > tasker::duration::zero())
            co_await context.sleep_for(length);
    }

    tasker::duration runtime_;
};

/// The step priorities that have the engine start ready steps in the given order. First in, first out is no order that
/// it offers, for it looks at the longest chain before it looks at arrivals: so the order of start of the plan is given
/// to it as priorities, which comes to the same, step by step, as long as the steps take the time that they should.
inline std::vector<int> priorities_for(instance const& of, std::size_t workers, start_order order)
{
    std::vector<int> priorities(of.tasks.size(), 0);
    if (order == start_order::engine)
        return priorities;
    auto const ranking =
        order == start_order::critical_path ? farthest_first(of) : plan(of, workers, order).order_of_start;
    for (std::size_t rank = 0; rank < ranking.size(); ++rank)
        priorities[ranking[rank]] = static_cast<int>(ranking.size() - rank);
    return priorities;
}

/// The workflow's name in a store: the file's, and its content's, so that a changed file is another workflow.
inline std::string workflow_name(instance const& of)
{
    std::string name = of.name.substr(0, 100);
    for (char& c : name)
        if (std::string_view{"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"}.find(c) ==
            std::string_view::npos)
            c = '_';
    return name + '-' + of.fingerprint.substr(0, 12);
}

/// The instance as a workflow of tasker's, built at run time. Its input is a `run_input`.
inline tasker::workflow make_workflow(instance const& of, std::size_t workers, start_order order)
{
    tasker::workflow_builder flow{"wfrun", workflow_name(of), "1.0.0"};
    flow.input<run_input>();
    auto const priorities = priorities_for(of, workers, order);
    for (tasker::step_no no = 0; no < of.tasks.size(); ++no) {
        std::vector<std::string> parents;
        for (tasker::step_no const parent : of.shape.parents(no))
            parents.push_back(of.tasks[parent].id);
        flow.step(of.tasks[no].id, tasker::after_named(std::move(parents)), timed_step{of.tasks[no].runtime},
                  {.priority = priorities[no]});
    }
    return std::move(flow).build();
}

} // namespace wfrun
