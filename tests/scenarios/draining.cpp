#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/fleet.hpp"
#include "support/refusal.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::refused;
using testing::scripted_step;

namespace {

workflow pair_of(scripted_step const& first, scripted_step const& second = {})
{
    workflow_builder flow{"test", "pair"};
    auto const given = flow.step("first", first, {.retry = {.jitter = jitter::none}});
    flow.step("second", after(ordering(given)), second);
    return std::move(flow).build();
}

} // namespace

TEST_CASE("draining lets running bodies finish, starts nothing, and gives the tasks back")
{
    on_each_store([](support::store_opener const& open) {
        support::fleet fleet;
        engine& leaving = fleet.launch(open());
        scripted_step const first = scripted_step{}.takes(10s);
        scripted_step const second;
        leaving.add(pair_of(first, second));
        auto const running = fleet.start(leaving.run());
        task_id const id = fleet.await(leaving.submit("test/pair")).id();
        fleet.advance(2s);
        auto const drained = fleet.start(leaving.drain());
        fleet.advance(8s - 1us);
        CHECK_FALSE(drained.ended());
        CHECK_FALSE(running.ended());
        fleet.advance(1us);
        CHECK(drained.ended());
        CHECK(running.ended());
        auto const stored = fleet.await(leaving.load(id));
        CHECK(stored->steps.at(0).second.state == step_state::complete);
        CHECK_FALSE(is_finished(stored->task.state));
        CHECK_FALSE(stored->task.worker);
        CHECK(second.calls() == 0);

        engine& next = fleet.launch(open());
        next.add(pair_of(first, second));
        fleet.settle();
        CHECK(fleet.await(next.load(id))->task.state == task_state::complete);
        CHECK(fleet.await(next.load(id))->task.recoveries == 0);
        CHECK(first.calls() == 1);
        CHECK(second.calls() == 1);
    });
}

TEST_CASE("an idle engine drains at once, and draining again changes nothing")
{
    support::fleet fleet;
    engine& idle = fleet.launch(memory_store{});
    fleet.await(idle.drain());
    fleet.await(idle.drain());
    fleet.await(idle.run());
    SUCCEED("all three ended without time passing");
}

TEST_CASE("a draining engine takes no new tasks")
{
    support::fleet fleet;
    engine& leaving = fleet.launch(memory_store{});
    leaving.add(pair_of(scripted_step{}.takes(10s)));
    fleet.await(leaving.submit("test/pair"));
    auto const drained = fleet.start(leaving.drain());
    fleet.settle();
    auto const no = refused([&] { fleet.await(leaving.submit("test/pair")); });
    CHECK(no.code == errc::engine_stopped);
    CHECK_THAT(no.what, support::contains("draining"));
    fleet.advance(10s);
    CHECK(drained.ended());
    CHECK(refused([&] { fleet.await(leaving.submit("test/pair")); }).code == errc::engine_stopped);
    CHECK(fleet.await(leaving.find({})).size() == 1);
}

TEST_CASE("a task in back-off is given back with its due time, and no attempt is lost")
{
    on_each_store([](support::store_opener const& open) {
        support::fleet fleet;
        engine& leaving = fleet.launch(open());
        workflow const flow = pair_of(scripted_step{}.fails(2));
        leaving.add(flow);
        task_id const id = fleet.await(leaving.submit("test/pair")).id();
        time_point const failed_at = fleet.now();
        fleet.advance(500ms);
        fleet.await(leaving.drain());
        engine& next = fleet.launch(open());
        next.add(flow);
        fleet.advance(500ms - 1us);
        CHECK(fleet.await(next.load(id))->steps.at(0).second.attempts == 1);
        fleet.advance(1us);
        CHECK(fleet.await(next.load(id))->steps.at(0).second.attempts == 2);
        fleet.advance(2s);
        auto const stored = fleet.await(next.load(id));
        CHECK(stored->task.state == task_state::complete);
        CHECK(stored->task.finished_at == failed_at + 3s);
    });
}

TEST_CASE("whoever awaits an unfinished task of a drained engine is told that it stopped")
{
    support::fleet fleet;
    engine& leaving = fleet.launch(memory_store{});
    leaving.add(pair_of(scripted_step{}.takes(10s)));
    task_handle const task = fleet.await(leaving.submit("test/pair"));
    auto const awaited = fleet.start(task.outcome());
    auto const drained = fleet.start(leaving.drain());
    fleet.advance(10s);
    REQUIRE(drained.ended());
    REQUIRE(awaited.ended());
    CHECK(refused([&] { static_cast<void>(awaited.get()); }).code == errc::engine_stopped);
}

TEST_CASE("whoever asks a drained engine for an outcome gets it when it is there, and is told at once when it is not")
{
    support::fleet fleet;
    memory_store const data;
    engine& leaving = fleet.launch(data);
    leaving.add(pair_of(scripted_step{}.takes(10s)));
    task_handle const ended = fleet.await(leaving.submit("test/pair"));
    fleet.advance(10s);
    task_handle const unfinished = fleet.await(leaving.submit("test/pair"));
    engine& staying = fleet.launch(data);
    staying.add(pair_of(scripted_step{}.takes(1h)));
    task_handle const elsewhere = fleet.await(staying.submit("test/pair"));
    auto const drained = fleet.start(leaving.drain());
    fleet.advance(10s);
    REQUIRE(drained.ended());
    CHECK(fleet.await(ended.outcome()).succeeded());
    CHECK(refused([&] { fleet.await(unfinished.outcome()); }).code == errc::engine_stopped);
    CHECK(refused([&] { fleet.await(leaving.task(elsewhere.id()).outcome()); }).code == errc::engine_stopped);
}

