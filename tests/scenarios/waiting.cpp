#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/failing_store.hpp"
#include "support/shapes.hpp"
#include "support/timeline.hpp"

#include <tasker/policy/delay_calculator.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
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

using durations = std::vector<duration>;
using moves = std::vector<std::string>;

/// Fails once, and asks to be tried again after `length`.
scripted_step asks_for(duration length) { return scripted_step{}.throws(retry_after{length, "later"}); }

/// The fetches of P7 each ask for a wait of their own.
support::shape_script three_waits(duration user, duration order, duration inventory)
{
    return {.bodies = {{"fetch_user_data", asks_for(user)},
                       {"fetch_order_data", asks_for(order)},
                       {"fetch_inventory_data", asks_for(inventory)}}};
}

/// How long each wait of the task was to last, counted from its submission.
durations waits(task_report const& report)
{
    durations found;
    for (task_waiting const& one : report.all<task_waiting>())
        found.push_back(one.until - report.record.created_at);
    return found;
}

/// The moves of the task itself, as its audit trail has them.
moves task_moves(simulation& sim, task_id id)
{
    moves found;
    for (transition_record const& row : sim.await(sim.engine().history(id)))
        if (!row.step)
            found.push_back(row.from + " > " + row.to + (row.detail.empty() ? "" : ": " + row.detail));
    return found;
}

} // namespace

TEST_CASE("the last step's outcome and the completion of the task are one transaction, and the completion is told once [G01]",
          "[G01]")
{
    on_each_store([](support::store_opener const& open) {
        auto const watch = std::make_shared<support::store_watch>();
        simulation sim{{.store = [open, watch] { return any_store{support::failing_store{open(), watch}}; }}};
        auto const report = sim.run(support::linear_workflow());
        CHECK(report.state == task_state::complete);
        CHECK(report.count<task_completed>() == 1);
        auto const finishing = std::count_if(watch->committed.begin(), watch->committed.end(), [](commit_batch const& batch) {
            bool const last_step = std::any_of(batch.steps.begin(), batch.steps.end(), [](step_write const& write) {
                return write.step == 5 && write.record.state == step_state::complete;
            });
            bool const task = std::any_of(batch.tasks.begin(), batch.tasks.end(), [](task_write const& write) {
                return write.state == task_state::complete && write.release && write.finished_at;
            });
            CHECK(last_step == task); // never the one without the other
            return last_step && task;
        });
        CHECK(finishing == 1);
    });
}

TEST_CASE("a task in error whose missing step is done by hand goes by way of pending and in progress to complete [G02]", "[G02]")
{
    on_each_store([](simulation& sim) {
        auto const failed = sim.run(support::linear_workflow(
            {.bodies = {{"finalize_workflow", scripted_step{}.throws(permanent_error{"broken"}, 100)}}}));
        REQUIRE(failed.state == task_state::error);
        sim.await(sim.engine().resolve_step(failed.id, "finalize_workflow", 1, "by phone"));
        sim.finish(failed.id);
        CHECK(sim.report(failed.id).state == task_state::complete);
        CHECK(sim.report(failed.id).count<task_completed>() == 1);
        CHECK(task_moves(sim, failed.id) == moves{" > pending", "pending > in_progress",
                                                  "in_progress > error: steps_in_error_state", "error > pending: by phone",
                                                  "pending > in_progress", "in_progress > complete"});
    });
}

TEST_CASE("a blocked task ends in error and tells its reason, its failed steps and how far it came [G03]", "[G03]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(
            support::linear_workflow({.bodies = {{"process_data", scripted_step{}.throws(permanent_error{"broken"})}}}));
        CHECK(report.state == task_state::error);
        CHECK(report.record.status_reason == "steps_in_error_state");
        REQUIRE(report.count<task_failed>() == 1);
        auto const told = report.all<task_failed>().front();
        CHECK(told.failed_steps == 1);
        CHECK(told.total_steps == 6);
        CHECK(told.completion_percentage == 33.33);
        CHECK(told.what == "step \"process_data\" failed after 1 attempt: broken");
    });
}

TEST_CASE("a waiting task is pending, and says that it waits for dependencies [G04]", "[G04]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(support::linear_workflow({.bodies = {{"process_data", scripted_step{}.fails(1)}}}));
        sim.settle();
        auto const report = sim.report(id);
        CHECK(report.state == task_state::pending);
        CHECK(report.record.status_reason == "waiting_for_dependencies");
        REQUIRE(report.count<task_waiting>() == 1);
        CHECK(report.all<task_waiting>().front().reason == "waiting_for_dependencies");
        CHECK(task_moves(sim, id) ==
              moves{" > pending", "pending > in_progress", "in_progress > pending: waiting_for_dependencies"});
    });
}

