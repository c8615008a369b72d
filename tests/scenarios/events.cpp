#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/failing_store.hpp"
#include "support/shapes.hpp"
#include "support/timeline.hpp"

#include <tasker/event/event_table.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::timeline;
using support::unspread;
using support::with_engine;
using testing::scripted_step;
using support::simulation;
using testing::task_report;

namespace {

/// The events of a task in the order in which they were told: `step.completed two`.
std::vector<std::string> told(task_report const& report)
{
    std::vector<std::string> lines;
    for (event const& one : report.events)
        lines.push_back(std::string{name_of(one)} + std::visit(
                                                        []<class Event>(Event const& each) {
                                                            if constexpr (std::is_base_of_v<step_event, Event>)
                                                                return " " + each.step;
                                                            else
                                                                return std::string{};
                                                        },
                                                        one));
    return lines;
}

using lines = std::vector<std::string>;

workflow single_step(support::shape_body body, step_options const& options = {.retry = unspread})
{
    workflow_builder flow{"test", "single", "1.2.3"};
    flow.step("only", std::move(body), options);
    return std::move(flow).build();
}

} // namespace

TEST_CASE("the start of a step is told before its body's own events, and its completion after them [I01]", "[I01]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(single_step([](step_context& context) -> async<int> {
            context.publish("order.seen", 1);
            co_await context.sleep_for(1s);
            context.publish("order.shipped", 2);
            co_return 3;
        }));
        CHECK(told(report) == lines{"task.initialize_requested", "task.start_requested", "step.execution_requested only",
                                    "order.seen only", "order.shipped only", "step.completed only", "task.completed"});
        CHECK(codec<int>::decode(report.all<custom_event>().back().data) == 2);
        CHECK(codec<int>::decode(report.all<step_completed>().front().result) == 3);
        CHECK(codec<int>::decode(report.all<task_completed>().front().result) == 3);
    });
}

TEST_CASE("a step that throws is told as started and then failed, and its own words reach whoever awaits the result [I02]", "[I02]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(single_step(scripted_step{}.throws(permanent_error{"card declined"})));
        CHECK(told(report) == lines{"task.initialize_requested", "task.start_requested", "step.execution_requested only",
                                    "step.failed only", "task.failed"});
        CHECK(report.all<step_failed>().front().what == "card declined");
        auto const awaited = [&] { return sim.await(sim.engine().task(report.id).result<int>()); };
        CHECK_THROWS_WITH(awaited(), support::contains("step \"only\" failed after 1 attempt: card declined"));
    });
}

TEST_CASE("each event is told exactly once, in the order in which it became true for its task [I03]", "[I03]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(support::dummy_workflow({.bodies = {{"step-one", scripted_step{}.takes(5s)},
                                                                        {"step-two", scripted_step{}.takes(1s)},
                                                                        {"step-three", scripted_step{}.fails(1).takes(1s)},
                                                                        {"step-four", scripted_step{}.takes(2s)}}}));
        CHECK(told(report) == lines{"task.initialize_requested", "task.start_requested", "step.execution_requested step-two",
                                    "step.execution_requested step-one", "step.completed step-two",
                                    "step.execution_requested step-three", "step.failed step-three", "step.retry_requested step-three",
                                    "step.execution_requested step-three", "step.completed step-three",
                                    "step.execution_requested step-four", "step.completed step-one", "step.completed step-four",
                                    "task.completed"});
    });
}

