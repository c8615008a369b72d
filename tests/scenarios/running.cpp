#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/failing_store.hpp"
#include "support/shapes.hpp"
#include "support/timeline.hpp"

#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::hangs_once;
using support::on_each_store;
using support::timeline;
using support::unspread;
using support::with_engine;
using testing::scripted_step;
using support::simulation;
using testing::task_report;

namespace {

std::vector<std::string> steps_in(task_report const& report, step_state state)
{
    std::vector<std::string> names;
    for (auto const& step : report.steps)
        if (step.state() == state)
            names.push_back(step.name);
    return names;
}

using names = std::vector<std::string>;
using durations = std::vector<duration>;

/// A body that does not stop when it is asked to: it goes on for `longer`, and then ends as if nothing had happened.
support::shape_body ignores_cancellation(duration length, duration longer)
{
    return [length, longer](step_context& context) {
        return [](step_context& at, duration first, duration second) -> async<int> {
            bool stopped = false;
            try {
                co_await at.sleep_for(first);
            } catch (boost::system::system_error const&) {
                stopped = true;
            }
            if (stopped)
                co_await at.sleep_for(second);
            co_return 42;
        }(context, length, longer);
    };
}

} // namespace

TEST_CASE("a linear workflow runs its six steps one after the other and is complete [F01]", "[F01]")
{
    on_each_store([](simulation& sim) {
        auto const second = scripted_step{}.takes(1s);
        auto const flow = support::linear_workflow({.bodies = {{"initialize_data", second},
                                                               {"validate_input", second},
                                                               {"process_data", second},
                                                               {"transform_results", second},
                                                               {"validate_output", second},
                                                               {"finalize_workflow", second}}});
        auto const report = sim.run(flow);
        CHECK(report.state == task_state::complete);
        CHECK(report.elapsed == 6s);
        CHECK(second.calls() == 6);
        timeline const line{report};
        duration expected = 0s;
        for (auto const& step : report.steps) {
            CHECK(step.state() == step_state::complete);
            CHECK(step.attempts() == 1);
            CHECK(line.start(step.name) == expected);
            expected += 1s;
        }
    });
}

TEST_CASE("after a first failure the task is pending, waits for the step's back-off, and later steps are untouched [F02]",
          "[F02]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(support::linear_workflow({.bodies = {{"process_data", scripted_step{}.fails(1)}}}));
        sim.settle();
        auto const report = sim.report(id);
        CHECK(report.state == task_state::pending);
        CHECK(report.record.status_reason == "waiting_for_dependencies");
        CHECK(report.step("process_data").state() == step_state::error);
        CHECK(report.step("process_data").attempts() == 1);
        CHECK(steps_in(report, step_state::complete) == names{"initialize_data", "validate_input"});
        CHECK(steps_in(report, step_state::pending) == names{"transform_results", "validate_output", "finalize_workflow"});
        CHECK(report.step("transform_results").attempts() == 0);
        auto const context = sim.await(sim.engine().context(id));
        CHECK(context.status == execution_status::waiting_for_dependencies);
        CHECK(context.failed_steps == 1);
    });
}

TEST_CASE("when the back-off is over the failed step runs again by itself and the task completes [F03]", "[F03]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(support::linear_workflow({.bodies = {{"process_data", scripted_step{}.fails(1)}}}));
        sim.advance(1s - 1us);
        CHECK(sim.report(id).step("process_data").state() == step_state::error);
        sim.advance(1us);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(report.step("process_data").attempts() == 2);
        CHECK(report.elapsed == 1s);
    });
}

TEST_CASE("a step that always fails has exactly its three attempts, then the task is in error and later steps untouched [F04]",
          "[F04]")
{
    on_each_store([](simulation& sim) {
        auto const body = scripted_step{}.always_fails("no such luck");
        auto const report = sim.run(support::linear_workflow({.bodies = {{"process_data", body}}}));
        CHECK(report.state == task_state::error);
        CHECK(report.what == "step \"process_data\" failed after 3 attempts: no such luck");
        CHECK(report.elapsed == 1s + 2s);
        CHECK(body.calls() == 3);
        CHECK(report.step("process_data").state() == step_state::error);
        CHECK(report.step("process_data").attempts() == 3);
        CHECK_FALSE(report.step("process_data").record.next_retry_at);
        for (auto const& later : {"transform_results", "validate_output", "finalize_workflow"})
            CHECK(report.step(later).record == step_record{});
        sim.advance(24h);
        CHECK(body.calls() == 3);
    });
}

