#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/conformance/bench.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/virtual_clock.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"
#include "support/refusal.hpp"
#include "support/run_context.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::refused;
using testing::scripted_step;

// Each of these was written for a defect that was planted by hand and that no other test found.

namespace {

engine_options leased()
{
    engine_options options = testing::patient_options();
    options.lease = 9s;
    options.safety_poll = 1min;
    return options;
}

template <class Body>
workflow single(Body body, step_options const& options = {})
{
    workflow_builder flow{"test", "single"};
    flow.step("only", std::move(body), options);
    return std::move(flow).build();
}

/// The memory store, whose commits arrive; the answer to one gets lost where the test says so.
class unanswering_store : public memory_store {
public:
    unanswering_store(memory_store data, std::shared_ptr<bool> loses_answer)
        : memory_store{std::move(data)}, loses_answer_{std::move(loses_answer)}
    {
    }

    commit_result commit(commit_batch const& batch)
    {
        auto const result = memory_store::commit(batch);
        if (std::exchange(*loses_answer_, false))
            throw error{errc::store_unavailable, "the connection broke before the answer; the test connects anew"};
        return result;
    }

private:
    std::shared_ptr<bool> loses_answer_;
};

/// The memory store with something that happens during each heartbeat, after it was carried out and before it is answered.
class interrupted_store : public memory_store {
public:
    interrupted_store(memory_store data, std::shared_ptr<std::function<void()>> during_heartbeat)
        : memory_store{std::move(data)}, during_heartbeat_{std::move(during_heartbeat)}
    {
    }

    heartbeat_result heartbeat(heartbeat_request request)
    {
        request.takeovers.reset(); // so that each tells what the worker holds
        auto result = memory_store::heartbeat(request);
        if (*during_heartbeat_)
            (*during_heartbeat_)();
        return result;
    }

private:
    std::shared_ptr<std::function<void()>> during_heartbeat_;
};

/// The same as one that blocks: called by threads of the engine's own.
class held_store : public interrupted_store {
public:
    using interrupted_store::interrupted_store;
    bool blocks() const noexcept { return true; }
};

/// An engine whose store is called in place and may move the clock.
class clocked_engine {
public:
    clocked_engine(any_store store, std::shared_ptr<testing::virtual_clock> clock)
        : clock_{std::move(clock)},
          runs{context_, std::move(store), leased(), {.time = clock_, .calls = store_calls::in_place, .blocking = context_.get_executor()}}
    {
    }

    void settle()
    {
        do
            context_.restart();
        while (context_.poll() > 0);
    }

    void advance_to(time_point goal)
    {
        settle();
        for (auto due = clock_->next_due(); due && *due <= goal; due = clock_->next_due()) {
            clock_->advance_to(*due);
            settle();
        }
        clock_->advance_to(goal);
        settle();
    }

private:
    std::shared_ptr<testing::virtual_clock> clock_;
    boost::asio::io_context context_{1};

public:
    engine runs;
    boost::asio::io_context& context() { return context_; }
};

} // namespace

TEST_CASE("a submission that was refused as a duplicate is told so, though the answer to the commit got lost")
{
    support::fleet fleet;
    auto const loses_answer = std::make_shared<bool>(false);
    engine& only = fleet.launch(unanswering_store{memory_store{}, loses_answer}, leased());
    only.add(single([] {}));
    submit_options const reject{.key = "order 7"};
    submit_options const join{.key = "order 7", .on_duplicate = on_duplicate::join};
    task_handle const first = fleet.await(only.submit("test/single", reject));

    *loses_answer = true;
    auto const second = fleet.start(only.submit("test/single", reject));
    fleet.advance(1s);
    REQUIRE_FALSE(*loses_answer);
    CHECK(refused([&] { second.get(); }).code == errc::duplicate_task);

    *loses_answer = true;
    auto const third = fleet.start(only.submit("test/single", join));
    fleet.advance(1s);
    REQUIRE_FALSE(*loses_answer);
    CHECK(third.get().id() == first.id());
}

TEST_CASE("an outcome that comes after the lease is told by nobody, whether the refusal of its commit is heard or gets lost")
{
    for (bool const loses : {false, true}) {
        INFO("the refusal " << (loses ? "gets lost" : "is heard"));
        support::fleet fleet;
        memory_store const data;
        auto const loses_answer = std::make_shared<bool>(false);
        auto const watch = std::make_shared<support::store_watch>();
        watch->loses_heartbeats = true;
        engine& former = fleet.launch(support::failing_store{unanswering_store{data, loses_answer}, watch}, leased());
        former.add(single(scripted_step{}.takes(10s)));
        int told = 0;
        int lost = 0;
        auto const ends = former.subscribe([&told](step_completed const&) { ++told; }, {.delivery = delivery::in_place});
        auto const loss = former.subscribe([&lost](task_lease_lost const&) { ++lost; }, {.delivery = delivery::in_place});
        task_handle const task = fleet.await(former.submit("test/single"));
        fleet.advance(1s);
        engine& next = fleet.launch(data, leased());
        next.add(single(scripted_step{}.takes(1min)));
        fleet.advance(8s);
        REQUIRE(fleet.await(next.load(task.id()))->task.epoch == 2);

        *loses_answer = loses;
        fleet.advance(5s);
        CHECK_FALSE(*loses_answer);
        CHECK(told == 0);
        CHECK(lost == 1);
        CHECK(fleet.await(next.load(task.id()))->steps.at(0).second.state == step_state::in_progress);
    }
}

