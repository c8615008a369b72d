#include <tasker/engine.hpp>
#include <tasker/store/memory_store.hpp>

#include "support/blocking_store.hpp"
#include "support/catch.hpp"
#include "support/fleet.hpp"
#include "support/refusal.hpp"
#include "support/run_context.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

using namespace tasker;
using namespace std::chrono_literals;
namespace asio = boost::asio;

// Over a store that blocks, every question takes its way over another thread: commands overtake, and must not.

namespace {

using support::blocking_store;
using support::refused;
using support::run_until;

/// Two steps that fail at first, and their child.
workflow two_failures(retry_policy const& retry)
{
    workflow_builder flow{"real", "failing"};
    auto const fail = []() -> int { throw transient_error{"not now"}; };
    auto const left = flow.step("left", fail, {.retry = retry});
    auto const right = flow.step("right", fail, {.retry = retry});
    flow.step("sum", after(left, right), [](int a, int b) { return a + b; });
    return std::move(flow).build();
}

/// Has both steps fail, and waits until the store has the task at rest: parked, or in error.
task_id fail_both(asio::io_context& context, engine& here, memory_store& data)
{
    auto const submitted = support::start(context, here.submit("real/failing"));
    run_until(context, [&] { return submitted.ended(); });
    task_id const id = submitted.get().id();
    run_until(context, [&] { return !data.load(id)->task.worker; });
    return id;
}

} // namespace

TEST_CASE("of two commands at once for a task that is not in memory both are carried out")
{
    retry_policy const in_error{.max_attempts = 1};
    retry_policy const parked{.backoff = {.initial = 2min}};
    for (retry_policy const& retry : {in_error, parked}) {
        memory_store data;
        asio::io_context context{1};
        engine here{context, blocking_store{data}};
        here.add(two_failures(retry));
        task_id const id = fail_both(context, here, data);
        auto const left = support::start(context, here.resolve_step(id, "left", 40));
        auto const right = support::start(context, here.resolve_step(id, "right", 2));
        run_until(context, [&] { return left.ended() && right.ended(); });
        CHECK_NOTHROW(left.get());
        CHECK_NOTHROW(right.get());
        auto const sum = support::start(context, here.task(id).result<int>());
        run_until(context, [&] { return sum.ended(); });
        CHECK(sum.get() == 42);
    }
}

TEST_CASE("of two equal commands at once for a task that is not in memory the second is refused for what the first did")
{
    memory_store data;
    asio::io_context context{1};
    engine here{context, blocking_store{data}};
    here.add(two_failures({.max_attempts = 1}));
    task_id const id = fail_both(context, here, data);
    auto const first = support::start(context, here.cancel(id, "once"));
    auto const second = support::start(context, here.cancel(id, "twice"));
    run_until(context, [&] { return first.ended() && second.ended(); });
    CHECK_NOTHROW(first.get());
    CHECK(refused([&] { second.get(); }).code == errc::illegal_transition);
    run_until(context, [&] { return !data.load(id)->task.request; });
    CHECK(data.load(id)->task.status_reason == "once");
}

TEST_CASE("a heartbeat that was under way while a request was carried out does not have it carried out again")
{
    memory_store data;
    auto const hold = std::make_shared<support::store_hold>();
    asio::thread_pool pool{1};
    engine here{asio::any_io_executor{pool.get_executor()}, blocking_store{data, hold}, {.lease = 90ms}};
    workflow_builder flow{"real", "held"};
    std::promise<void> may_end;
    auto const end = may_end.get_future().share();
    auto const first = flow.step("first", [end] { end.wait(); return 1; }, {.run_on = blocking});
    flow.step("second", after(first), [](int value) { return value; });
    here.add(std::move(flow).build());
    std::atomic<int> resolved{0};
    std::atomic<int> refusals{0};
    auto const hears = here.subscribe([&](step_resolved_manually const&) {
        ++resolved;
        hold->release_heartbeat();
    }, {.delivery = delivery::in_place});
    auto const objects = here.subscribe([&](command_refused const&) { ++refusals; }, {.delivery = delivery::in_place});
    task_handle const task = asio::co_spawn(pool, here.submit("real/held"), asio::use_future).get();

    hold->hold_requests();
    data.request(task.id(), {command_kind::resolve_step, "second", payload{"9"}, {}});
    hold->await_heartbeat_after_release();
    may_end.set_value();
    CHECK(asio::co_spawn(pool, task.result<int>(), asio::use_future).get() == 9);
    asio::co_spawn(pool, here.drain(), asio::use_future).get();
    CHECK(resolved == 1);
    CHECK(refusals == 0);
    pool.join();
}