TEST_CASE("one pass of a step that always fails is exactly one attempt, and the task is not over [F05]", "[F05]")
{
    on_each_store([](simulation& sim) {
        auto const body = scripted_step{}.always_fails();
        auto const id = sim.submit(support::linear_workflow({.bodies = {{"process_data", body}}}));
        sim.settle();
        auto const report = sim.report(id);
        CHECK(report.state == task_state::pending);
        CHECK(report.step("process_data").attempts() == 1);
        CHECK(body.calls() == 1);
        CHECK_FALSE(report.record.finished_at);
    });
}

TEST_CASE("a diamond's merge starts when the slower of both branches is done [F06]", "[F06]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(support::diamond_workflow({.bodies = {{"branch_one_process", scripted_step{}.takes(1s)},
                                                                          {"branch_one_validate", scripted_step{}.takes(1s)},
                                                                          {"branch_two_process", scripted_step{}.takes(5s)},
                                                                          {"branch_two_validate", scripted_step{}.takes(2s)}}}));
        CHECK(report.state == task_state::complete);
        timeline const line{report};
        CHECK(line.start("branch_one_validate") == 1s);
        CHECK(line.start("branch_two_validate") == 5s);
        CHECK(line.start("merge_branches") == 7s);
        CHECK(line.start("end_workflow") == 7s);
        CHECK(report.elapsed == 7s);
    });
}

TEST_CASE("a merge that fails once leaves the branches complete, and the pass after its back-off completes the task [F07]",
          "[F07]")
{
    on_each_store([](simulation& sim) {
        auto const branch = scripted_step{};
        auto const id = sim.submit(support::diamond_workflow(
            {.bodies = {{"merge_branches", scripted_step{}.fails(1)}, {"branch_one_validate", branch}, {"branch_two_validate", branch}}}));
        sim.settle();
        auto const between = sim.report(id);
        CHECK(between.state == task_state::pending);
        CHECK(steps_in(between, step_state::complete).size() == 5);
        CHECK(between.step("merge_branches").state() == step_state::error);
        CHECK(between.step("merge_branches").attempts() == 1);
        CHECK(between.step("end_workflow").state() == step_state::pending);
        sim.advance(1s);
        CHECK(sim.report(id).state == task_state::complete);
        CHECK(branch.calls() == 2);
    });
}

TEST_CASE("a failing branch does not stop the other one, and the merge waits untouched [F08]", "[F08]")
{
    on_each_store([](simulation& sim) {
        auto const id =
            sim.submit(support::diamond_workflow({.bodies = {{"branch_one_process", scripted_step{}.always_fails()}}}));
        sim.settle();
        auto const report = sim.report(id);
        CHECK(report.state == task_state::pending);
        CHECK(steps_in(report, step_state::complete) == names{"start_workflow", "branch_two_process", "branch_two_validate"});
        CHECK(steps_in(report, step_state::error) == names{"branch_one_process"});
        CHECK(report.step("merge_branches").record == step_record{});
    });
}

TEST_CASE("a branch that fails for good ends the task in error with the merge still pending [F09]", "[F09]")
{
    on_each_store([](simulation& sim) {
        auto const report =
            sim.run(support::diamond_workflow({.bodies = {{"branch_one_process", scripted_step{}.always_fails()}}}));
        CHECK(report.state == task_state::error);
        CHECK(report.elapsed == 3s);
        CHECK(report.step("branch_one_process").attempts() == 3);
        CHECK(report.step("branch_two_validate").state() == step_state::complete);
        CHECK(report.step("merge_branches").record == step_record{});
    });
}

