#pragma once

#include <tasker/flow/workflow_builder.hpp>
#include <tasker/testing/scripted_step.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// The workflows that the acceptance cases are about. Their steps succeed at once unless a script says otherwise.
namespace support {

/// What a step of a shape does: a `scripted_step`, or a coroutine of the test's own.
using shape_body = std::function<tasker::async<int>(tasker::step_context&)>;

/// The default retry policy without jitter: three attempts, after 1 s and 2 s.
inline constexpr tasker::retry_policy unspread{.jitter = tasker::jitter::none};

/// What the steps of a shape do, and under which options, by step name.
struct shape_script {
    std::map<std::string, shape_body> bodies = {};
    tasker::step_options options = {.retry = unspread}; ///< of every step that has none of its own
    std::map<std::string, tasker::step_options> options_of = {};
};

/// A body whose first attempt outlasts every time limit of the tests; later ones succeed at once.
inline shape_body hangs_once()
{
    return [](tasker::step_context& context) -> tasker::async<int> {
        if (context.attempt() == 1)
            co_await context.sleep_for(std::chrono::hours{1});
        co_return context.attempt();
    };
}

namespace detail {

struct shape_step {
    std::string name;
    std::vector<std::string> parents;
};

/// A script that names a step which the shape does not have is a mistake of the test.
inline void check_script(std::string const& shape, std::vector<shape_step> const& steps, shape_script const& script)
{
    auto const check = [&](std::string const& name) {
        if (std::none_of(steps.begin(), steps.end(), [&](shape_step const& one) { return one.name == name; }))
            throw std::invalid_argument{"the shape " + shape + " has no step named " + name};
    };
    for (auto const& [name, body] : script.bodies)
        check(name);
    for (auto const& [name, options] : script.options_of)
        check(name);
}

inline tasker::workflow make_shape(std::string const& shape, std::vector<shape_step> const& steps, shape_script const& script)
{
    check_script(shape, steps, script);
    tasker::workflow_builder flow{"shapes", shape, "1.0.0"};
    for (shape_step const& one : steps) {
        auto const body = script.bodies.find(one.name);
        auto const own = script.options_of.find(one.name);
        flow.step(one.name, tasker::after_named(one.parents),
                  body == script.bodies.end() ? shape_body{tasker::testing::scripted_step{}} : body->second,
                  own == script.options_of.end() ? script.options : own->second);
    }
    return std::move(flow).build();
}

} // namespace detail

/// L6: six steps in a row.
inline tasker::workflow linear_workflow(shape_script const& script = {})
{
    return detail::make_shape("linear",
                              {{"initialize_data", {}},
                               {"validate_input", {"initialize_data"}},
                               {"process_data", {"validate_input"}},
                               {"transform_results", {"process_data"}},
                               {"validate_output", {"transform_results"}},
                               {"finalize_workflow", {"validate_output"}}},
                              script);
}

/// D7: two branches of two steps, merged.
inline tasker::workflow diamond_workflow(shape_script const& script = {})
{
    return detail::make_shape("diamond",
                              {{"start_workflow", {}},
                               {"branch_one_process", {"start_workflow"}},
                               {"branch_two_process", {"start_workflow"}},
                               {"branch_one_validate", {"branch_one_process"}},
                               {"branch_two_validate", {"branch_two_process"}},
                               {"merge_branches", {"branch_one_validate", "branch_two_validate"}},
                               {"end_workflow", {"merge_branches"}}},
                              script);
}

/// T8: a root, two set-ups, two tasks below each, all gathered.
inline tasker::workflow tree_workflow(shape_script const& script = {})
{
    return detail::make_shape(
        "tree",
        {{"root_initialization", {}},
         {"branch_a_setup", {"root_initialization"}},
         {"branch_b_setup", {"root_initialization"}},
         {"branch_a_task_one", {"branch_a_setup"}},
         {"branch_a_task_two", {"branch_a_setup"}},
         {"branch_b_task_one", {"branch_b_setup"}},
         {"branch_b_task_two", {"branch_b_setup"}},
         {"aggregate_results", {"branch_a_task_one", "branch_a_task_two", "branch_b_task_one", "branch_b_task_two"}}},
        script);
}

/// P7: four independent fetches, two of them processed, all merged.
inline tasker::workflow parallel_merge_workflow(shape_script const& script = {})
{
    return detail::make_shape(
        "parallel-merge",
        {{"fetch_user_data", {}},
         {"fetch_order_data", {}},
         {"fetch_inventory_data", {}},
         {"fetch_pricing_data", {}},
         {"process_user_data", {"fetch_user_data"}},
         {"process_order_data", {"fetch_order_data"}},
         {"merge_all_data", {"process_user_data", "process_order_data", "fetch_inventory_data", "fetch_pricing_data"}}},
        script);
}

/// M9: two beginnings, a critical and an optional part, a clean-up, and a report that does not wait for the optional part.
inline tasker::workflow mixed_workflow(shape_script const& script = {})
{
    return detail::make_shape("mixed",
                              {{"init_auth", {}},
                               {"validate_permissions", {"init_auth"}},
                               {"init_config", {}},
                               {"setup_environment", {"init_config"}},
                               {"begin_processing", {"validate_permissions", "setup_environment"}},
                               {"process_critical_data", {"begin_processing"}},
                               {"process_optional_data", {"begin_processing"}},
                               {"cleanup_temp_files", {"setup_environment"}},
                               {"finalize_and_report", {"process_critical_data", "cleanup_temp_files"}}},
                              script);
}

/// DM4: one step alone, and three in a row.
inline tasker::workflow dummy_workflow(shape_script const& script = {})
{
    return detail::make_shape(
        "dummy",
        {{"step-one", {}}, {"step-two", {}}, {"step-three", {"step-two"}}, {"step-four", {"step-three"}}}, script);
}

} // namespace support