TEST_CASE("an attempt that dies with its worker is repeated at once, and the next worker counts on from those that failed before")
{
    support::fleet fleet;
    memory_store const data;
    std::vector<int> attempts;
    auto const body = [&attempts](step_context& context) -> async<int> {
        attempts.push_back(context.attempt());
        if (attempts.size() == 2)
            co_await context.sleep_for(1h);
        throw transient_error{"not now"};
    };
    step_options const twice{.retry = {.max_attempts = 2, .backoff = {.initial = 30s}, .jitter = jitter::none}};
    engine& victim = fleet.launch(data, leased());
    victim.add(single(body, twice));
    task_id const id = fleet.await(victim.submit("test/single")).id();
    fleet.advance(31s);
    REQUIRE(attempts == std::vector{1, 2});
    fleet.kill(victim);

    engine& next = fleet.launch(data, leased());
    next.add(single(body, twice));
    fleet.advance(9s); // the lease, and no back-off
    CHECK(attempts == std::vector{1, 2, 2});
    auto const stored = fleet.await(next.load(id));
    CHECK(stored->task.state == task_state::error);
    CHECK(stored->steps.at(0).second.attempts == 2);
}

TEST_CASE("a task that only waited when its worker died is not to blame for that, however often it happens")
{
    support::fleet fleet;
    memory_store const data;
    engine_options options = leased();
    options.max_recoveries = 0;
    step_options const slowly{.retry = {.backoff = {.initial = 55s}, .jitter = jitter::none}};
    int runs = 0;
    workflow const flow = single([&runs] {
        if (++runs == 1)
            throw transient_error{"not now"};
    }, slowly);
    task_id id;
    for (int worker = 1; worker <= 4; ++worker) {
        engine& victim = fleet.launch(data, options);
        victim.add(flow);
        if (worker == 1)
            id = fleet.await(victim.submit("test/single")).id();
        fleet.advance(10s);
        REQUIRE(fleet.await(victim.load(id))->task.epoch == worker);
        fleet.kill(victim);
    }
    engine& last = fleet.launch(data, options);
    last.add(flow);
    fleet.advance(30s);
    auto const stored = fleet.await(last.load(id));
    CHECK(stored->task.state == task_state::complete);
    CHECK(stored->task.recoveries == 0);
    CHECK(runs == 2);
}

TEST_CASE("an engine takes no more tasks from the store than it may keep in memory, and the next one as soon as one has left")
{
    support::fleet fleet;
    memory_store const data;
    engine_options options = leased();
    options.max_resident_tasks = 2;
    std::size_t started = 0;
    engine& here = fleet.launch(data, options);
    here.add(single([&started](step_context& context) -> async<int> {
        ++started;
        co_await context.sleep_for(10s * static_cast<int>(started));
        co_return 0;
    }));
    submit_options const later{.delay = 1s};
    for (int count = 0; count < 4; ++count)
        fleet.await(here.submit("test/single", later));
    fleet.advance(2s);
    CHECK(started == 2);
    fleet.advance(8s);
    CHECK(started == 2);
    fleet.advance(1s); // the first has ended
    CHECK(started == 3);
    fleet.advance(2min);
    CHECK(started == 4);
}

TEST_CASE("a request that comes while its task is being written off to the store is carried out as soon as that is done")
{
    support::fleet fleet;
    memory_store data;
    auto const watch = std::make_shared<support::store_watch>();
    engine& here = fleet.launch(support::failing_store{data, watch}, leased());
    here.add(single([watch] {
        watch->refuses_commits = true;
        throw transient_error{"not now"};
    }, {.retry = {.backoff = {.initial = 4min}, .jitter = jitter::none}}));
    submit_options const soon{.delay = 5s}; // so that its creation is not refused
    task_id const id = fleet.await(here.submit("test/single", soon)).id();
    fleet.advance(10s);
    REQUIRE(watch->refused > 0);
    REQUIRE(data.request(id, {command_kind::cancel, {}, {}, "enough"}) == request_answer::stored);
    fleet.advance(10s); // heartbeats hear of it
    REQUIRE(data.load(id)->task.worker); // it has not left yet
    watch->refuses_commits = false;
    fleet.advance(10s); // the next try, well before anybody looks for safety's sake
    auto const stored = data.load(id);
    CHECK(stored->task.state == task_state::cancelled);
    CHECK(stored->task.status_reason == "enough");
}