TEST_CASE("no step of a tree starts before its parent, and the root is first [F10]", "[F10]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(support::tree_workflow({.bodies = {{"root_initialization", scripted_step{}.takes(1s)},
                                                                       {"branch_a_setup", scripted_step{}.takes(1s)},
                                                                       {"branch_b_setup", scripted_step{}.takes(4s)},
                                                                       {"branch_a_task_two", scripted_step{}.takes(2s)},
                                                                       {"branch_b_task_one", scripted_step{}.takes(3s)}}}));
        CHECK(report.state == task_state::complete);
        timeline const line{report};
        CHECK(line.start("root_initialization") == 0s);
        CHECK(line.start("branch_a_setup") == 1s);
        CHECK(line.start("branch_b_setup") == 1s);
        CHECK(line.start("branch_a_task_one") == 2s);
        CHECK(line.start("branch_a_task_two") == 2s);
        CHECK(line.start("branch_b_task_one") == 5s);
        CHECK(line.start("branch_b_task_two") == 5s);
        CHECK(line.start("aggregate_results") == 8s);
        CHECK(report.all<step_started>().front().step == "root_initialization");
    });
}

TEST_CASE("four fetches run at once, and the merge starts after its last of four parents [F11]", "[F11]")
{
    on_each_store([](simulation& sim) {
        auto const report =
            sim.run(support::parallel_merge_workflow({.bodies = {{"fetch_user_data", scripted_step{}.takes(1s)},
                                                                 {"fetch_order_data", scripted_step{}.takes(1s)},
                                                                 {"fetch_inventory_data", scripted_step{}.takes(6s)},
                                                                 {"fetch_pricing_data", scripted_step{}.takes(1s)},
                                                                 {"process_user_data", scripted_step{}.takes(2s)},
                                                                 {"process_order_data", scripted_step{}.takes(3s)}}}));
        CHECK(report.state == task_state::complete);
        timeline const line{report};
        for (auto const& fetch : {"fetch_user_data", "fetch_order_data", "fetch_inventory_data", "fetch_pricing_data"})
            CHECK(line.start(fetch) == 0s);
        CHECK(line.most_at_once() == 4);
        CHECK(line.start("process_user_data") == 1s);
        CHECK(line.start("process_order_data") == 1s);
        CHECK(line.start("merge_all_data") == 6s);
    });
}

TEST_CASE("a mixed workflow gets over its built-in failures: the critical step needs three attempts, the report runs once [F12]",
          "[F12]")
{
    on_each_store([](simulation& sim) {
        auto const cleaning = scripted_step{};
        auto const reporting = scripted_step{};
        auto const report = sim.run(support::mixed_workflow({.bodies = {{"validate_permissions", scripted_step{}.fails(1)},
                                                                        {"setup_environment", hangs_once()},
                                                                        {"process_critical_data", scripted_step{}.fails(2)},
                                                                        {"cleanup_temp_files", cleaning},
                                                                        {"finalize_and_report", reporting}},
                                                             .options_of = {{"setup_environment", {.retry = unspread, .timeout = 4s}}}}));
        CHECK(report.state == task_state::complete);
        CHECK(report.step("process_critical_data").attempts() == 3);
        CHECK(report.step("validate_permissions").attempts() == 2);
        CHECK(report.step("setup_environment").attempts() == 2);
        CHECK(cleaning.calls() == 1);
        CHECK(reporting.calls() == 1);
        timeline const line{report};
        CHECK(line.failures("setup_environment") == durations{4s});
        CHECK(line.start("cleanup_temp_files") == 5s); // its environment's second attempt came 1 s after the timeout
        CHECK(line.start("begin_processing") == 5s);
        CHECK(line.starts("process_critical_data") == durations{5s, 6s, 8s});
        CHECK(line.start("finalize_and_report") == 8s);
        CHECK(report.elapsed == 8s);
    });
}

// The original has a hook of the task handler write four annotations. Here a step publishes events of the user's own,
// and whoever collects them is a subscriber: four steps, four events, each told once.
TEST_CASE("each of four steps is annotated once, by an event of its own [F13]", "[F13]")
{
    on_each_store([](simulation& sim) {
        support::shape_body const annotated = [](step_context& context) -> async<int> {
            context.publish("dummy.annotated", std::string{context.step()});
            co_return 0;
        };
        auto const report = sim.run(support::dummy_workflow({.bodies = {{"step-one", annotated},
                                                                        {"step-two", annotated},
                                                                        {"step-three", annotated},
                                                                        {"step-four", annotated}}}));
        CHECK(report.state == task_state::complete);
        CHECK(steps_in(report, step_state::complete).size() == 4);
        names annotations;
        for (custom_event const& one : report.all<custom_event>()) {
            CHECK(one.name == "dummy.annotated");
            CHECK(codec<std::string>::decode(one.data) == one.step);
            annotations.push_back(one.step);
        }
        std::sort(annotations.begin(), annotations.end());
        CHECK(annotations == names{"step-four", "step-one", "step-three", "step-two"});
    });
}

