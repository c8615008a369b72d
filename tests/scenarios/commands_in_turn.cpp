#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"
#include "support/refusal.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::refused;
using testing::scripted_step;
using support::simulation;

namespace {

engine_options beating_every_3s()
{
    engine_options options = testing::patient_options();
    options.lease = 9s;
    return options;
}

/// first, which takes its time, and two steps after it.
workflow forked()
{
    workflow_builder flow{"test", "fork"};
    auto const first = flow.step("first", scripted_step{}.takes(1h));
    flow.step("left", after(first), [](int) { return 0; });
    flow.step("right", after(first), [](int) { return 0; });
    return std::move(flow).build();
}

workflow single(async<int> (*body)(step_context&))
{
    workflow_builder flow{"test", "single"};
    flow.step("only", body, {.retry = {.jitter = jitter::none}});
    return std::move(flow).build();
}

/// Takes 5 s to stop when it is asked to.
async<int> tidies_up(step_context& context)
{
    try {
        co_await context.sleep_for(1h);
        co_return 1;
    } catch (boost::system::system_error const&) {
        context.publish("body.tidying-up");
    }
    co_await context.sleep_for(5s);
    throw transient_error{"stopped half-way"};
}

/// Finishes what it has begun, whatever it is asked.
async<int> finishes(step_context& context)
{
    try {
        co_await context.sleep_for(1h);
    } catch (boost::system::system_error const&) {
        context.publish("body.carrying-on");
    }
    co_await context.sleep_for(5s);
    co_return 7;
}

/// Waits for short times without end.
async<int> loops(step_context& context)
{
    for (;;)
        co_await context.sleep_for(1s);
}

} // namespace

// ---- one after the other

TEST_CASE("a second command for another live engine's task is refused while the first is pending, and both take effect in turn")
{
    on_each_store([](support::store_opener const& open) {
        support::fleet fleet;
        engine& owner = fleet.launch(open(), beating_every_3s());
        engine& other = fleet.launch(open(), beating_every_3s());
        for (engine* const one : {&owner, &other})
            one->add(forked());
        task_id const id = fleet.await(owner.submit("test/fork")).id();
        fleet.advance(1s);
        auto const state = [&](std::string_view step) {
            for (step_readiness const& row : fleet.await(owner.readiness(id)))
                if (row.name == step)
                    return row.state;
            throw std::logic_error{"no such step"};
        };
        fleet.await(other.resolve_step(id, "left", 1));
        auto const no = refused([&] { fleet.await(other.resolve_step(id, "right", 2)); });
        CHECK(no.code == errc::command_pending);
        CHECK_THAT(no.what, support::contains("an earlier command"));
        fleet.advance(2s); // the owner's heartbeat
        CHECK(state("left") == step_state::resolved_manually);
        CHECK(state("right") == step_state::pending);
        fleet.await(other.resolve_step(id, "right", 2));
        fleet.advance(3s);
        CHECK(state("right") == step_state::resolved_manually);
        fleet.await(other.cancel(id));
        fleet.advance(3s);
        CHECK(fleet.await(other.load(id))->task.state == task_state::cancelled);
    });
}

TEST_CASE("a request that several heartbeats report is carried out once")
{
    support::fleet fleet;
    memory_store const data;
    auto const watch = std::make_shared<support::store_watch>();
    engine& owner = fleet.launch(support::failing_store{data, watch}, beating_every_3s());
    engine& other = fleet.launch(data, beating_every_3s());
    for (engine* const one : {&owner, &other})
        one->add(forked());
    std::size_t resolved = 0;
    std::size_t refusals = 0;
    auto const hears = owner.subscribe([&](step_resolved_manually const&) { ++resolved; }, {.delivery = delivery::in_place});
    auto const objects = owner.subscribe([&](command_refused const&) { ++refusals; }, {.delivery = delivery::in_place});
    task_id const id = fleet.await(owner.submit("test/fork")).id();
    fleet.advance(1s);
    fleet.await(other.resolve_step(id, "left", 1));
    watch->refuses_commits = true;
    fleet.advance(9s); // heartbeats at 3, 6 and 9 s find the request, for its effect cannot be written
    CHECK(resolved == 0);
    REQUIRE(fleet.await(other.load(id))->task.request);
    watch->refuses_commits = false;
    fleet.advance(20s);
    CHECK(resolved == 1);
    CHECK(refusals == 0);
    CHECK_FALSE(fleet.await(other.load(id))->task.request);
}

TEST_CASE("two commands at once for a task in memory are carried out in their order, each with its own answer")
{
    support::fleet fleet;
    engine& only = fleet.launch(memory_store{});
    only.add(forked());
    task_id const id = fleet.await(only.submit("test/fork")).id();
    auto const first = fleet.start(only.resolve_step(id, "left", 1));
    auto const second = fleet.start(only.cancel_step(id, "left"));
    auto const third = fleet.start(only.cancel_step(id, "right"));
    fleet.settle();
    REQUIRE((first.ended() && second.ended() && third.ended()));
    first.get();
    CHECK(refused([&] { second.get(); }).code == errc::illegal_transition);
    third.get();
}

// ---- a step that runs