TEST_CASE("what an event says is in the store already when it is told [I03] [B15]", "[I03][B15]")
{
    on_each_store([](support::store_opener const& open) {
        simulation sim{{.store = open}};
        any_store reader = open();
        int heard = 0;
        auto const in_place = subscribe_options{.delivery = delivery::in_place};
        auto const state_of = [&](task_id task) { return reader.load(task).value().task.state; };
        auto const steps_of = [&](task_id task) { return reader.load(task).value().steps; };
        auto const stored = [&](step_event const& e, step_state state, int attempts) {
            ++heard;
            auto const steps = steps_of(e.task);
            REQUIRE(steps.size() == 1);
            CHECK(steps.front().second.state == state);
            CHECK(steps.front().second.attempts == attempts);
        };
        auto const submitted = sim.engine().subscribe([&](task_submitted const& e) { heard += reader.load(e.task) ? 1 : 0; }, in_place);
        auto const failed = sim.engine().subscribe([&](step_failed const& e) { stored(e, step_state::error, 1); }, in_place);
        auto const custom = sim.engine().subscribe([&](custom_event const& e) { stored(e, step_state::complete, 2); }, in_place);
        auto const completed = sim.engine().subscribe([&](step_completed const& e) { stored(e, step_state::complete, 2); }, in_place);
        auto const waiting = sim.engine().subscribe(
            [&](task_waiting const& e) {
                ++heard;
                CHECK(state_of(e.task) == task_state::pending);
            },
            in_place);
        auto const finished = sim.engine().subscribe(
            [&](task_completed const& e) {
                ++heard;
                CHECK(state_of(e.task) == task_state::complete);
            },
            in_place);
        sim.run(single_step([](step_context& context) -> async<int> {
            co_await context.sleep_for(1s);
            if (context.attempt() == 1)
                throw transient_error{"not yet"};
            context.publish("order.shipped");
            co_return 0;
        }));
        CHECK(heard == 6);
    });
}

TEST_CASE("an outcome whose commit fails is not told, and when the commit succeeds it is told once [B15]", "[B15]")
{
    on_each_store([](support::store_opener const& open) {
        auto const watch = std::make_shared<support::store_watch>();
        simulation sim{{.store = [open, watch] { return any_store{support::failing_store{open(), watch}}; }}};
        auto const id = sim.submit(single_step([](step_context& context) -> async<int> {
            co_await context.sleep_for(1s);
            context.publish("order.shipped");
            co_return 0;
        }));
        sim.advance(500ms);
        watch->refuses_commits = true;
        auto const before = told(sim.report(id));
        CHECK(before == lines{"task.initialize_requested", "task.start_requested", "step.execution_requested only"});
        sim.advance(1min);
        CHECK(told(sim.report(id)) == before);
        CHECK(watch->refused > 1);
        watch->refuses_commits = false;
        sim.finish(id);
        auto const after = told(sim.report(id));
        CHECK(after == lines{"task.initialize_requested", "task.start_requested", "step.execution_requested only", "order.shipped only",
                             "step.completed only", "task.completed"});
    });
}

TEST_CASE("a submission whose commit fails is neither told nor acknowledged until it is stored [B15]", "[B15]")
{
    on_each_store([](support::store_opener const& open) {
        auto const watch = std::make_shared<support::store_watch>();
        simulation sim{{.store = [open, watch] { return any_store{support::failing_store{open(), watch}}; }}};
        auto const body = scripted_step{};
        auto const flow = single_step(body);
        sim.add(flow);
        watch->refuses_commits = true;
        std::optional<task_id> acknowledged;
        boost::asio::co_spawn(sim.context(), sim.engine().submit(flow.full_name()),
                              [&](std::exception_ptr, task_handle const& handle) { acknowledged = handle.id(); });
        sim.advance(50ms);
        CHECK(watch->refused == 1);
        CHECK_FALSE(acknowledged);
        CHECK(body.calls() == 0);
        CHECK(std::none_of(sim.events().begin(), sim.events().end(),
                           [](event const& one) { return std::holds_alternative<task_submitted>(one); }));
        watch->refuses_commits = false;
        sim.advance(50ms);
        REQUIRE(acknowledged);
        CHECK(sim.report(*acknowledged).state == task_state::complete);
        CHECK(sim.report(*acknowledged).count<task_submitted>() == 1);
    });
}