TEST_CASE("of a complete task no step is ready, and running it again is refused and changes nothing [F14]", "[F14]")
{
    on_each_store([](simulation& sim) {
        auto const body = scripted_step{};
        auto const before = sim.run(support::linear_workflow({.bodies = {{"process_data", body}}}));
        auto const history = sim.await(sim.engine().history(before.id));
        for (step_readiness const& row : sim.await(sim.engine().readiness(before.id)))
            CHECK_FALSE(row.ready);
        CHECK_THROWS_WITH(sim.await(sim.engine().retry(before.id)),
                          support::contains("only a task in error can be retried; this one is complete"));
        CHECK_THROWS_WITH(sim.await(sim.engine().reset_step(before.id, "process_data")), support::contains("the task is complete"));
        sim.crash();
        sim.advance(24h);
        auto const after = sim.report(before.id);
        CHECK(after.state == task_state::complete);
        for (auto const& step : before.steps)
            CHECK(after.step(step.name).record == step.record);
        CHECK(sim.await(sim.engine().history(before.id)) == history);
        CHECK(body.calls() == 1);
    });
}

TEST_CASE("a step that failed for good does not stop the others: they run first, then the task ends in error [F15]", "[F15]")
{
    on_each_store([](simulation& sim) {
        auto const second = scripted_step{}.takes(1s);
        auto const report = sim.run(support::dummy_workflow({.bodies = {{"step-one", scripted_step{}.throws(permanent_error{"broken"})},
                                                                        {"step-two", second},
                                                                        {"step-three", second},
                                                                        {"step-four", second}}}));
        CHECK(report.state == task_state::error);
        CHECK(steps_in(report, step_state::complete) == names{"step-two", "step-three", "step-four"});
        CHECK(timeline{report}.failures("step-one") == durations{0s});
        CHECK(report.elapsed == 3s);
        CHECK(report.count<task_failed>() == 1);
    });
}

// The original leaves such a task pending, for another process to look at; here the engine that runs step three keeps it
// in progress, and goes on by itself when the step ends.
TEST_CASE("while step three runs, one and two are no longer runnable, and four waits for it [F16]", "[F16]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(support::dummy_workflow({.bodies = {{"step-three", scripted_step{}.takes(1h)}}}));
        sim.advance(30min);
        auto const report = sim.report(id);
        CHECK(steps_in(report, step_state::complete) == names{"step-one", "step-two"});
        CHECK(steps_in(report, step_state::in_progress) == names{"step-three"});
        CHECK(steps_in(report, step_state::pending) == names{"step-four"});
        CHECK(report.state == task_state::in_progress);
        for (step_readiness const& row : sim.await(sim.engine().readiness(id)))
            CHECK_FALSE(row.ready);
        CHECK(sim.await(sim.engine().context(id)).status == execution_status::processing);
        sim.finish(id);
        CHECK(sim.report(id).elapsed == 1h);
    });
}

TEST_CASE("between the passes of a step that fails twice every state is consistent [F17]", "[F17]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(support::linear_workflow({.bodies = {{"process_data", scripted_step{}.fails(2)}}}));
        for (int pass = 1; pass <= 3; ++pass) {
            sim.advance(pass == 1 ? 0s : pass == 2 ? 1s : 2s);
            auto const report = sim.report(id);
            CHECK(report.state == (pass < 3 ? task_state::pending : task_state::complete));
            CHECK(report.step("process_data").attempts() == pass);
            for (auto const& step : report.steps) {
                CAPTURE(pass, step.name);
                if (step.state() == step_state::complete) {
                    CHECK(step.record.finished_at);
                    CHECK_FALSE(step.record.last_failure);
                } else if (step.state() == step_state::error) {
                    CHECK(step.name == "process_data");
                    CHECK(step.attempts() < unspread.max_attempts);
                    CHECK(step.record.result.is_null());
                } else {
                    CHECK(step.record == step_record{});
                }
            }
        }
    });
}