// The original gives such a task up as pending, for some other process to look at after 30 s. Here the engine that runs
// its step stays with it: it is in progress, owned, and nobody has to look.
TEST_CASE("a task of which a step runs stays in progress and owned, though another step is in back-off [G05]", "[G05]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(
            support::dummy_workflow({.bodies = {{"step-one", asks_for(2min)}, {"step-two", scripted_step{}.takes(10s)}}}));
        sim.advance(5s);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::in_progress);
        CHECK(report.record.worker);
        CHECK(report.count<task_waiting>() == 0);
        CHECK(sim.await(sim.engine().context(id)).status == execution_status::processing);
        CHECK(task_moves(sim, id) == moves{" > pending", "pending > in_progress"});
    });
}

TEST_CASE("a step in back-off starts at its own due time, though other steps of its task still run or wait for a place [G05]",
          "[G05]")
{
    on_each_store(with_engine([](engine_options& options) { options.max_concurrent_steps = 2; }), [](simulation& sim) {
        workflow_builder flow{"test", "busy"};
        flow.step("retried", scripted_step{}.fails(2), {.retry = unspread, .priority = 2});
        flow.step("busy", scripted_step{}.takes(1h), {.retry = unspread, .priority = 1});
        flow.step("first", scripted_step{}.takes(500ms), {.retry = unspread});
        flow.step("second", scripted_step{}.takes(500ms), {.retry = unspread});
        flow.step("third", scripted_step{}.takes(10s), {.retry = unspread, .priority = -1});
        auto const report = sim.run(std::move(flow).build());
        timeline const line{report};
        CHECK(line.starts("retried") == durations{0s, 1s, 3s + 8s}); // due at 3 s, and at 11 s the third gave its place back
        CHECK(line.start("third") == 1s);
        CHECK(report.elapsed == 1h);
    });
}

TEST_CASE("a task with ready steps is never left without an owner: what a drained engine gives back runs on at once [G06]", "[G06]")
{
    on_each_store(with_engine([](engine_options& options) { options.max_concurrent_steps = 1; }), [](simulation& sim) {
        workflow_builder flow{"test", "two"};
        flow.step("first", scripted_step{}.takes(1s), {.priority = 1});
        flow.step("second", scripted_step{}.takes(1s));
        auto const id = sim.submit(std::move(flow).build());
        std::optional<std::exception_ptr> drained;
        boost::asio::co_spawn(sim.context(), sim.engine().drain(), [&](std::exception_ptr problem) { drained = problem; });
        sim.advance(5s);
        REQUIRE(drained);
        CHECK_FALSE(*drained);
        auto const between = sim.report(id);
        CHECK(between.step("first").state() == step_state::complete);
        CHECK(between.step("second").state() == step_state::pending);
        CHECK_FALSE(between.record.worker);
        sim.crash(); // the next process
        CHECK(sim.report(id).record.worker);
        sim.finish(id);
        CHECK(timeline{sim.report(id)}.starts("second") == durations{5s});
        CHECK(sim.report(id).elapsed == 6s);
    });
}

// With the records in memory a task always has its context; what is left of "unclear" is a task that ends every worker
// that takes it.
TEST_CASE("an unclear task ends in error with a reason, after max_recoveries workers died of it [G07]", "[G07]")
{
    CHECK(delay_calculator{delay_policy{}}.parked_delay(std::nullopt, std::nullopt) == 30s);
    auto const options = with_engine([](engine_options& engine) {
        engine.lease = 10s;
        engine.max_recoveries = 2;
    });
    on_each_store(options, [](simulation& sim) {
        auto const deadly = scripted_step{}.takes(1h);
        auto const id = sim.submit(support::dummy_workflow({.bodies = {{"step-two", deadly}}}));
        for (int crash = 1; crash <= 2; ++crash) {
            sim.advance(1s);
            sim.crash(10s);
            CHECK(sim.report(id).state == task_state::in_progress);
            CHECK(deadly.calls() == crash + 1);
        }
        sim.advance(1s);
        sim.crash(10s);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::error);
        CHECK(report.record.status_reason == "claimed 3 times from workers that died without progress; look at what its steps "
                                             "do to their process, then retry the task");
        CHECK(deadly.calls() == 3);
        CHECK(report.count<task_failed>() == 1);
    });
}

