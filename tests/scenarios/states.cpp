#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"
#include "support/refusal.hpp"
#include "support/shapes.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::refused;
using testing::scripted_step;
using support::simulation;

namespace {

using lines = std::vector<std::string>;

workflow pair_of(scripted_step const& first, step_options const& options = {.retry = support::unspread})
{
    workflow_builder flow{"test", "pair"};
    auto const given = flow.step("first", first, options);
    flow.step("second", after(ordering(given)), scripted_step{});
    return std::move(flow).build();
}

/// The audit trail of the task itself, or of one step, as "from > to".
lines audit(simulation& sim, task_id id, std::optional<step_no> step)
{
    lines found;
    for (transition_record const& row : sim.await(sim.engine().history(id)))
        if (row.step == step)
            found.push_back(row.from + " > " + row.to);
    return found;
}

/// The names of a task's events, in order, each with its step.
lines told(testing::task_report const& report)
{
    lines names;
    for (event const& one : report.events)
        std::visit(
            [&]<class Event>(Event const& each) {
                if constexpr (std::is_same_v<Event, task_submitted>)
                    names.emplace_back("submitted");
                else if constexpr (std::is_same_v<Event, task_started>)
                    names.emplace_back("started");
                else if constexpr (std::is_same_v<Event, task_completed>)
                    names.emplace_back("completed");
                else if constexpr (std::is_same_v<Event, task_waiting>)
                    names.emplace_back("waiting");
                else if constexpr (std::is_same_v<Event, step_started>)
                    names.push_back(each.step + " started");
                else if constexpr (std::is_same_v<Event, step_completed>)
                    names.push_back(each.step + " completed");
                else if constexpr (std::is_same_v<Event, step_failed>)
                    names.push_back(each.step + " failed");
                else if constexpr (std::is_same_v<Event, step_retry_requested>)
                    names.push_back(each.step + " retried");
                else
                    names.emplace_back("something else");
            },
            one);
    return names;
}

} // namespace

TEST_CASE("the audit trail of a task that succeeds is in order and ends in complete [B01][B11]", "[B01][B11]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.run(pair_of(scripted_step{}.takes(3s))).id;
        CHECK(audit(sim, id, {}) == lines{" > pending", "pending > in_progress", "in_progress > complete"});
        auto const rows = sim.await(sim.engine().history(id));
        for (std::size_t at = 1; at < rows.size(); ++at) {
            CHECK(rows[at - 1].sequence < rows[at].sequence);
            CHECK_FALSE(rows[at].at < rows[at - 1].at);
        }
        CHECK(rows.back().to == "complete");
        CHECK_FALSE(rows.back().step);
        CHECK(rows.back().at - rows.front().at == 3s);
    });
}

TEST_CASE("the audit trail of a step that succeeds is in progress, then complete [C01][C12]", "[C01][C12]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.run(pair_of(scripted_step{})).id;
        CHECK(audit(sim, id, 0) == lines{"pending > in_progress", "in_progress > complete"});
        CHECK(audit(sim, id, 1) == lines{"pending > in_progress", "in_progress > complete"});
    });
}

TEST_CASE("a failure and its retry leave every arrow in the audit trail, with attempt and message [B14][C06]", "[B14][C06]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.run(pair_of(scripted_step{}.fails(1, "no route"))).id;
        CHECK(audit(sim, id, 0) == lines{"pending > in_progress", "in_progress > error", "error > pending", "pending > in_progress",
                                         "in_progress > complete"});
        CHECK(audit(sim, id, {}) == lines{" > pending", "pending > in_progress", "in_progress > pending", "pending > in_progress",
                                          "in_progress > complete"});
        for (transition_record const& row : sim.await(sim.engine().history(id)))
            if (row.step == 0U && row.to == "error") {
                CHECK(row.attempt == 1);
                CHECK(row.detail == "no route");
            }
    });
}

TEST_CASE("a step is told as started, then as completed, once each and in the order of the truth [B13][C13][I03]", "[B13][C13][I03]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(pair_of(scripted_step{}.fails(1)));
        CHECK(told(report) == lines{"submitted", "started", "first started", "first failed", "waiting", "started", "first retried", "first started",
                                    "first completed", "second started", "second completed", "completed"});
    });
}