TEST_CASE("two independent steps of 200 ms run at the same time, and their child starts after both [F18]", "[F18]")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"test", "overlap"};
        auto const one = flow.step("one", scripted_step{}.takes(200ms));
        auto const two = flow.step("two", scripted_step{}.takes(200ms));
        flow.step("three", after(one, two), [](int a, int b) { return a + b; });
        auto const report = sim.run(std::move(flow).build());
        timeline const line{report};
        CHECK(line.start("one") == 0s);
        CHECK(line.start("two") == 0s);
        CHECK(line.completion("one") == 200ms);
        CHECK(line.completion("two") == 200ms);
        CHECK(line.start("three") == 200ms);
        CHECK(report.result<int>() == 2);
    });
}

TEST_CASE("a child starts when its own parent is done, not when the slowest of its parent's fellows is [F19]", "[F19]")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"test", "no-barrier"};
        auto const quick = flow.step("quick", scripted_step{}.takes(1s));
        flow.step("fellow", scripted_step{}.takes(1s));
        flow.step("slow", scripted_step{}.takes(10s));
        flow.step("child", after(quick), [](int) {});
        auto const report = sim.run(std::move(flow).build());
        timeline const line{report};
        CHECK(line.start("child") == 1s);
        CHECK(line.completion("child") == 1s);
        CHECK(report.elapsed == 10s);
    });
}

namespace {

workflow twenty_ready_steps()
{
    workflow_builder flow{"test", "twenty"};
    for (int no = 1; no <= 20; ++no)
        flow.step("s" + std::to_string(no), scripted_step{}.takes(no * 100ms), {.priority = -no});
    return std::move(flow).build();
}

void check_limit_of_twelve(simulation& sim, workflow const& flow)
{
    auto const report = sim.run(flow);
    timeline const line{report};
    CHECK(report.state == task_state::complete);
    CHECK(line.most_at_once() == 12);
    for (int no = 1; no <= 12; ++no)
        CHECK(line.start("s" + std::to_string(no)) == 0s);
    for (int no = 13; no <= 20; ++no) // each in the place of the shortest that is left
        CHECK(line.start("s" + std::to_string(no)) == (no - 12) * 100ms);
    CHECK(report.elapsed == 800ms + 2s);
}

} // namespace

TEST_CASE("of twenty ready steps no more than the engine's limit of twelve run at once, and each end starts the next [F20]",
          "[F20]")
{
    on_each_store(with_engine([](engine_options& options) { options.max_concurrent_steps = 12; }),
                  [](simulation& sim) { check_limit_of_twelve(sim, twenty_ready_steps()); });
}

TEST_CASE("a workflow's own limit holds for its steps alone [F20]", "[F20]")
{
    on_each_store([](simulation& sim) {
        auto const flow = twenty_ready_steps();
        sim.add(flow, {.max_concurrent_steps = 12});
        check_limit_of_twelve(sim, flow);
        auto const unlimited = sim.run(support::parallel_merge_workflow());
        CHECK(unlimited.state == task_state::complete);
    });
}

TEST_CASE("the limit counts the steps of all tasks together [F20]", "[F20]")
{
    on_each_store(with_engine([](engine_options& options) { options.max_concurrent_steps = 2; }), [](simulation& sim) {
        workflow_builder flow{"test", "single"};
        flow.step("only", scripted_step{}.takes(1s));
        auto const single = std::move(flow).build();
        std::vector<task_id> ids;
        for (int no = 0; no < 5; ++no)
            ids.push_back(sim.submit(single));
        durations starts;
        for (task_id const id : ids) {
            sim.finish(id);
            starts.push_back(timeline{sim.report(id)}.start("only"));
        }
        CHECK(starts == durations{0s, 0s, 1s, 1s, 2s});
    });
}

TEST_CASE("a body that outlasts its time limit is a failure at that instant, and its place is free [F21]", "[F21]")
{
    on_each_store(with_engine([](engine_options& options) { options.max_concurrent_steps = 1; }), [](simulation& sim) {
        workflow_builder flow{"test", "timeout"};
        flow.step("late", scripted_step{}.takes(1h), {.retry = {.max_attempts = 1}, .timeout = 5s, .priority = 1});
        flow.step("next", scripted_step{});
        auto const report = sim.run(std::move(flow).build());
        CHECK(report.state == task_state::error);
        CHECK(report.elapsed == 5s);
        CHECK(report.step("late").record.last_failure ==
              failure{failure_kind::timeout, "the attempt ran out of its time of 5s", "timeout"});
        CHECK(timeline{report}.failures("late") == durations{5s});
        CHECK(timeline{report}.start("next") == 5s);
    });
}