TEST_CASE("without a back-off the delay map is 0, 30, 300 and 30 s, and no step in back-off waits longer than 300 s [G08] [G12]",
          "[G08][G12]")
{
    delay_calculator const delays{engine_options{}.delays};
    using enum execution_status;
    CHECK(delays.parked_delay(has_ready_steps, {}) == 0s);
    CHECK(delays.parked_delay(processing, {}) == 30s);
    CHECK(delays.parked_delay(waiting_for_dependencies, {}) == 300s);
    CHECK(delays.parked_delay(blocked_by_failures, {}) == 30s);
    CHECK(delays.parked_delay(all_complete, {}) == 30s);
}

TEST_CASE("a task none of whose steps is in back-off never waits [G12]", "[G12]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(support::diamond_workflow());
        CHECK(report.state == task_state::complete);
        CHECK(report.elapsed == 0s);
        CHECK(report.count<task_waiting>() == 0);
        CHECK(report.count<task_claimed>() == 0);
    });
}

TEST_CASE("a back-off of 120 s parks the task for 125 s when it is set now, and for 124 s when it was set 1 s ago [G09]", "[G09]")
{
    on_each_store([](simulation& sim) {
        auto const now = sim.run(support::linear_workflow({.bodies = {{"process_data", asks_for(120s)}}}));
        CHECK(now.state == task_state::complete);
        REQUIRE(now.count<task_waiting>() == 1);
        auto const told = now.all<task_waiting>().front();
        CHECK(told.parked);
        CHECK(told.until - told.at == 125s);
        CHECK(timeline{now}.starts("process_data") == durations{0s, 125s});

        auto const before = sim.run(
            support::dummy_workflow({.bodies = {{"step-one", asks_for(120s)}, {"step-two", scripted_step{}.takes(1s)}}}));
        CHECK(before.state == task_state::complete);
        REQUIRE(before.count<task_waiting>() == 1);
        auto const later = before.all<task_waiting>().front();
        CHECK(later.parked);
        CHECK(later.until - later.at == 124s);
        CHECK(timeline{before}.starts("step-one") == durations{0s, 125s});
    });
}

TEST_CASE("back-offs of 60, 180 and 120 s park the task once, for the longest: 185 s [G10]", "[G10]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(support::parallel_merge_workflow(three_waits(60s, 180s, 120s)));
        CHECK(waits(report) == durations{185s});
        CHECK(report.count<task_claimed>() == 1);
        timeline const line{report};
        for (auto const& fetch : {"fetch_user_data", "fetch_order_data", "fetch_inventory_data"})
            CHECK(line.starts(fetch) == durations{0s, 185s});
        CHECK(report.elapsed == 185s);
    });
}

TEST_CASE("the same back-offs, set 1 s before the task parks, park it for 184 s [G10]", "[G10]")
{
    on_each_store([](simulation& sim) {
        auto script = three_waits(60s, 180s, 120s);
        script.bodies.emplace("fetch_pricing_data", scripted_step{}.takes(1s));
        auto const id = sim.submit(support::parallel_merge_workflow(script));
        sim.advance(2s);
        auto const told = sim.report(id).all<task_waiting>();
        REQUIRE(told.size() == 1);
        CHECK(told.front().until - told.front().at == 184s);
    });
}

TEST_CASE("on request a parked task wakes for the earliest back-off, and again for each later one [G10]", "[G10]")
{
    on_each_store(with_engine([](engine_options& options) { options.delays.wake_on = wake_on::earliest; }), [](simulation& sim) {
        auto const two = sim.run(support::parallel_merge_workflow(
            {.bodies = {{"fetch_user_data", asks_for(60s)}, {"fetch_order_data", asks_for(180s)}}}));
        CHECK(waits(two) == durations{65s, 185s});
        CHECK(timeline{two}.starts("fetch_user_data") == durations{0s, 65s});
        CHECK(timeline{two}.starts("fetch_order_data") == durations{0s, 185s});
    });
}

