#include <tasker/flow/workflow_builder.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/refusal.hpp"
#include "support/shapes.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::refused;
using support::with_engine;
using testing::scripted_step;
using support::simulation;

namespace {

workflow one_step(std::string const& name, scripted_step const& body, step_options const& options = {.retry = support::unspread})
{
    workflow_builder flow{"test", name};
    flow.step("only", body, options);
    return std::move(flow).build();
}

/// The most steps that ran at once, by the events of all tasks.
int most_at_once(simulation const& sim)
{
    int running = 0;
    int most = 0;
    for (event const& one : sim.events()) {
        running += std::holds_alternative<step_started>(one) ? 1 : 0;
        running -= std::holds_alternative<step_completed>(one) ? 1 : 0;
        most = std::max(most, running);
    }
    return most;
}

} // namespace

TEST_CASE("a workflow's own limit holds over all its tasks, and others go on")
{
    simulation sim;
    workflow const narrow = one_step("narrow", scripted_step{}.takes(1s));
    sim.add(narrow, {.max_concurrent_steps = 2});
    std::vector<task_id> tasks;
    for (int count = 0; count < 6; ++count)
        tasks.push_back(sim.submit(narrow));
    task_id const other = sim.submit(one_step("wide", scripted_step{}.takes(1s)));
    sim.finish(tasks.back());
    CHECK(sim.report(tasks[0]).elapsed == 1s);
    CHECK(sim.report(tasks[2]).elapsed == 2s);
    CHECK(sim.report(tasks[5]).elapsed == 3s);
    CHECK(sim.report(other).elapsed == 1s);
    CHECK(most_at_once(sim) == 3);
}

TEST_CASE("a step that was cancelled while it waited for its workflow's limit does not stop the next")
{
    simulation sim;
    workflow const narrow = one_step("narrow", scripted_step{}.takes(1s));
    sim.add(narrow, {.max_concurrent_steps = 1});
    sim.submit(narrow);
    task_id const second = sim.submit(narrow);
    task_id const third = sim.submit(narrow);
    sim.await(sim.engine().cancel(second));
    sim.finish(third);
    CHECK(sim.report(third).elapsed == 2s);
}

TEST_CASE("ready steps start by priority, then by the longest path that remains, then by the age of their task")
{
    simulation sim{with_engine([](engine_options& engine) { engine.max_concurrent_steps = 1; })};
    std::vector<std::string> order;
    auto const noting = [&order](step_context& context) -> async<> {
        order.emplace_back(context.step());
        co_await context.sleep_for(1s);
    };
    workflow_builder flow{"test", "ranked"};
    flow.step("leaf", noting);
    auto const head = flow.step("head", noting);
    flow.step("tail", after(head), noting);
    flow.step("urgent", noting, {.priority = 1});
    workflow const ranked = std::move(flow).build();
    sim.submit(one_step("blocker", scripted_step{}.takes(1s)));
    task_id const older = sim.submit(ranked);
    task_id const younger = sim.submit(ranked);
    sim.finish(younger);
    CHECK(order == std::vector<std::string>{"urgent", "urgent", "head", "head", "leaf", "tail", "leaf", "tail"});
    CHECK(sim.report(older).elapsed == 7s);
    CHECK(sim.report(younger).elapsed == 9s);
}

TEST_CASE("no more tasks than allowed are in memory, and all of them get done")
{
    on_each_store(with_engine([](engine_options& engine) { engine.max_resident_tasks = 2; }), [](simulation& sim) {
        workflow const flow = one_step("plain", scripted_step{}.takes(1s));
        std::vector<task_id> tasks;
        for (int count = 0; count < 10; ++count)
            tasks.push_back(sim.submit(flow));
        sim.advance(5s);
        for (task_id const id : tasks)
            CHECK(sim.report(id).state == task_state::complete);
        CHECK(most_at_once(sim) == 2);
    });
}

TEST_CASE("a task that loses worker after worker ends in error, and an operator's retry counts anew")
{
    engine_options engine = testing::patient_options();
    engine.max_recoveries = 2;
    simulation sim{{.engine = engine}};
    workflow const deadly = one_step("deadly", scripted_step{}.takes(1h));
    task_id const id = sim.submit(deadly);
    sim.advance(1s); // its start is recorded
    for (int crash = 1; crash <= 2; ++crash) {
        sim.crash(std::chrono::days{366});
        CHECK(sim.report(id).state == task_state::in_progress);
        CHECK(sim.report(id).record.recoveries == crash);
        CHECK(sim.report(id).step("only").attempts() == 0);
    }
    sim.crash(std::chrono::days{366});
    auto const report = sim.report(id);
    CHECK(report.state == task_state::error);
    CHECK_THAT(report.what, support::contains("claimed 3 times from workers that died without progress"));
    sim.await(sim.engine().retry(id));
    sim.advance(1s);
    sim.crash(std::chrono::days{366});
    CHECK(sim.report(id).state == task_state::in_progress);
    CHECK(sim.report(id).record.recoveries == 1);
    sim.finish(id);
    CHECK(sim.report(id).state == task_state::complete);
}