TEST_CASE("the bodies of a lost task leave their places to others")
{
    support::fleet fleet;
    memory_store const data;
    auto const watch = std::make_shared<support::store_watch>();
    engine_options options = leased();
    options.max_concurrent_steps = 1;
    engine& former = fleet.launch(support::failing_store{data, watch}, options);
    former.add(single(scripted_step{}.takes(1h)));
    fleet.await(former.submit("test/single"));
    watch->loses_heartbeats = true;
    fleet.advance(1s);
    engine& next = fleet.launch(data, leased());
    next.add(single(scripted_step{}.takes(1h)));
    fleet.advance(8s);
    watch->loses_heartbeats = false;
    fleet.advance(3s);

    bool started = false;
    workflow_builder other{"test", "other"};
    other.step("only", [&started] { started = true; });
    former.add(std::move(other).build());
    fleet.await(former.submit("test/other"));
    fleet.advance(1s);
    CHECK(started);
}

TEST_CASE("a lease counts from when its heartbeat began, however long the answer takes")
{
    auto const clock = std::make_shared<testing::virtual_clock>();
    auto const during_heartbeat = std::make_shared<std::function<void()>>();
    clocked_engine here{interrupted_store{memory_store{}, during_heartbeat}, clock};
    time_point const begin = clock->now();
    bool started = false;
    workflow_builder flow{"test", "two"};
    auto const first = flow.step("first", scripted_step{}.takes(13s));
    flow.step("second", after(ordering(first)), [&started] { started = true; });
    here.runs.add(std::move(flow).build());
    auto const submitted = support::start(here.context(), here.runs.submit("test/two"));
    here.settle();
    task_id const id = submitted.get().id();

    *during_heartbeat = [&, beats = 0]() mutable {
        if (++beats > 1)
            throw error{errc::store_unavailable, "nobody answers; the test will listen again"};
        clock->advance_to(begin + 8s); // the heartbeat of the third second: the lease ends with the twelfth
    };
    here.advance_to(begin + 14s);
    auto const loaded = support::start(here.context(), here.runs.load(id));
    here.settle();
    REQUIRE(loaded.get()->steps.at(0).second.state == step_state::complete);
    CHECK_FALSE(started);
    *during_heartbeat = {};
    here.advance_to(begin + 20s);
    CHECK(started);
}

TEST_CASE("a task that comes while a heartbeat is under way is not taken for lost, though that heartbeat does not know it")
{
    auto const clock = std::make_shared<testing::virtual_clock>();
    boost::asio::io_context context{1};
    std::promise<void> may_end;
    std::atomic<int> begun = 0;
    auto const during_heartbeat = std::make_shared<std::function<void()>>();
    engine here{context, held_store{memory_store{}, during_heartbeat}, leased(), {.time = clock}};
    *during_heartbeat = [&] { // no heartbeat is under way yet
        if (++begun == 1)
            may_end.get_future().wait_for(1min); // a test that fails before need not wait for ever
    };
    here.add(single(scripted_step{}.takes(1h)));
    int lost = 0;
    auto const loss = here.subscribe([&lost](task_lease_lost const&) { ++lost; }, {.delivery = delivery::in_place});
    auto const beat = [&](int count) {
        clock->advance_to(clock->now() + 3s);
        auto const asked = support::start(context, here.find({}));
        support::run_until(context, [&] { return asked.ended(); });
        auto const asked_again = support::start(context, here.find({}));
        support::run_until(context, [&] { return asked_again.ended() && begun >= count; });
    };
    beat(1);
    auto const submitted = support::start(context, here.submit("test/single"));
    support::run_until(context, [&] { return submitted.ended(); });
    may_end.set_value();
    while (begun < 2) // once the first has been heard
        beat(1);
    CHECK(lost == 0);
    auto const loaded = support::start(context, here.load(submitted.get().id()));
    support::run_until(context, [&] { return loaded.ended(); });
    CHECK(loaded.get()->task.epoch == 1);
}

TEST_CASE("of the tasks that woke, the best priority is given out first, however few are asked for")
{
    support::on_each_store([](support::store_opener const& open) {
        any_store store = open();
        testing::bench at{store};
        task_record low = at.draft();
        low.wake_at = at.now + 1s;
        at.create(low);
        task_record high = at.draft();
        high.wake_at = at.now + 2s;
        high.priority = 9;
        at.create(high);
        at.now += 3s;
        CHECK(testing::bench::ids_of(at.claim(at.alice, 1)) == std::vector{high.id});
        CHECK(testing::bench::ids_of(at.claim(at.alice, 1)) == std::vector{low.id});
    });
}
