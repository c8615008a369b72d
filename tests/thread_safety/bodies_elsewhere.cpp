#include <tasker/engine.hpp>
#include <tasker/flow/coroutine_workflow.hpp>
#include <tasker/flow/on.hpp>
#include <tasker/store/memory_store.hpp>

#include "support/catch.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using namespace boost::asio::experimental::awaitable_operators;
namespace asio = boost::asio;

// Bodies on threads of their own, while the engine times them out, cancels them and goes away: to be run under TSan.

namespace {

constexpr retry_policy once{.max_attempts = 1};

/// Counts bodies that have ended, however they did.
struct presence {
    explicit presence(std::atomic<int>& counter) : ended{counter} {}
    presence(presence const&) = delete;
    presence& operator=(presence const&) = delete;
    ~presence() { ++ended; }
    std::atomic<int>& ended;
};

template <class Operation>
auto wait_for(asio::thread_pool& pool, Operation operation)
{
    auto result = asio::co_spawn(pool, std::move(operation), asio::use_future);
    REQUIRE(result.wait_for(60s) == std::future_status::ready);
    return result.get();
}

/// Three steps that wait for short times without end, each in another way, on `place`.
workflow endless(place const& where, std::atomic<int>& ended, duration timeout)
{
    step_options const options{.retry = once, .timeout = timeout, .run_on = where};
    workflow_builder flow{"real", "endless"};
    flow.step("async", [&ended](step_context& context) -> async<> {
        presence const here{ended};
        for (;;)
            co_await context.sleep_for(50us);
    }, options);
    flow.step("own timer", [&ended](step_context& context) -> async<> {
        presence const here{ended};
        asio::steady_timer own{context.get_executor()};
        for (;;) {
            own.expires_after(50us);
            co_await own.async_wait(asio::deferred);
            co_await context.sleep_for(50us);
        }
    }, options);
    flow.step("awaitable", [&ended](step_context& context) -> asio::awaitable<void> {
        presence const here{ended};
        asio::steady_timer own{context.get_executor()};
        for (;;) {
            co_await context.sleep_for(50us);
            own.expires_after(50us);
            co_await own.async_wait(asio::use_awaitable);
        }
    }, options);
    return std::move(flow).build();
}

constexpr int tasks = 20;

} // namespace

TEST_CASE("what a blocking body publishes after its time is over counts for nothing and disturbs nobody")
{
    asio::thread_pool pool{2};
    std::latch timed_out{1};
    std::atomic<int> told{0};
    std::atomic<int> ended{0};
    {
        engine here{asio::any_io_executor{pool.get_executor()}, memory_store{}};
        auto const hears = here.subscribe([&](custom_event const&) { ++told; }, {.delivery = delivery::in_place});
        workflow_builder flow{"real", "talkative"};
        flow.step("only", [&](step_context& context) {
            presence const present{ended};
            while (!context.cancelled())
                context.publish("body.talk", std::string(40, 'x'));
            timed_out.wait();
            for (int more = 0; more < 1'000; ++more)
                context.publish("body.talk", std::string(40, 'x'));
        }, {.retry = once, .timeout = 20ms, .run_on = blocking});
        here.add(std::move(flow).build());
        task_handle const task = wait_for(pool, here.submit("real/talkative"));
        task_outcome const outcome = wait_for(pool, task.outcome());
        CHECK(outcome.state == task_state::error);
        CHECK_THAT(outcome.what, support::contains("ran out of its time"));
        timed_out.count_down();
        wait_for(pool, here.drain());
    } // waits for the body
    CHECK(ended == 1);
    CHECK(told == 0);
    pool.join();
}

TEST_CASE("bodies that loop on timers on a pool of four threads all end when their time is over")
{
    asio::thread_pool bodies{4};
    asio::thread_pool pool{2};
    std::atomic<int> ended{0};
    {
        engine here{asio::any_io_executor{pool.get_executor()}, memory_store{}};
        here.add(endless(on(bodies), ended, 20ms));
        std::vector<task_handle> all;
        for (int count = 0; count < tasks; ++count)
            all.push_back(wait_for(pool, here.submit("real/endless")));
        for (task_handle const& task : all)
            CHECK(wait_for(pool, task.outcome()).state == task_state::error);
        for (auto const limit = std::chrono::steady_clock::now() + 60s; ended < 3 * tasks && std::chrono::steady_clock::now() < limit;)
            std::this_thread::yield();
        CHECK(ended == 3 * tasks);
        wait_for(pool, here.drain());
    }
    bodies.join();
    pool.join();
}

TEST_CASE("bodies that loop on timers, on the engine or on a pool of four threads, all end when their task is cancelled")
{
    asio::thread_pool bodies{4};
    asio::thread_pool pool{2};
    for (place const& where : {place{}, on(bodies)}) {
        std::atomic<int> ended{0};
        engine here{asio::any_io_executor{pool.get_executor()}, memory_store{}};
        here.add(endless(where, ended, 0s));
        std::vector<task_handle> all;
        for (int count = 0; count < tasks; ++count)
            all.push_back(wait_for(pool, here.submit("real/endless")));
        for (task_handle const& task : all)
            wait_for(pool, task.cancel());
        wait_for(pool, here.drain()); // returns when all bodies have ended
        CHECK(ended == 3 * tasks);
        for (task_handle const& task : all)
            CHECK(wait_for(pool, task.outcome()).state == task_state::cancelled);
    }
    bodies.join();
    pool.join();
}

TEST_CASE("a coroutine's steps, messages and cancels come from other threads than its own")
{
    asio::thread_pool pool{3};
    asio::thread_pool elsewhere{2};
    std::atomic<int> ended{0};
    {
        engine here{pool.get_executor(), memory_store{}};
        here.add("real", "coroutine", "1.0.0", [&](workflow_context& wf) -> asio::awaitable<int> {
            int sum = 0;
            std::vector<int> const items{1, 2, 3, 4};
            for (int round = 0; round < 5; ++round) {
                for (int const one : co_await wf.map("item", items, [](int item) { return item; }, {.step = {.run_on = blocking}}))
                    sum += one;
                auto const both = co_await (wf.step("own pool", [](step_context& s) -> asio::awaitable<int> {
                    co_await s.sleep_for(50us);
                    co_return 1;
                }, {.run_on = on(elsewhere)}) && wf.receive<int>("number"));
                sum += std::get<0>(both) + std::get<1>(both);
                sum += co_await wf.step("volatile", [] { return 0; }, {.durability = durability::volatile_});
            }
            co_return sum;
        });
        here.add("real", "endless", "1.0.0", [&](workflow_context& wf) -> asio::awaitable<void> {
            presence const frame{ended};
            for (;;)
                co_await (wf.step("busy", [](step_context& s) -> asio::awaitable<void> {
                    co_await s.sleep_for(50us);
                }, {.run_on = on(elsewhere)}) || wf.sleep("long", 1h));
        });
        std::vector<task_handle> all;
        for (int made = 0; made < 8; ++made)
            all.push_back(wait_for(pool, here.submit("real/coroutine")));
        auto const endless_one = wait_for(pool, here.submit("real/endless"));
        for (int round = 0; round < 5; ++round)
            for (task_handle const& one : all)
                wait_for(elsewhere, one.send("number", 10));
        for (task_handle const& one : all)
            CHECK(wait_for(pool, one.result<int>()) == 5 * (10 + 1 + 10));
        wait_for(elsewhere, endless_one.cancel());
        wait_for(pool, here.drain());
    }
    pool.join();
    elsewhere.join();
    CHECK(ended == 1);
}
