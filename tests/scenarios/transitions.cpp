// The state tables are the specification: every arrow of theirs is walked here, on each store, and no other is.

#include <tasker/model/states.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/shapes.hpp"

#include <chrono>
#include <set>
#include <string>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using testing::scripted_step;
using support::simulation;

namespace {

using arrows = std::set<std::string>; ///< "from > to", and " > to" for a birth

template <class State>
arrows arrows_of_table()
{
    arrows found;
    for (transition<State> const& one : transitions_of(State{}))
        found.insert((one.from ? std::string{name(*one.from)} : "") + " > " + std::string{name(one.to)});
    return found;
}

/// What was walked, as the audit trail says.
struct walked {
    arrows tasks;
    arrows steps;

    void add(simulation& sim, task_id id)
    {
        for (transition_record const& row : sim.await(sim.engine().history(id)))
            (row.step ? steps : tasks).insert(row.from + " > " + row.to);
    }
};

/// Two steps in a row; the first does as it is told.
workflow pair_of(std::string const& name, scripted_step const& first, step_options const& options = {.retry = support::unspread})
{
    workflow_builder flow{"test", name};
    auto const given = flow.step("first", first, options);
    flow.step("second", after(ordering(given)), scripted_step{});
    return std::move(flow).build();
}

/// pending > in_progress > pending > in_progress > complete > cancelled, by a failure and its retry.
task_id succeed_late(simulation& sim)
{
    task_id const id = sim.run(pair_of("late", scripted_step{}.fails(1))).id;
    sim.await(sim.engine().cancel(id));
    return id;
}

/// in_progress > error > pending, then error > resolved_manually > cancelled.
task_id fail_and_resolve(simulation& sim)
{
    task_id const id = sim.run(pair_of("failing", scripted_step{}.always_fails(), {.retry = {.max_attempts = 1}})).id;
    sim.await(sim.engine().retry(id));
    sim.finish(id);
    sim.await(sim.engine().resolve(id));
    sim.await(sim.engine().cancel(id));
    return id;
}

/// error > cancelled; the failed step is cancelled first: error > cancelled.
task_id fail_and_cancel(simulation& sim)
{
    task_id const id = sim.run(pair_of("hopeless", scripted_step{}.always_fails(), {.retry = {.max_attempts = 1}})).id;
    sim.await(sim.engine().cancel_step(id, "first"));
    sim.await(sim.engine().cancel(id));
    return id;
}

/// in_progress > cancelled, of the task and its running step.
task_id cancel_running(simulation& sim)
{
    task_id const id = sim.submit(pair_of("running", scripted_step{}.takes(10s)));
    sim.advance(1s);
    sim.await(sim.engine().cancel(id));
    sim.settle();
    return id;
}

/// pending > cancelled, while it waits in memory.
task_id cancel_waiting(simulation& sim)
{
    task_id const id = sim.submit(pair_of("waiting", scripted_step{}.fails(1)));
    sim.settle();
    sim.await(sim.engine().cancel(id));
    return id;
}

/// pending > error: its only way on is cut off while it waits. A step: pending > cancelled.
task_id block_waiting(simulation& sim)
{
    task_id const id = sim.submit(pair_of("blocked", scripted_step{}.fails(1)));
    sim.settle();
    sim.await(sim.engine().cancel_step(id, "second"));
    sim.await(sim.engine().cancel_step(id, "first"));
    sim.settle();
    return id;
}

/// Steps: error > resolved_manually and pending > resolved_manually.
task_id resolve_steps(simulation& sim)
{
    task_id const id = sim.submit(pair_of("resolved", scripted_step{}.fails(1)));
    sim.settle();
    sim.await(sim.engine().resolve_step(id, "second", 2));
    sim.await(sim.engine().resolve_step(id, "first", 1));
    sim.finish(id);
    return id;
}

/// pending > error of a step: it fails without an attempt (C04). An engine of ours never does that, for an attempt that
/// cannot even read its arguments has begun; another worker may, and ours goes on from there.
task_id fail_unstarted(simulation& sim, support::store_opener const& open)
{
    workflow const flow = pair_of("unstarted", scripted_step{});
    task_id const id = sim.submit(flow, {.delay = 1h});
    any_store store = open();
    worker_id const other{1, 1};
    workflow_id const number = sim.engine().id_of(flow.key());
    store.heartbeat({other, sim.now(), 1min});
    auto const claimed = store.claim({other, sim.now(), 1, {&number, 1}, id});
    REQUIRE(claimed.size() == 1);
    task_record const& task = claimed[0].snapshot.task;
    step_record failed;
    failed.state = step_state::error;
    failed.finished_at = failed.next_retry_at = sim.now();
    failed.last_failure = failure{failure_kind::transient, "nobody could start it", "test"};
    commit_batch batch;
    batch.worker = other;
    batch.steps.push_back({id, task.epoch, 0, failed});
    batch.transitions.push_back({id, 0, "pending", "error", sim.now(), 0, "nobody could start it", 0});
    batch.transition_epochs.push_back(task.epoch);
    batch.tasks.push_back({id, task.epoch, task.state, "", {}, {}, sim.now() + 1h, 0, true});
    REQUIRE(store.commit(batch).lease_lost.empty());
    sim.finish(id);
    CHECK(sim.report(id).state == task_state::complete);
    CHECK(sim.report(id).step("first").attempts() == 1);
    return id;
}

/// A step has no row before something happens to it, and its trail no line: whoever reads one takes it as pending.
arrows const never_written{" > pending"};

} // namespace

TEST_CASE("every arrow of the state tables is walked, and no other [B02][B04][B06][B07][B08][C02][C04][C05][C06][C07]",
          "[B02][B04][B06][B07][B08][C02][C04][C05][C06][C07]")
{
    on_each_store([](support::store_opener const& open) {
        simulation sim{{.store = open}};
        walked found;
        for (auto const walk : {succeed_late, fail_and_resolve, fail_and_cancel, cancel_running, cancel_waiting, block_waiting, resolve_steps})
            found.add(sim, walk(sim));
        found.add(sim, fail_unstarted(sim, open));
        CHECK(found.tasks == arrows_of_table<task_state>());
        arrows steps = found.steps;
        for (std::string const& one : never_written)
            CHECK(steps.insert(one).second); // written by now: then it is no exception any more
        CHECK(steps == arrows_of_table<step_state>());
    });
}

TEST_CASE("every walk of a task or step begins with its birth in pending, and each line of the trail goes on where the last one ended [C16]",
          "[C16]")
{
    on_each_store([](simulation& sim) {
        for (auto const walk : {succeed_late, fail_and_resolve, fail_and_cancel, cancel_running, cancel_waiting, block_waiting, resolve_steps}) {
            std::string task;
            std::string steps[2] = {"pending", "pending"};
            for (transition_record const& row : sim.await(sim.engine().history(walk(sim)))) {
                std::string& state = row.step ? steps[*row.step] : task;
                CHECK(row.from == state);
                state = row.to;
            }
        }
    });
}