TEST_CASE("events of an attempt whose worker dies before the commit are never told, and those of its repetition once [B15]", "[B15]")
{
    on_each_store([](support::store_opener const& open) {
        auto const watch = std::make_shared<support::store_watch>();
        auto const options = with_engine([](engine_options& engine) { engine.lease = 10s; });
        simulation sim{{.engine = options.engine, .store = [open, watch] { return any_store{support::failing_store{open(), watch}}; }}};
        int published = 0;
        support::shape_body const body = [&published](step_context& context) {
            return [](step_context& at, int& count) -> async<int> {
                co_await at.sleep_for(1s);
                at.publish("order.shipped", ++count);
                co_return 0;
            }(context, published);
        };
        auto const id = sim.submit(single_step(body));
        sim.advance(500ms);
        watch->refuses_commits = true;
        sim.advance(1s);
        CHECK(published == 1);
        sim.crash(10s);
        watch->refuses_commits = false;
        sim.finish(id);
        auto const shipped = sim.report(id).all<custom_event>();
        REQUIRE(shipped.size() == 1);
        CHECK(codec<int>::decode(shipped.front().data) == 2);
        CHECK(sim.report(id).count<step_completed>() == 1);
    });
}

TEST_CASE("a completion tells its task, workflow, step, attempt, attempt limit and that it took 25 s [I04]", "[I04]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(single_step(scripted_step{}.fails(1).takes(25s)));
        REQUIRE(report.count<step_completed>() == 1);
        auto const one = report.all<step_completed>().front();
        CHECK(one.elapsed == 25s);
        CHECK(one.attempt == 2);
        CHECK(one.max_attempts == 3);
        CHECK(one.task == report.id);
        CHECK(one.workflow == "test/single@1.2.3");
        CHECK(one.step == "only");
        CHECK(one.at == report.record.created_at + 25s + 1s + 25s);
        REQUIRE(report.count<step_failed>() == 1);
        CHECK(report.all<step_failed>().front().elapsed == 25s);
        CHECK(report.all<step_failed>().front().attempt == 1);
    });
}

TEST_CASE("a failure without words is told as Unknown error, one that is no exception class as unknown [I05]", "[I05]")
{
    on_each_store([](simulation& sim) {
        auto const wordless = sim.run(single_step(scripted_step{}.throws(permanent_error{""})));
        REQUIRE(wordless.count<step_failed>() == 1);
        CHECK(wordless.all<step_failed>().front().what == "Unknown error");
        CHECK(wordless.all<step_failed>().front().type == "tasker::permanent_error");
        CHECK(wordless.step("only").record.last_failure->what == "Unknown error");

        workflow_builder flow{"test", "number"};
        flow.step("only", []() -> int { throw 7; }, {.retry = {.max_attempts = 1}});
        auto const number = sim.run(std::move(flow).build());
        REQUIRE(number.count<step_failed>() == 1);
        CHECK(number.all<step_failed>().front().type == "unknown");
        CHECK_FALSE(number.all<step_failed>().front().what.empty());
    });
}

TEST_CASE("a task that is half done has no end and no total, and a finished one has both, and they agree [I06]", "[I06]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(
            support::linear_workflow({.bodies = {{"initialize_data", scripted_step{}.takes(10s)}, {"process_data", scripted_step{}.takes(20s)}}}));
        sim.advance(12s);
        auto const half = sim.report(id);
        CHECK(half.elapsed == 12s);
        CHECK_FALSE(half.record.finished_at);
        CHECK(half.count<task_completed>() == 0);
        CHECK_THAT(sim.await(sim.engine().snapshot_json(id)), support::contains("\"finished_at\":null"));
        sim.finish(id);
        auto const done = sim.report(id);
        REQUIRE(done.count<task_completed>() == 1);
        auto const told_end = done.all<task_completed>().front();
        CHECK(told_end.elapsed == 30s);
        CHECK(done.record.finished_at == done.record.created_at + 30s);
        CHECK(told_end.at == done.record.finished_at);
        CHECK_THAT(sim.await(sim.engine().snapshot_json(id)),
                   support::contains("\"finished_at\":\"" + to_text(*done.record.finished_at) + "\""));
    });
}