TEST_CASE("a result that comes after the time limit is ignored, whatever the step did since [F21]", "[F21]")
{
    on_each_store([](simulation& sim) {
        support::shape_body const body = [late = ignores_cancellation(1h, 10s)](step_context& context) {
            if (context.attempt() == 1)
                return late(context);
            return [](step_context&) -> async<int> { co_return 7; }(context);
        };
        workflow_builder flow{"test", "late-result"};
        flow.step("again", body, {.retry = unspread, .timeout = 5s});
        flow.step("once", ignores_cancellation(1h, 10s), {.retry = {.max_attempts = 1}, .timeout = 5s});
        auto const id = sim.submit(std::move(flow).build());
        sim.advance(1min);
        auto const report = sim.report(id);
        CHECK(report.step("again").result<int>() == 7);
        CHECK(report.step("again").attempts() == 2);
        CHECK(timeline{report}.completions("again") == durations{6s});
        CHECK(report.step("once").state() == step_state::error);
        CHECK(report.step("once").record.result.is_null());
        CHECK(report.step("once").record.last_failure->kind == failure_kind::timeout);
        CHECK(report.elapsed == 6s);
    });
}

TEST_CASE("a permanent error ends the step at its first attempt, and the task with it [F22]", "[F22]")
{
    on_each_store([](simulation& sim) {
        auto const body = scripted_step{}.throws(permanent_error{"no such account"}, 100);
        auto const report = sim.run(support::linear_workflow({.bodies = {{"process_data", body}}}));
        CHECK(report.state == task_state::error);
        CHECK(report.elapsed == 0s);
        CHECK(report.step("process_data").attempts() == 1);
        CHECK(report.step("process_data").record.last_failure ==
              failure{failure_kind::permanent, "no such account", "tasker::permanent_error"});
        sim.advance(24h);
        CHECK(body.calls() == 1);
    });
}

// A C++ exception has no backtrace; the record keeps its message and its class.
TEST_CASE("any exception is recorded with its message and class, counts an attempt and is told [F23]", "[F23]")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"test", "exceptions"};
        flow.step("standard", scripted_step{}.takes(2s).throws(std::out_of_range{"index 7"}), {.retry = unspread});
        flow.step("none", [] { throw 7; }, {.retry = unspread});
        auto const id = sim.submit(std::move(flow).build());
        sim.advance(2s);
        auto const report = sim.report(id);
        auto const& record = report.step("standard").record;
        CHECK(record.attempts == 1);
        CHECK(record.last_failure == failure{failure_kind::transient, "index 7", "std::out_of_range"});
        CHECK(record.started_at == report.record.created_at);
        CHECK(record.finished_at == report.record.created_at + 2s);
        auto const told = report.all<step_failed>();
        REQUIRE(told.size() == 3); // the other step failed at once, and again after 1 s
        CHECK(told.back().step == "standard");
        CHECK(told.back().what == "index 7");
        CHECK(told.back().type == "std::out_of_range");
        CHECK(told.back().attempt == 1);
        CHECK(told.back().elapsed == 2s);
        CHECK(told.back().next_retry_at == record.next_retry_at);
        CHECK(told.front().what == "the body threw something that is no std::exception");
        CHECK(told.front().type == "unknown");
    });
}