TEST_CASE("a worker that dies while none of the task's bodies runs is not counted against it")
{
    engine_options engine = testing::patient_options();
    engine.max_recoveries = 3;
    engine.max_concurrent_steps = 1;
    simulation sim{{.engine = engine}};
    task_id const deadly = sim.submit(one_step("deadly", scripted_step{}.takes(1h)), {.priority = 1});
    task_id const innocent = sim.submit(one_step("innocent", scripted_step{}));
    for (int crash = 1; crash <= 3; ++crash) {
        sim.advance(1s); // the start of the deadly one is recorded, the other waits for its place
        sim.crash(std::chrono::days{366});
        CHECK(sim.report(deadly).record.recoveries == crash);
        CHECK(sim.report(innocent).record.recoveries == 0);
    }
    sim.advance(1s);
    sim.crash(std::chrono::days{366});
    CHECK(sim.report(deadly).state == task_state::error);
    CHECK(sim.report(innocent).state == task_state::complete);
}

TEST_CASE("progress clears the count of lost workers")
{
    engine_options engine = testing::patient_options();
    engine.max_recoveries = 1;
    simulation sim{{.engine = engine}};
    workflow_builder flow{"test", "slow"};
    auto const first = flow.step("first", scripted_step{}.takes(1h));
    flow.step("second", after(ordering(first)), scripted_step{}.takes(1h));
    task_id const id = sim.submit(std::move(flow).build());
    sim.advance(1s);
    sim.crash(std::chrono::days{366});
    CHECK(sim.report(id).record.recoveries == 1);
    sim.advance(1h);
    CHECK(sim.report(id).step("first").state() == step_state::complete);
    CHECK(sim.report(id).record.recoveries == 0);
    sim.advance(1s);
    sim.crash(std::chrono::days{366});
    CHECK(sim.report(id).record.recoveries == 1);
    sim.finish(id);
    CHECK(sim.report(id).state == task_state::complete);
}

TEST_CASE("an attempt that outlasts its time fails then, and its late result does not count [F21]", "[F21]")
{
    on_each_store([](simulation& sim) {
        bool told = false;
        workflow_builder flow{"test", "late"};
        flow.step("only", [&told](step_context& context) -> async<int> {
            if (context.attempt() == 2)
                co_return 2;
            CHECK(context.deadline() == context.now() + 10s);
            for (bool over = false; !over;) {
                try {
                    co_await context.sleep_for(20s);
                    over = true;
                } catch (boost::system::system_error const&) {
                    told = context.cancelled();
                }
            }
            co_return 1;
        }, {.retry = support::unspread, .timeout = 10s});
        task_id const id = sim.submit(std::move(flow).build());
        sim.advance(1h);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(report.elapsed == 11s);
        CHECK(report.result<int>() == 2);
        CHECK(told);
        REQUIRE(report.count<step_failed>() == 1);
        CHECK(report.all<step_failed>()[0].kind == failure_kind::timeout);
        CHECK(report.all<step_failed>()[0].what == "the attempt ran out of its time of 10s");
        CHECK(report.count<step_completed>() == 1);
    });
}

TEST_CASE("a time limit or a sleep beyond all time does not overflow into the past")
{
    simulation sim;
    task_id const limited = sim.submit(one_step("limited", scripted_step{}.takes(5s), {.timeout = duration::max()}));
    workflow_builder flow{"test", "asleep"};
    flow.step("only", [](step_context& context) -> async<> { co_await context.sleep_for(duration::max()); });
    task_id const asleep = sim.submit(std::move(flow).build());
    sim.advance(24h);
    CHECK(sim.report(limited).state == task_state::complete);
    CHECK(sim.report(asleep).step("only").state() == step_state::in_progress);
}

TEST_CASE("options out of their range are refused by the engine")
{
    auto const problem = [](auto change) {
        engine_options options;
        change(options);
        return refused([&] { simulation const sim{{.engine = options}}; });
    };
    CHECK(problem([](engine_options& o) { o.max_concurrent_steps = 0; }).code == errc::invalid_options);
    CHECK_THAT(problem([](engine_options& o) { o.max_resident_tasks = 0; }).what, support::contains("max_resident_tasks"));
    CHECK_THAT(problem([](engine_options& o) { o.lease = 29ms; }).what, support::contains("lease must be at least 30 ms"));
    CHECK_THAT(problem([](engine_options& o) { o.max_recoveries = -1; }).what, support::contains("max_recoveries"));
    CHECK_THAT(problem([](engine_options& o) { o.safety_poll = 0s; }).what, support::contains("safety_poll"));
    CHECK_THAT(problem([](engine_options& o) { o.delays.cap = 0s; }).what, support::contains("cap"));
    static constexpr duration ten_years = std::chrono::days{3'650};
    CHECK_THAT(problem([](engine_options& o) { o.lease = ten_years + 1us; }).what, support::contains("at most ten years"));
    CHECK_THAT(problem([](engine_options& o) { o.safety_poll = duration::max(); }).what, support::contains("at most ten years"));
    CHECK_THAT(problem([](engine_options& o) { o.record_start_within = duration::max(); }).what, support::contains("at most ten years"));
    engine_options longest;
    longest.lease = longest.safety_poll = longest.record_start_within = ten_years;
    CHECK_NOTHROW(simulation{{.engine = longest}});
}