TEST_CASE("a task that woke for the earliest back-off stays in memory for what is left, when that is short enough [G10]", "[G10]")
{
    on_each_store(with_engine([](engine_options& options) { options.delays.wake_on = wake_on::earliest; }), [](simulation& sim) {
        auto const report = sim.run(support::parallel_merge_workflow(three_waits(60s, 180s, 120s)));
        CHECK(waits(report) == durations{65s, 125s, 180s});
        CHECK(timeline{report}.starts("fetch_inventory_data") == durations{0s, 125s});
        CHECK(timeline{report}.starts("fetch_order_data") == durations{0s, 180s}); // 55 s left: resident, to the microsecond
        CHECK_FALSE(report.all<task_waiting>().back().parked);
    });
}

TEST_CASE("a back-off of 600 s is waited for with one wake, when it is due [G11]", "[G11]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(support::linear_workflow({.bodies = {{"process_data", asks_for(600s)}}}));
        CHECK(waits(report) == durations{605s});
        CHECK(report.count<task_claimed>() == 1);
        CHECK(report.elapsed == 605s);
    });
}

TEST_CASE("no parked task sleeps longer than 30 min: it looks again and parks for the rest, until exactly the due time [G11]",
          "[G11]")
{
    on_each_store([](simulation& sim) {
        auto const body = asks_for(2h);
        auto const report = sim.run(support::linear_workflow({.bodies = {{"process_data", body}}}));
        CHECK(report.state == task_state::complete);
        CHECK(waits(report) == durations{30min, 60min, 90min, 120min});
        CHECK(report.count<task_claimed>() == 4);
        CHECK(timeline{report}.starts("process_data") == durations{0s, 2h});
        CHECK(body.calls() == 2);
        CHECK(task_moves(sim, report.id) == moves{" > pending", "pending > in_progress",
                                                  "in_progress > pending: waiting_for_dependencies", "pending > in_progress",
                                                  "in_progress > complete"});
    });
}

TEST_CASE("a back-off of 250 ms, 200 ms or 1 us is over at exactly that time [G13]", "[G13]")
{
    for (duration const wait : {duration{250ms}, duration{200ms}, duration{1us}})
        on_each_store([wait](simulation& sim) {
            auto const body = scripted_step{}.fails(1);
            workflow_builder flow{"test", "short"};
            flow.step("only", body, {.retry = {.backoff = {.initial = wait}, .jitter = jitter::none}});
            auto const id = sim.submit(std::move(flow).build());
            sim.advance(wait - 1us);
            CHECK(body.calls() == 1);
            sim.advance(1us);
            CHECK(body.calls() == 2);
            CHECK(sim.report(id).elapsed == wait);
            CHECK_FALSE(sim.report(id).all<task_waiting>().front().parked);
        });
}

TEST_CASE("each of several short back-offs wakes at its own time [G13]", "[G13]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(support::parallel_merge_workflow(three_waits(300ms, 60s, 7s)));
        timeline const line{report};
        CHECK(line.starts("fetch_user_data") == durations{0s, 300ms});
        CHECK(line.starts("fetch_inventory_data") == durations{0s, 7s});
        CHECK(line.starts("fetch_order_data") == durations{0s, 60s});
        CHECK(waits(report) == durations{300ms, 7s, 60s});
    });
}

TEST_CASE("a wait of exactly the resident limit stays in memory, and one of a microsecond more is parked [G13]", "[G13]")
{
    on_each_store([](simulation& sim) {
        auto const resident = sim.run(support::linear_workflow({.bodies = {{"process_data", asks_for(60s)}}}));
        CHECK(resident.elapsed == 60s);
        CHECK(resident.count<task_claimed>() == 0);
        workflow_builder flow{"test", "parked"};
        flow.step("only", asks_for(60s + 1us));
        auto const parked = sim.run(std::move(flow).build());
        CHECK(parked.elapsed == 65s + 1us);
        CHECK(parked.count<task_claimed>() == 1);
    });
}