TEST_CASE("when a worker is killed during a step, its task is taken over at the end of the lease and the step runs once more [F24]",
          "[F24]")
{
    on_each_store(with_engine([](engine_options& options) { options.lease = 10s; }), [](simulation& sim) {
        auto const first = scripted_step{};
        auto const killed = scripted_step{}.takes(1min);
        auto const id = sim.submit(support::dummy_workflow({.bodies = {{"step-two", first}, {"step-three", killed}}}));
        sim.advance(2s); // no heartbeat yet: the lease of the first worker ends 10 s after its beginning
        sim.crash();
        sim.advance(8s - 1us);
        CHECK(killed.calls() == 1);
        sim.advance(1us);
        CHECK(killed.calls() == 2);
        sim.finish(id);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(report.elapsed == 10s + 1min);
        CHECK(timeline{report}.starts("step-three") == durations{0s, 10s});
        CHECK(report.step("step-three").attempts() == 1); // the attempt that was cut off counts as none
        CHECK(first.calls() == 1);
        CHECK(killed.calls() == 2);
        REQUIRE(report.count<task_claimed>() == 1);
        CHECK(report.all<task_claimed>().front().recovered);
    });
}

TEST_CASE("a worker that is killed after the lease's last heartbeat keeps its task for the rest of that lease alone [F24]", "[F24]")
{
    on_each_store(with_engine([](engine_options& options) { options.lease = 9s; }), [](simulation& sim) {
        auto const body = scripted_step{}.takes(1min);
        workflow_builder flow{"test", "killed"};
        flow.step("only", body);
        auto const id = sim.submit(std::move(flow).build());
        sim.advance(20s); // heartbeats every 3 s: the last at 18 s
        sim.crash();
        sim.finish(id);
        CHECK(timeline{sim.report(id)}.starts("only") == durations{0s, 27s});
        CHECK(body.calls() == 2);
    });
}

TEST_CASE("of two workers that want the same due task one runs its step, and the other records nothing [F25]", "[F25]")
{
    on_each_store([](support::store_opener const& open) {
        auto const body = scripted_step{}.takes(2s);
        workflow_builder flow{"test", "race"};
        flow.step("only", body);
        auto const raced = std::move(flow).build();
        simulation here{{.store = open, .seed = 1}};
        simulation there{{.store = open, .seed = 2}};
        auto const id = here.submit(raced, {.delay = 1s});
        there.add(raced);
        there.advance(1s);
        here.advance(1s);
        CHECK(body.calls() == 1);
        there.advance(2s);
        here.advance(2s);
        CHECK(body.calls() == 1);
        CHECK(there.report(id).state == task_state::complete);
        CHECK(there.report(id).count<step_completed>() == 1);
        CHECK(here.report(id).count<step_started>() == 0);
        CHECK(here.await(here.engine().history(id)).size() == 5); // born, and started and completed, task and step each
    });
}

TEST_CASE("a worker that was away for longer than its lease records nothing of the step another one took over [F25]", "[F25]")
{
    on_each_store([](support::store_opener const& open) {
        auto const options = with_engine([](engine_options& engine) { engine.lease = 10s; });
        auto const body = scripted_step{}.takes(15s);
        workflow_builder flow{"test", "away"};
        flow.step("only", body);
        auto const raced = std::move(flow).build();
        simulation away{{.engine = options.engine, .store = open, .seed = 1}};
        auto const id = away.submit(raced);
        away.advance(100ms); // the start is recorded
        simulation other{{.engine = options.engine, .store = open, .seed = 2}};
        other.add(raced);
        other.advance(10s + 100ms); // for it, time passes; the first worker hangs
        CHECK(body.calls() == 2);
        away.advance(15s);
        auto const lost = away.report(id);
        CHECK(lost.count<step_completed>() == 0);
        CHECK(lost.count<task_lease_lost>() == 1);
        CHECK(lost.step("only").state() == step_state::in_progress);
        other.finish(id);
        auto const report = other.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(report.elapsed == 25s);
        CHECK(report.step("only").attempts() == 1);
        auto const history = other.await(other.engine().history(id));
        CHECK(std::count_if(history.begin(), history.end(), [](auto const& row) { return row.step && row.to == "complete"; }) == 1);
    });
}

