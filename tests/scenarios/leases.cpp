#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>

#include "support/catch.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"
#include "support/leased.hpp"
#include "support/refusal.hpp"

#include <boost/system/system_error.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::leased;
using support::refused;
using support::single;
using testing::scripted_step;

// A worker whose heartbeats are lost goes on as if nothing had happened, while another one takes its tasks.

namespace {

/// An engine that cannot be heard, beside the data that others see.
struct deaf_owner {
    explicit deaf_owner(support::fleet& fleet, memory_store const& data)
        : watch{std::make_shared<support::store_watch>()}, runs{fleet.launch(support::failing_store{data, watch}, leased())}
    {
        watch->loses_heartbeats = true;
    }

    std::shared_ptr<support::store_watch> watch;
    engine& runs;
};

/// A body that takes 10 s to stop when it is asked to.
async<int> reluctant(step_context& context)
{
    bool asked = false;
    try {
        co_await context.sleep_for(1h);
    } catch (boost::system::system_error const&) {
        asked = true;
    }
    if (asked)
        co_await context.sleep_for(10s);
    co_return 666;
}

async<int> not_here(step_context&)
{
    throw retry_after{2min, "not here"};
    co_return 0;
}

/// Another engine takes the task when its lease is over, parks it for two minutes, and is no more.
void park_elsewhere(support::fleet& fleet, memory_store const& data, workflow const& flow, task_id id)
{
    engine& between = fleet.launch(data, leased());
    between.add(flow);
    fleet.advance(15s);
    auto const stored = fleet.await(between.load(id));
    REQUIRE_FALSE(stored->task.worker);
    REQUIRE(stored->task.wake_at > fleet.now() + 1min);
    fleet.kill(between);
}

} // namespace

TEST_CASE("a cancel whose commit finds the lease lost is answered so, and the task goes on where it is now")
{
    support::fleet fleet;
    memory_store const data;
    deaf_owner const former{fleet, data};
    former.runs.add(single(scripted_step{}.takes(1h)));
    task_handle const task = fleet.await(former.runs.submit("test/single"));
    engine& next = fleet.launch(data, leased());
    next.add(single(scripted_step{}.takes(1h)));
    fleet.advance(9s);
    REQUIRE(fleet.await(next.load(task.id()))->task.epoch == 2);

    SECTION("of the task")
    {
        CHECK(refused([&] { fleet.await(former.runs.cancel(task.id())); }).code == errc::lease_lost);
    }
    SECTION("of its running step")
    {
        CHECK(refused([&] { fleet.await(former.runs.cancel_step(task.id(), "only")); }).code == errc::lease_lost);
    }
    CHECK(fleet.await(next.load(task.id()))->task.state == task_state::in_progress);
    fleet.advance(1h);
    CHECK(fleet.await(next.load(task.id()))->task.state == task_state::complete);
}

TEST_CASE("who waits for a body to heed its cancel is told when the lease is lost meanwhile")
{
    support::fleet fleet;
    memory_store const data;
    deaf_owner const former{fleet, data};
    auto const flow = [] {
        workflow_builder both{"test", "both"};
        both.step("slow to stop", reluctant);
        both.step("other", scripted_step{}.takes(12s));
        return std::move(both).build();
    };
    former.runs.add(flow());
    task_id const id = fleet.await(former.runs.submit("test/both")).id();
    engine& next = fleet.launch(data, leased());
    next.add(flow());
    fleet.advance(8s);
    auto const cancelled = fleet.start(former.runs.cancel_step(id, "slow to stop"));
    fleet.advance(4s - 1us); // the other engine has had the task for 3 s
    CHECK_FALSE(cancelled.ended());
    fleet.advance(1us); // the other step's outcome is the first commit since
    REQUIRE(cancelled.ended());
    CHECK(refused([&] { cancelled.get(); }).code == errc::lease_lost);
}

TEST_CASE("a worker that lost a task and claimed it again runs it anew, and what its first run still returns counts for nothing")
{
    support::fleet fleet;
    memory_store const data;
    deaf_owner const former{fleet, data};
    former.runs.add(single([runs = std::make_shared<int>(0)](step_context& context) -> async<int> {
        if (++*runs == 1)
            co_return co_await reluctant(context);
        co_await context.sleep_for(30s);
        co_return *runs;
    }));
    std::vector<std::string> log;
    auto const lost = former.runs.subscribe([&](task_lease_lost const&) { log.emplace_back("lost"); }, {.delivery = delivery::in_place});
    auto const told = former.runs.subscribe([&](step_completed const& e) { log.emplace_back(e.result.text()); },
                                            {.delivery = delivery::in_place});
    task_handle const task = fleet.await(former.runs.submit("test/single"));
    park_elsewhere(fleet, data, single(not_here), task.id());
    former.watch->loses_heartbeats = false;

    fleet.advance(3min); // it was due after two; the first run has been asked to stop and has returned by now
    CHECK(log == std::vector<std::string>{"lost", "2"});
    task_outcome const ended = fleet.await(task.outcome());
    CHECK(ended.succeeded());
    CHECK(ended.result.text() == "2");
    CHECK(fleet.await(former.runs.load(task.id()))->steps.at(0).second.attempts == 2);
    fleet.advance(2h);
    CHECK(log.size() == 2);
}