TEST_CASE("a parked task leaves memory and gives its place to another, and one that waits in memory does not [G13]", "[G13]")
{
    on_each_store(with_engine([](engine_options& options) { options.max_resident_tasks = 1; }), [](simulation& sim) {
        auto const waiting = [](std::string const& name, duration wait) {
            workflow_builder flow{"test", name};
            flow.step("only", asks_for(wait));
            return std::move(flow).build();
        };
        auto const parked = sim.submit(waiting("parked", 10min));
        sim.settle();
        auto const stored = sim.report(parked);
        CHECK_FALSE(stored.record.worker);
        CHECK(stored.record.wake_at == stored.record.created_at + 605s);

        auto const resident = sim.submit(waiting("resident", 50s));
        sim.settle();
        CHECK(sim.report(resident).record.worker);
        CHECK(sim.report(resident).step("only").attempts() == 1);

        auto const third = sim.submit(support::diamond_workflow());
        sim.advance(50s - 1us);
        CHECK_FALSE(sim.report(third).record.worker);
        CHECK(sim.report(third).state == task_state::pending);
        sim.advance(1us);
        CHECK(sim.report(resident).state == task_state::complete);
        CHECK(sim.report(third).state == task_state::complete);
        CHECK(sim.report(third).elapsed == 50s);
        sim.finish(parked);
        CHECK(sim.report(parked).elapsed == 605s);
    });
}

TEST_CASE("a task in error that is told to run again starts at once, and any other is refused [G14]", "[G14]")
{
    on_each_store([](simulation& sim) {
        auto const body = scripted_step{}.throws(permanent_error{"broken"}, 1 << 30);
        auto const failed = sim.run(support::linear_workflow({.bodies = {{"process_data", body}}}));
        REQUIRE(failed.state == task_state::error);
        sim.advance(1h);
        sim.await(sim.engine().retry(failed.id, "mended"));
        sim.settle();
        CHECK(body.calls() == 2);
        auto const report = sim.report(failed.id);
        CHECK(report.count<task_retry_requested>() == 1);
        CHECK(timeline{report}.starts("process_data") == durations{0s, 1h});
        CHECK(task_moves(sim, failed.id) == moves{" > pending", "pending > in_progress",
                                                  "in_progress > error: steps_in_error_state", "error > pending: mended",
                                                  "pending > in_progress", "in_progress > error: steps_in_error_state"});

        auto const complete = sim.run(support::dummy_workflow());
        CHECK_THROWS_WITH(sim.await(sim.engine().retry(complete.id)), support::contains("only a task in error can be retried"));
        auto const refused = sim.report(complete.id);
        CHECK(refused.count<command_refused>() == 1);
        CHECK(refused.count<task_retry_requested>() == 0);
        CHECK(refused.state == task_state::complete);
    });
}

TEST_CASE("a parked task tells until when, which is what the store has, and does not change its state meanwhile [G15]", "[G15]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(support::linear_workflow({.bodies = {{"process_data", asks_for(10min)}}}));
        sim.settle();
        auto const parked = sim.report(id);
        REQUIRE(parked.count<task_waiting>() == 1);
        CHECK(parked.all<task_waiting>().front().until == parked.record.wake_at);
        auto const moved = task_moves(sim, id);
        sim.advance(605s - 1us);
        CHECK(sim.report(id).record == parked.record);
        CHECK(task_moves(sim, id) == moved);
    });
}

TEST_CASE("a submission with a delay is pending until exactly then [G15]", "[G15]")
{
    on_each_store([](simulation& sim) {
        auto const body = scripted_step{};
        auto const id = sim.submit(support::dummy_workflow({.bodies = {{"step-one", body}}}), {.delay = 90s});
        CHECK(sim.report(id).state == task_state::pending);
        CHECK(sim.report(id).record.wake_at == sim.report(id).record.created_at + 90s);
        sim.advance(90s - 1us);
        CHECK(body.calls() == 0);
        sim.advance(1us);
        CHECK(sim.report(id).state == task_state::complete);
        CHECK(sim.report(id).elapsed == 90s);
    });
}

TEST_CASE("a complete task is not completed again, whatever happens: no error and no second event [G16]", "[G16]")
{
    on_each_store(with_engine([](engine_options& options) { options.lease = 10s; }), [](simulation& sim) {
        auto const before = sim.run(support::linear_workflow());
        REQUIRE(before.count<task_completed>() == 1);
        CHECK_THROWS_AS(sim.await(sim.engine().retry(before.id)), error); // claims it, refuses, and gives it back
        sim.crash(1min);
        sim.advance(1h);
        auto const after = sim.report(before.id);
        CHECK(after.state == task_state::complete);
        CHECK(after.count<task_completed>() == 1);
        CHECK(after.record.finished_at == before.record.finished_at);
        CHECK_FALSE(after.record.worker);
        CHECK(sim.await(sim.engine().task(before.id).outcome()).succeeded());
        auto const moved = task_moves(sim, before.id);
        CHECK(moved == moves{" > pending", "pending > in_progress", "in_progress > complete"});
    });
}