TEST_CASE("a cancelled task starts no new step, and what still runs is recorded, and does not revive it [F26]", "[F26]")
{
    on_each_store([](simulation& sim) {
        auto const below = scripted_step{};
        auto const id = sim.submit(support::dummy_workflow({.bodies = {{"step-one", scripted_step{}.takes(10s)},
                                                                       {"step-two", ignores_cancellation(10s, 8s)},
                                                                       {"step-three", below}}}));
        sim.advance(2s);
        sim.await(sim.engine().cancel(id, "changed my mind"));
        auto const cancelled = sim.report(id);
        CHECK(cancelled.state == task_state::cancelled);
        CHECK(cancelled.elapsed == 2s);
        CHECK(cancelled.step("step-one").state() == step_state::cancelled);
        CHECK(cancelled.step("step-two").state() == step_state::in_progress);
        sim.advance(1h);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::cancelled);
        CHECK(report.what == "it was cancelled: changed my mind");
        CHECK(report.elapsed == 2s);
        CHECK(report.step("step-two").state() == step_state::complete);
        CHECK(report.step("step-two").result<int>() == 42);
        CHECK(timeline{report}.completion("step-two") == 10s);
        CHECK(report.step("step-three").record == step_record{});
        CHECK(below.calls() == 0);
        CHECK(report.count<task_cancelled>() == 1);
        CHECK(report.count<task_completed>() == 0);
    });
}

TEST_CASE("while a hundred tasks only wait for their back-offs nothing at all happens [F27]", "[F27]")
{
    on_each_store([](simulation& sim) {
        auto const flow = support::linear_workflow({.bodies = {{"process_data", scripted_step{}.fails(1)}}});
        std::vector<task_id> ids;
        for (int no = 0; no < 100; ++no)
            ids.push_back(sim.submit(flow));
        sim.advance(100ms); // the last records are written
        auto const before = sim.handlers();
        sim.advance(900ms - 1us);
        CHECK(sim.handlers() == before);
        sim.advance(1us);
        CHECK(sim.handlers() != before);
        for (task_id const id : ids)
            CHECK(sim.report(id).elapsed == 1s);
    });
}

TEST_CASE("a result that cannot be saved is not told, starts nothing, and is saved as soon as the store works again [F28]", "[F28]")
{
    on_each_store([](support::store_opener const& open) {
        auto const watch = std::make_shared<support::store_watch>();
        simulation sim{{.store = [open, watch] { return any_store{support::failing_store{open(), watch}}; }}};
        auto const saved = scripted_step{}.takes(5s);
        auto const child = scripted_step{};
        auto const id = sim.submit(support::dummy_workflow({.bodies = {{"step-two", saved}, {"step-three", child}}}));
        sim.advance(4s);
        watch->refuses_commits = true;
        sim.advance(2s); // refused at 5 s, 5.1 s, 5.3 s and 5.7 s
        CHECK(watch->refused == 4);
        auto const during = sim.report(id);
        CHECK(during.step("step-two").state() == step_state::in_progress);
        CHECK(during.count<step_completed>() == 1); // step one, earlier
        CHECK(child.calls() == 0);

        watch->refuses_commits = false;
        sim.finish(id);
        auto const report = sim.report(id);
        timeline const line{report};
        CHECK(report.state == task_state::complete);
        CHECK(line.completion("step-two") == 5s);
        CHECK(line.start("step-three") == 6500ms); // the fifth try
        CHECK(saved.calls() == 1);
        CHECK(report.step("step-two").attempts() == 1);
        std::vector<int> failures;
        std::size_t recovered = 0;
        for (event const& one : sim.events()) {
            if (auto const* failing = std::get_if<store_failing>(&one))
                failures.push_back(failing->failures);
            recovered += std::holds_alternative<store_recovered>(one) ? 1U : 0U;
        }
        CHECK(failures == std::vector<int>{1, 2, 3, 4});
        CHECK(recovered == 1);
    });
}

TEST_CASE("a worker that dies with an unsaved result leaves the step to be run again [F28]", "[F28]")
{
    on_each_store([](support::store_opener const& open) {
        auto const watch = std::make_shared<support::store_watch>();
        auto const options = with_engine([](engine_options& engine) { engine.lease = 10s; });
        simulation sim{{.engine = options.engine, .store = [open, watch] { return any_store{support::failing_store{open(), watch}}; }}};
        auto const body = scripted_step{}.takes(1s);
        auto const id = sim.submit(support::dummy_workflow({.bodies = {{"step-two", body}}}));
        sim.advance(500ms);
        watch->refuses_commits = true;
        sim.advance(1s);
        CHECK(body.calls() == 1);
        sim.crash(10s);
        watch->refuses_commits = false;
        sim.finish(id);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(body.calls() == 2);
        CHECK(timeline{report}.completions("step-two").size() == 1);
    });
}