TEST_CASE("cancelling a running step is answered when its body has ended and that is durable")
{
    support::fleet fleet;
    memory_store const data;
    auto const watch = std::make_shared<support::store_watch>();
    engine& only = fleet.launch(support::failing_store{data, watch});
    only.add(single(tidies_up));
    task_id const id = fleet.await(only.submit("test/single")).id();
    fleet.advance(1s);
    auto const cancelled = fleet.start(only.cancel_step(id, "only"));
    fleet.advance(5s - 1us);
    CHECK_FALSE(cancelled.ended());
    watch->refuses_commits = true;
    fleet.advance(1us); // the body has ended
    CHECK_FALSE(cancelled.ended());
    watch->refuses_commits = false;
    fleet.advance(100ms);
    REQUIRE(cancelled.ended());
    cancelled.get();
    auto const stored = fleet.await(only.load(id));
    CHECK(stored->steps.at(0).second.state == step_state::cancelled);
    CHECK(stored->task.state == task_state::error);
}

TEST_CASE("cancelling a running step whose body completes all the same is refused, by the owner of the task or from afar")
{
    support::fleet fleet;
    memory_store const data;
    engine& owner = fleet.launch(data, beating_every_3s());
    engine& other = fleet.launch(data, beating_every_3s());
    for (engine* const one : {&owner, &other})
        one->add(single(finishes));
    task_handle const here = fleet.await(owner.submit("test/single"));
    task_handle const there = fleet.await(owner.submit("test/single"));
    fleet.advance(1s);
    auto const cancelled = fleet.start(owner.cancel_step(here.id(), "only"));
    fleet.await(other.cancel_step(there.id(), "only"));
    fleet.advance(10s);
    REQUIRE(cancelled.ended());
    auto const no = refused([&] { cancelled.get(); });
    CHECK(no.code == errc::illegal_transition);
    CHECK_THAT(no.what, support::contains("step \"only\" ended as complete before it could be cancelled"));
    CHECK(fleet.await(here.result<int>()) == 7);
    CHECK(fleet.await(there.result<int>()) == 7);
    CHECK_FALSE(fleet.await(other.load(there.id()))->task.request);
}

TEST_CASE("two cancels of one running step are both answered when it has ended")
{
    support::fleet fleet;
    engine& only = fleet.launch(memory_store{});
    only.add(single(tidies_up));
    task_id const id = fleet.await(only.submit("test/single")).id();
    auto const first = fleet.start(only.cancel_step(id, "only"));
    fleet.advance(2s);
    auto const second = fleet.start(only.cancel_step(id, "only"));
    fleet.advance(3s);
    REQUIRE((first.ended() && second.ended()));
    first.get();
    second.get();
}

TEST_CASE("a body that is asked to stop at the very moment its wait ends is stopped at its next wait")
{
    SECTION("by a cancel that comes with a heartbeat")
    {
        support::fleet fleet;
        memory_store const data;
        engine& owner = fleet.launch(data, beating_every_3s());
        engine& other = fleet.launch(data, beating_every_3s());
        for (engine* const one : {&owner, &other})
            one->add(single(loops));
        task_handle const task = fleet.await(owner.submit("test/single"));
        fleet.await(other.cancel(task.id()));
        fleet.advance(3s); // both the heartbeat and the body's third wait are due
        auto const stored = fleet.await(other.load(task.id()));
        CHECK(stored->task.state == task_state::cancelled);
        CHECK_FALSE(stored->task.worker); // its body has ended
    }
    SECTION("by its time limit")
    {
        simulation sim;
        workflow_builder flow{"test", "limited"};
        bool ended = false;
        flow.step("only", [&ended](step_context& context) -> async<int> {
            struct farewell {
                bool& at;
                ~farewell() { at = true; }
            } const says{ended};
            co_return co_await loops(context);
        }, {.retry = {.max_attempts = 1}, .timeout = 5s});
        task_id const id = sim.submit(std::move(flow).build());
        sim.advance(5s);
        CHECK(sim.report(id).state == task_state::error);
        CHECK(ended);
    }
}

// ---- texts in commands and look-ups

TEST_CASE("long texts in commands and filters live as long as they are needed")
{
    simulation sim;
    std::string const text(100, 't');
    workflow_builder flow{std::string(100, 's'), std::string(100, 'n')};
    auto const first = flow.step("first", scripted_step{}.always_fails(), {.retry = {.max_attempts = 1}});
    static_cast<void>(first);
    auto const told = flow.step("told", []() -> std::string { throw permanent_error{"nobody knows"}; });
    flow.step("last", after(told), [](std::string const& heard) { return heard; });
    workflow const built = std::move(flow).build();
    task_id const id = sim.submit(built);
    auto const use = [&](engine& here) -> boost::asio::awaitable<std::vector<task_record>> {
        co_await here.cancel_step(id, "first", "a reason that is longer than any small string");
        co_await here.resolve_step(id, "told", "a literal that is longer than any small string", text);
        co_return co_await here.find({.name_space = built.key().name_space, .name = built.key().name, .state = task_state::error});
    };
    auto const found = sim.await(use(sim.engine()));
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == id);
    CHECK(sim.report(id).step("last").result<std::string>() == "a literal that is longer than any small string");
    auto late = [&] { // the filter's texts are gone before the look-up begins
        std::string const name(100, 'n');
        return sim.engine().find({.name = name});
    }();
    CHECK(sim.await(std::move(late)).size() == 1);
}

TEST_CASE("the wait for a result needs no handle to stay alive")
{
    support::fleet fleet;
    engine& only = fleet.launch(memory_store{});
    only.add(single([](step_context& context) -> async<int> {
        co_await context.sleep_for(3s);
        co_return 5;
    }));
    task_id const id = fleet.await(only.submit("test/single")).id();
    auto const result = fleet.start(only.task(id).result<int>());
    fleet.advance(3s);
    REQUIRE(result.ended());
    CHECK(result.get() == 5);
}