TEST_CASE("what a first run had not yet written when its task was lost does not harm the run that follows here")
{
    support::fleet fleet;
    memory_store const data;
    deaf_owner const former{fleet, data};
    std::size_t losses = 0;
    auto const lost = former.runs.subscribe([&](task_lease_lost const&) { ++losses; }, {.delivery = delivery::in_place});
    former.runs.add(single([runs = std::make_shared<int>(0)](step_context& context) -> async<int> {
        int const run = ++*runs;
        co_await context.sleep_for(run == 1 ? 5s : 1min);
        co_return run;
    }));
    task_handle const task = fleet.await(former.runs.submit("test/single"));
    fleet.advance(1s);
    former.watch->refuses_commits = true; // the first run's result is tried again and again
    park_elsewhere(fleet, data, single(not_here), task.id());
    former.watch->loses_heartbeats = false;
    fleet.advance(2min + 10s);
    REQUIRE(fleet.await(former.runs.load(task.id()))->task.worker); // claimed again
    CHECK(losses == 1);
    former.watch->refuses_commits = false;
    fleet.advance(10s);
    CHECK(losses == 1); // the old result was refused, and that is not this run's loss
    fleet.advance(1min);
    task_outcome const ended = fleet.await(task.outcome());
    CHECK(ended.succeeded());
    CHECK(ended.result.text() == "2");
}

TEST_CASE("a task of a dead worker records that a step starts before its body does anything")
{
    support::fleet fleet;
    memory_store const data;
    struct sight {
        bool recorded = false;
        bool in_time = false;
    };
    std::vector<sight> sights;
    auto const look = [&sights, data](step_context& context) -> async<> {
        memory_store store = data;
        auto const stored = store.load(context.task());
        bool const known = stored && !stored->steps.empty();
        step_record const row = known ? stored->steps.at(0).second : step_record{};
        sights.push_back({row.state == step_state::in_progress, row.started_at == context.now()});
        co_await context.sleep_for(1h);
    };
    engine* holder = &fleet.launch(data, leased());
    holder->add(single(look));
    fleet.await(holder->submit("test/single"));
    fleet.advance(1s);
    for (int death = 0; death < 2; ++death) {
        fleet.kill(*holder);
        holder = &fleet.launch(data, leased());
        holder->add(single(look));
        fleet.advance(20s);
    }
    REQUIRE(sights.size() == 3);
    CHECK_FALSE(sights[0].recorded); // a fresh task need not wait for that
    for (std::size_t run = 1; run < sights.size(); ++run) {
        CHECK(sights[run].recorded);
        CHECK(sights[run].in_time);
    }
}

TEST_CASE("a step that is cancelled before its recorded start is durable does not run at all")
{
    support::fleet fleet;
    memory_store const data;
    engine& victim = fleet.launch(data, leased());
    victim.add(single(scripted_step{}.takes(1h)));
    task_id const id = fleet.await(victim.submit("test/single")).id();
    fleet.advance(1s);
    fleet.kill(victim);
    auto const watch = std::make_shared<support::store_watch>();
    engine& heir = fleet.launch(support::failing_store{data, watch}, leased());
    scripted_step const body = scripted_step{}.takes(1h);
    heir.add(single(body));
    auto const hold = heir.subscribe([&](step_failed const&) { watch->refuses_commits = true; }, {.delivery = delivery::in_place});
    fleet.advance(20s); // taken over: the cut-off attempt is recorded, and the start of the next is not
    REQUIRE(watch->refused > 0);
    auto const cancelled = fleet.start(heir.cancel(id));
    fleet.settle();
    CHECK_FALSE(cancelled.ended());
    watch->refuses_commits = false;
    fleet.advance(10s);
    REQUIRE(cancelled.ended());
    cancelled.get();
    CHECK(body.calls() == 0);
    auto const stored = fleet.await(heir.load(id));
    CHECK(stored->task.state == task_state::cancelled);
    CHECK(stored->steps.at(0).second.state == step_state::cancelled);
    CHECK_FALSE(stored->task.worker);
}

TEST_CASE("a heartbeat that failed is tried again after a tenth of the lease")
{
    support::fleet fleet;
    memory_store const data;
    auto const watch = std::make_shared<support::store_watch>();
    engine& owner = fleet.launch(support::failing_store{data, watch}, leased());
    workflow const flow = single([](step_context& context) -> async<int> {
        co_await context.sleep_for(1h);
        co_return 1;
    });
    owner.add(flow);
    fleet.await(owner.submit("test/single"));
    engine& other = fleet.launch(data, leased());
    other.add(flow);
    int taken = 0;
    auto const claims = other.subscribe([&](task_claimed const&) { ++taken; }, {.delivery = delivery::in_place});

    watch->refuses_heartbeats = true;
    fleet.advance(3500ms); // the heartbeat at 3 s fails
    watch->refuses_heartbeats = false;
    fleet.advance(1s); // that at 3.9 s does not
    watch->refuses_heartbeats = true;
    fleet.advance(8s); // it is 12.5 s
    CHECK(taken == 0);
    fleet.advance(1s);
    CHECK(taken == 1);
}
