#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/virtual_clock.hpp>

#include "support/catch.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"
#include "support/leased.hpp"
#include "support/refusal.hpp"
#include "support/run_context.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::leased;
using support::single;
using testing::scripted_step;

// What a worker does that stood still past its lease, or never heard what it had claimed.

namespace {

/// What happens to the claim of a named task in an `unanswered_store`.
struct lost_claim {
    std::function<void()> when_begun; ///< called on the store's thread
    std::promise<void> may_end;
    std::atomic<int> asked_again = 0; ///< how often the worker asked for what is its own already
};

/// The memory store as one that blocks. A claim of a named task takes its time, succeeds, and throws, as when the
/// connection breaks before the answer.
class unanswered_store : public memory_store {
public:
    unanswered_store(memory_store data, std::shared_ptr<lost_claim> claim) : memory_store{std::move(data)}, lost_{std::move(claim)} {}

    bool blocks() const noexcept { return true; }

    std::vector<claimed_task> claim(claim_request const& request)
    {
        lost_->asked_again += request.reclaim ? 1 : 0;
        if (!request.task || request.reclaim)
            return memory_store::claim(request);
        lost_->when_begun();
        lost_->may_end.get_future().wait_for(1min); // a test that fails before need not wait for ever
        memory_store::claim(request);
        throw error{errc::store_unavailable, "the connection broke before the answer; the test connects anew"};
    }

private:
    std::shared_ptr<lost_claim> lost_;
};

/// The store has answered all that the engine asked it before: its questions stand in one line.
void until_answered(boost::asio::io_context& context, engine& asks)
{
    auto const answered = support::start(context, asks.find({}));
    support::run_until(context, [&] { return answered.ended(); });
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

TEST_CASE("a task that was claimed for a command, and the claim not answered, is claimed again though a look stood in line behind it")
{
    memory_store data;
    task_id id;
    {
        support::fleet fleet;
        engine& full = fleet.launch(data, leased());
        full.add(single([] {}));
        submit_options const later{.delay = 1h};
        id = fleet.await(full.submit("test/single", later)).id();
    }
    auto const claim = std::make_shared<lost_claim>();
    auto const clock = std::make_shared<testing::virtual_clock>();
    boost::asio::io_context context{1};
    engine claimer{context, unanswered_store{data, claim}, leased(), {.time = clock}};
    claimer.add(single([] {}));
    until_answered(context, claimer); // so that no look is under way
    claim->when_begun = [&] {
        boost::asio::post(context, [&] {
            workflow_builder other{"test", "other"};
            other.step("only", [] {});
            claimer.add(std::move(other).build()); // looks for what it can run now
            claim->may_end.set_value();
        });
    };
    auto const cancelled = support::start(context, claimer.cancel(id));
    support::run_until(context, [&] { return cancelled.ended(); });
    CHECK(support::refused([&] { cancelled.get(); }).code == errc::store_unavailable);
    until_answered(context, claimer);
    REQUIRE(data.load(id)->task.worker);
    REQUIRE(claim->asked_again == 0);

    clock->advance_to(clock->now() + 1s);
    until_answered(context, claimer); // it looked, and learnt what it owns
    until_answered(context, claimer);
    REQUIRE(claim->asked_again == 1);
    auto const ended = support::start(context, claimer.task(id).outcome());
    support::run_until(context, [&] { return ended.ended(); });
    CHECK(ended.get().state == task_state::cancelled);
}
