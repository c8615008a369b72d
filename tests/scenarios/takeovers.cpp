#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>

#include "support/catch.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"

#include <boost/system/system_error.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using testing::scripted_step;

// What a worker does that stood still past its lease, or never heard what it had claimed.

namespace {

engine_options leased()
{
    engine_options options = testing::patient_options();
    options.lease = 9s;
    options.safety_poll = 1min;
    return options;
}

template <class Body>
workflow single(Body body)
{
    workflow_builder flow{"test", "single"};
    flow.step("only", std::move(body));
    return std::move(flow).build();
}

} // namespace

TEST_CASE("a worker that was away past its lease learns with its next heartbeat what it lost, stops those bodies and says so")
{
    support::fleet fleet;
    memory_store const data;
    auto const watch = std::make_shared<support::store_watch>();
    engine& former = fleet.launch(support::failing_store{data, watch}, leased());
    std::vector<std::string> heard;
    former.add(single([&heard](step_context& context) -> async<int> {
        try {
            co_await context.sleep_for(1h);
        } catch (boost::system::system_error const&) {
            heard.push_back(context.cancelled() ? "body stopped" : "body woken");
        }
        co_return 666;
    }));
    auto const lost = former.subscribe([&heard](task_lease_lost const&) { heard.push_back("lease lost"); }, {.delivery = delivery::in_place});
    task_handle const task = fleet.await(former.submit("test/single"));

    watch->loses_heartbeats = true;
    engine& next = fleet.launch(data, leased());
    next.add(single(scripted_step{}.takes(1min)));
    fleet.advance(9s);
    REQUIRE(fleet.await(next.load(task.id()))->task.epoch == 2);
    auto const committed = watch->committed.size();
    auto const history = fleet.await(next.history(task.id()));
    CHECK(heard.empty());
    watch->loses_heartbeats = false;
    fleet.advance(3s);
    CHECK(heard == std::vector<std::string>{"lease lost", "body stopped"});
    CHECK(fleet.await(next.history(task.id())) == history);
    fleet.advance(1min);
    CHECK(watch->committed.size() == committed);
    CHECK(fleet.await(next.load(task.id()))->task.state == task_state::complete);
    CHECK(fleet.await(next.history(task.id())).size() == history.size() + 2); // its step is complete, and so is the task
}

TEST_CASE("a worker keeps the tasks that nobody took, however long it was away")
{
    support::fleet fleet;
    memory_store const data;
    auto const watch = std::make_shared<support::store_watch>();
    engine& only = fleet.launch(support::failing_store{data, watch}, leased());
    only.add(single(scripted_step{}.takes(1h)));
    bool lost = false;
    auto const hears = only.subscribe([&lost](task_lease_lost const&) { lost = true; }, {.delivery = delivery::in_place});
    task_handle const task = fleet.await(only.submit("test/single"));
    watch->loses_heartbeats = true;
    fleet.advance(20s);
    watch->loses_heartbeats = false;
    fleet.advance(1h);
    CHECK_FALSE(lost);
    CHECK(fleet.await(only.load(task.id()))->task.state == task_state::complete);
    CHECK(fleet.await(only.load(task.id()))->task.epoch == 1);
}

TEST_CASE("a worker that does not know whether it still has its lease starts no step")
{
    support::fleet fleet;
    memory_store const data;
    auto const watch = std::make_shared<support::store_watch>();
    engine& cut_off = fleet.launch(support::failing_store{data, watch}, leased());
    bool started = false;
    workflow_builder flow{"test", "two"};
    auto const first = flow.step("first", scripted_step{}.takes(10s));
    flow.step("second", after(ordering(first)), [&started] { started = true; });
    cut_off.add(std::move(flow).build());
    watch->refuses_heartbeats = true;
    task_handle const task = fleet.await(cut_off.submit("test/two"));
    fleet.advance(20s);
    CHECK(fleet.await(cut_off.load(task.id()))->steps.size() == 1);
    CHECK_FALSE(started);
    watch->refuses_heartbeats = false;
    fleet.advance(3s);
    CHECK(started);
    CHECK(fleet.await(cut_off.load(task.id()))->task.state == task_state::complete);
}

TEST_CASE("tasks whose claim was not answered are claimed again, and run once")
{
    support::fleet fleet;
    memory_store const data;
    auto const watch = std::make_shared<support::store_watch>();
    int runs = 0;
    engine& full = fleet.launch(data, leased());
    full.add(single([&runs] { ++runs; }));
    std::vector<task_handle> tasks;
    submit_options const later{.delay = 1min};
    for (int count = 0; count < 3; ++count)
        tasks.push_back(fleet.await(full.submit("test/single", later)));
    fleet.kill(full);

    watch->loses_claims = 2;
    engine& claimer = fleet.launch(support::failing_store{data, watch}, leased());
    claimer.add(single([&runs] { ++runs; }));
    fleet.advance(1min + 3s);
    CHECK(watch->loses_claims == 0);
    CHECK(runs == 3);
    for (task_handle const& task : tasks)
        CHECK(fleet.await(claimer.load(task.id()))->task.state == task_state::complete);
}