TEST_CASE("what the store says after a move is what the engine said [B12]", "[B12]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.submit(pair_of(scripted_step{}.fails(1).takes(2s)));
        auto const stored = [&] { return sim.await(sim.engine().load(id))->task.state; };
        sim.advance(1s);
        CHECK(stored() == task_state::in_progress);
        sim.advance(1s);
        CHECK(stored() == task_state::pending);
        CHECK(sim.report(id).record.status_reason == "waiting_for_dependencies");
        sim.finish(id);
        CHECK(stored() == task_state::complete);
        CHECK(sim.report(id).record.finished_at == sim.now());
    });
}

TEST_CASE("asking for the state that is there already writes no line and tells no move [B10]", "[B10]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.submit(pair_of(scripted_step{}.takes(10s)));
        sim.settle();
        sim.await(sim.engine().cancel(id));
        auto const before = sim.await(sim.engine().history(id));
        auto const no = refused([&] { sim.await(sim.engine().cancel(id)); });
        CHECK(no.code == errc::illegal_transition);
        CHECK(sim.await(sim.engine().history(id)) == before);
        CHECK(sim.report(id).count<task_cancelled>() == 1);
    });
}

TEST_CASE("when the commit fails nothing is told, and after it succeeds everything is, once [B15]", "[B15]")
{
    auto const watch = std::make_shared<support::store_watch>();
    testing::simulation_options options;
    options.store = [data = memory_store{}, watch] { return any_store{support::failing_store{any_store{data}, watch}}; };
    simulation sim{std::move(options)};
    task_id const id = sim.submit(pair_of(scripted_step{}.takes(1s)));
    sim.advance(500ms); // the start is recorded
    watch->refuses_commits = true;
    sim.advance(1s);
    CHECK(watch->refused > 0);
    CHECK(sim.report(id).count<step_completed>() == 0);
    CHECK(sim.report(id).step("first").state() == step_state::in_progress);
    watch->refuses_commits = false;
    sim.finish(id);
    auto const report = sim.report(id);
    CHECK(report.state == task_state::complete);
    CHECK(report.count<step_completed>() == 2);
    CHECK(report.count<task_completed>() == 1);
}

TEST_CASE("of two workers that want one task, one gets it and the other does nothing [B16]", "[B16]")
{
    on_each_store([](support::store_opener const& open) {
        support::fleet fleet;
        scripted_step const body = scripted_step{}.takes(1s);
        std::vector<engine*> const both{&fleet.launch(open()), &fleet.launch(open())};
        std::size_t claims = 0;
        std::vector<subscription> listening;
        for (engine* const one : both) {
            one->add(pair_of(body));
            listening.push_back(one->subscribe([&](task_claimed const&) { ++claims; }, {.delivery = delivery::in_place}));
        }
        task_id const id = fleet.await(both[0]->submit("test/pair", {.delay = 5s})).id();
        fleet.advance(10s);
        CHECK(claims == 1);
        CHECK(body.calls() == 1);
        auto const history = fleet.await(both[1]->history(id));
        CHECK(std::count_if(history.begin(), history.end(), [](auto const& row) { return !row.step && row.to == "in_progress"; }) == 1);
        CHECK(fleet.await(both[1]->load(id))->task.state == task_state::complete);
    });
}

TEST_CASE("a worker that lost its task writes nothing more and stops its bodies [B16][F25]", "[B16][F25]")
{
    engine_options options = testing::patient_options();
    options.lease = 9s;
    auto const watch = std::make_shared<support::store_watch>();
    support::fleet fleet;
    memory_store const data;
    std::vector<std::string> heard;
    bool stopped = false;
    workflow_builder flow{"test", "torn"};
    flow.step("quick", scripted_step{}.takes(10s)); // its outcome is the first to be refused
    flow.step("slow", [&](step_context& context) -> async<int> {
        try {
            co_await context.sleep_for(60s);
        } catch (boost::system::system_error const&) {
            stopped = context.cancelled();
            throw;
        }
        co_return 1;
    });
    workflow const torn = std::move(flow).build();
    engine& first = fleet.launch(support::failing_store{any_store{data}, watch}, options);
    first.add(torn);
    auto const listening = first.subscribe([&](event const& e) { heard.emplace_back(std::holds_alternative<task_lease_lost>(e) ? "lost" : "other"); },
                                           {.delivery = delivery::in_place});
    task_id const id = fleet.await(first.submit("test/torn")).id();
    fleet.advance(1s);
    memory_store thief = data; // another worker takes the task while the first one believes it owns it
    worker_id const other{7, 7};
    thief.heartbeat({other, fleet.now(), 1h});
    std::vector<workflow_id> const workflows{first.id_of(torn.key())};
    auto const claimed = thief.claim({other, fleet.now() + 1h, 1, workflows, {}});
    REQUIRE(claimed.size() == 1);
    auto const before = thief.history(id);
    heard.clear();
    fleet.advance(10s);
    CHECK(heard == lines{"lost"});
    CHECK(stopped);
    CHECK(thief.history(id) == before);
    CHECK(thief.load(id)->task.worker == other);
}