TEST_CASE("whoever awaits anything of a destroyed engine is told that it is gone")
{
    support::fleet fleet;
    engine& victim = fleet.launch(memory_store{});
    victim.add(pair_of(scripted_step{}.takes(10s)));
    task_handle const task = fleet.await(victim.submit("test/pair"));
    auto const outcome = fleet.start(task.outcome());
    auto const result = fleet.start(task.result<int>());
    auto const running = fleet.start(victim.run());
    auto const draining = fleet.start(victim.drain());
    fleet.advance(1s);
    fleet.kill(victim);
    fleet.settle();
    REQUIRE(outcome.ended());
    CHECK(refused([&] { static_cast<void>(outcome.get()); }).code == errc::engine_stopped);
    CHECK(refused([&] { static_cast<void>(result.get()); }).code == errc::engine_stopped);
    CHECK(refused([&] { running.get(); }).code == errc::engine_stopped);
    CHECK(refused([&] { draining.get(); }).code == errc::engine_stopped);
    CHECK(refused([&] { fleet.await(task.outcome()); }).code == errc::engine_stopped);
    CHECK(refused([&] { fleet.await(task.cancel()); }).code == errc::engine_stopped);
}

TEST_CASE("two engines on one store share the tasks and never run a step twice [F25]", "[F25]")
{
    on_each_store([](support::store_opener const& open) {
        support::fleet fleet;
        engine_options options = testing::patient_options();
        options.max_resident_tasks = 3;
        options.safety_poll = 1s;
        std::vector<engine*> const both{&fleet.launch(open(), options), &fleet.launch(open(), options)};
        scripted_step const first = scripted_step{}.takes(1s);
        for (engine* const one : both)
            one->add(pair_of(first));
        std::vector<task_handle> tasks;
        for (int count = 0; count < 12; ++count)
            tasks.push_back(fleet.await(both.front()->submit("test/pair")));
        std::size_t claimed = 0;
        auto const listening = both.back()->subscribe([&](task_claimed const&) { ++claimed; }, {.delivery = delivery::in_place});
        fleet.advance(10s);
        for (task_handle const& task : tasks)
            CHECK(fleet.await(both.back()->load(task.id()))->task.state == task_state::complete);
        CHECK(first.calls() == 12);
        CHECK(claimed > 0);
    });
}

TEST_CASE("two engines on two stores know nothing of each other")
{
    support::fleet fleet;
    engine& here = fleet.launch(memory_store{});
    engine& there = fleet.launch(memory_store{});
    here.add(pair_of(scripted_step{}));
    there.add(pair_of(scripted_step{}));
    task_handle const mine = fleet.await(here.submit("test/pair", {.key = "same"}));
    task_handle const theirs = fleet.await(there.submit("test/pair", {.key = "same"}));
    fleet.settle();
    CHECK(fleet.await(here.load(mine.id()))->task.state == task_state::complete);
    CHECK_FALSE(fleet.await(there.load(mine.id())));
    CHECK_FALSE(fleet.await(here.load(theirs.id())));
    CHECK(refused([&] { fleet.await(there.task(mine.id()).outcome()); }).code == errc::unknown_task);
}

TEST_CASE("an engine sees the end of a task that another one ran")
{
    support::fleet fleet;
    memory_store const data;
    engine& worker = fleet.launch(data);
    engine& onlooker = fleet.launch(data);
    for (engine* const one : {&worker, &onlooker})
        one->add(pair_of(scripted_step{}.takes(3s)));
    task_id const id = fleet.await(worker.submit("test/pair")).id();
    auto const seen = fleet.start(onlooker.task(id).outcome());
    fleet.advance(3s - 1us);
    CHECK_FALSE(seen.ended());
    fleet.advance(5s); // it asks the store, at most every 5 s
    REQUIRE(seen.ended());
    CHECK(seen.get().state == task_state::complete);
}

TEST_CASE("giving up the wait for a result leaves the task alone")
{
    using namespace boost::asio::experimental::awaitable_operators;
    support::fleet fleet;
    engine& only = fleet.launch(memory_store{});
    workflow_builder flow{"test", "timed"};
    auto const length = flow.input<int>();
    flow.step("only", after(length), [](step_context& context, int seconds) -> async<int> {
        co_await context.sleep_for(duration{1s} * seconds);
        co_return seconds;
    });
    only.add(std::move(flow).build());
    task_handle const slow = fleet.await(only.submit("test/timed", 60));
    task_handle const quick = fleet.await(only.submit("test/timed", 2));
    auto const race = [&]() -> boost::asio::awaitable<std::size_t> {
        auto const first = co_await (slow.result<int>() || quick.result<int>());
        co_return first.index();
    };
    auto const raced = fleet.start(race());
    fleet.advance(2s);
    REQUIRE(raced.ended());
    CHECK(raced.get() == 1);
    CHECK(fleet.await(only.load(slow.id()))->task.state == task_state::in_progress);
    fleet.advance(58s);
    CHECK(fleet.await(slow.result<int>()) == 60);
}