TEST_CASE("a task that fails tells how long it took in all [I06]", "[I06]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(single_step(scripted_step{}.always_fails().takes(10s)));
        REQUIRE(report.count<task_failed>() == 1);
        CHECK(report.all<task_failed>().front().elapsed == 10s + 1s + 10s + 2s + 10s);
        CHECK(report.elapsed == 33s);
    });
}

TEST_CASE("a workflow with a broken event declaration is refused whole: nothing of it is registered [I09]", "[I09]")
{
    on_each_store([](support::store_opener const& open) {
        simulation sim{{.store = open}};
        auto const declaring = [](std::string const& bad) {
            workflow_builder flow{"test", "declaring"};
            flow.event("order.shipped", "A parcel left.");
            flow.event(bad, "Broken.");
            flow.step("only", scripted_step{});
            return std::move(flow).build();
        };
        for (std::string const bad : {"nodot", "task.mine", "step.completed", "order..lost", ""}) {
            CAPTURE(bad);
            auto const broken = declaring(bad);
            try {
                sim.engine().add(broken);
                FAIL("the engine took the workflow");
            } catch (error const& problem) {
                CHECK(problem.code() == errc::invalid_definition);
                CHECK_THAT(problem.what(), support::contains("test/declaring") && support::contains("\"" + bad + "\""));
            }
            CHECK_THROWS_AS(sim.engine().id_of(broken.key()), error);
            CHECK(sim.engine().events().find("order.shipped") == nullptr);
            CHECK_THROWS_WITH(sim.await(sim.engine().submit("test/declaring")), support::contains("no workflow named \"declaring\""));
        }
        // Not even the store has heard of it: another shape may still have the name and version.
        workflow_builder other{"test", "declaring"};
        other.event("order.shipped", "A parcel left.");
        other.step("something-else", scripted_step{});
        auto const report = sim.run(std::move(other).build());
        CHECK(report.state == task_state::complete);
        REQUIRE(sim.engine().events().find("order.shipped") != nullptr);
        CHECK(sim.engine().events().find("order.shipped")->description == "A parcel left.");
    });
}

TEST_CASE("a subscriber that throws does not disturb the workflow or other subscribers, and is logged [I10]", "[I10]")
{
    std::ostringstream log;
    auto* const terminal = std::clog.rdbuf(log.rdbuf());
    task_report report;
    int heard = 0;
    {
        simulation sim;
        auto const broken = sim.engine().subscribe([](step_event const&) { throw std::runtime_error{"no such table"}; },
                                                   {.delivery = delivery::in_place, .name = "auditor"});
        auto const sound = sim.engine().subscribe([&](step_completed const&) { ++heard; }, {.delivery = delivery::in_place});
        report = sim.run(support::linear_workflow());
    }
    std::clog.rdbuf(terminal);
    CHECK(report.state == task_state::complete);
    CHECK(report.count<step_completed>() == 6);
    CHECK(heard == 6);
    CHECK_THAT(log.str(), support::contains("the event subscriber \"auditor\" threw on step.completed: no such table (failure 12;"));
}

TEST_CASE("a slow subscriber does not hold up a hundred steps, and hears them all in the end [I12]",
          "[I12][must-not-be-abandoned]")
{
    std::promise<void> finished;
    auto const gate = finished.get_future().share();
    std::atomic<int> heard = 0;
    std::atomic<bool> starved = false;
    {
        simulation sim;
        auto const slow = sim.engine().subscribe([&](step_completed const&) {
            if (gate.wait_for(30s) != std::future_status::ready)
                starved = true; // the steps wait for their subscriber
            ++heard;
        });
        workflow_builder flow{"test", "hundred"};
        for (int no = 0; no < 100; ++no)
            flow.step("s" + std::to_string(no), scripted_step{}.takes(1s));
        auto const report = sim.run(std::move(flow).build());
        CHECK(report.state == task_state::complete);
        CHECK(report.elapsed == 1s);
        CHECK(report.count<step_completed>() == 100);
        CHECK(heard == 0);
        finished.set_value();
        sim.crash(); // an engine that ends delivers what is queued
    }
    CHECK_FALSE(starved);
    CHECK(heard == 100);
}