TEST_CASE("a child starts only after its parents are complete or resolved, never below a pending, running or failed one [C08][C09][C10]",
          "[C08][C09][C10]")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"test", "join"};
        auto const left = flow.step("left", scripted_step{}.takes(2s));
        auto const right = flow.step("right", scripted_step{}.always_fails(), {.retry = {.max_attempts = 1}});
        flow.step("child", after(left, right), [](int a, int b) { return a + b; });
        task_id const id = sim.submit(std::move(flow).build());
        sim.advance(1s); // left runs, right failed
        CHECK(sim.report(id).step("child").state() == step_state::pending);
        sim.await(sim.engine().resolve_step(id, "right", 40));
        CHECK(sim.report(id).step("child").state() == step_state::pending); // one of two
        sim.advance(1s);
        auto const report = sim.report(id);
        CHECK(report.step("child").state() == step_state::complete);
        CHECK(report.result<int>() == 41);
        CHECK(report.elapsed == 2s);
    });
}

TEST_CASE("no child starts while the store cannot say that its parent is done [C15]", "[C15]")
{
    auto const watch = std::make_shared<support::store_watch>();
    testing::simulation_options options;
    options.store = [data = memory_store{}, watch] { return any_store{support::failing_store{any_store{data}, watch}}; };
    simulation sim{std::move(options)};
    scripted_step child;
    workflow_builder flow{"test", "guarded"};
    auto const parent = flow.step("parent", scripted_step{}.takes(1s));
    flow.step("child", after(ordering(parent)), child);
    task_id const id = sim.submit(std::move(flow).build());
    sim.advance(500ms);
    watch->refuses_commits = true;
    sim.advance(1h);
    CHECK(child.calls() == 0);
    watch->refuses_commits = false;
    sim.finish(id);
    CHECK(child.calls() == 1);
}

TEST_CASE("a task whose workflow has no steps is complete at once [E11]", "[E11]")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"test", "empty"};
        task_id const id = sim.submit(std::move(flow).build());
        sim.settle();
        auto const report = sim.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(report.elapsed == 0s);
        CHECK(audit(sim, id, {}) == lines{" > pending", "pending > in_progress", "in_progress > complete"});
    });
}

TEST_CASE("a task that waits resident or parked is pending with the reason, and says until when [G04]", "[G04]")
{
    simulation sim;
    task_id const resident = sim.submit(pair_of(scripted_step{}.fails(1)));
    task_id const parked =
        sim.submit(support::dummy_workflow({.bodies = {{"step-one", scripted_step{}.fails(1)}},
                                            .options = {.retry = {.backoff = {.initial = 2min}, .jitter = jitter::none}}}));
    sim.settle();
    for (task_id const id : {resident, parked}) {
        auto const report = sim.report(id);
        CHECK(report.record.state == task_state::pending);
        CHECK(report.record.status_reason == "waiting_for_dependencies");
        REQUIRE(report.count<task_waiting>() == 1);
        CHECK(report.all<task_waiting>()[0].parked == (id == parked));
        CHECK(report.all<task_waiting>()[0].until - report.record.created_at == (id == parked ? duration{125s} : duration{1s}));
        CHECK(static_cast<bool>(report.record.worker) == (id == resident));
    }
    CHECK(sim.report(parked).record.wake_at == sim.now() + 125s);
}

TEST_CASE("a task is complete only when each of its steps is, whatever is asked of it before [B05]", "[B05]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.submit(pair_of(scripted_step{}.takes(10s)));
        sim.advance(1s);
        CHECK(refused([&] { sim.await(sim.engine().resolve(id)); }).code == errc::illegal_transition);
        CHECK(sim.report(id).state == task_state::in_progress);
        sim.advance(8s);
        CHECK(sim.report(id).state == task_state::in_progress);
        CHECK(sim.report(id).step("second").state() == step_state::pending);
        sim.advance(1s);
        CHECK(sim.report(id).state == task_state::complete);
        CHECK(sim.report(id).step("second").state() == step_state::complete);
    });
}
