// Bodies of all kinds: plain functions, tasker::async and asio::awaitable, and where each of them runs:
// on the engine's executor, on its pool for calls that block, or on a pool of your own.
// Coroutines are free functions here: a lambda's captures are gone when it is destroyed before its coroutine ends.

#include <tasker/tasker.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Who the present thread belongs to; `main` names its own and that of its pool.
thread_local std::string here = "a thread of the engine's pool for blocking calls";

std::string plain()
{
    return here;
}

/// The library's own coroutine: the cheapest one, and it awaits any Asio operation too.
tasker::async<std::string> async_body(tasker::step_context& context)
{
    co_await context.sleep_for(1ms); // on the engine's clock: a test can make it jump
    co_return here;
}

/// An ordinary Asio coroutine, for code that you have already.
asio::awaitable<std::string> awaitable_body()
{
    asio::steady_timer timer{co_await asio::this_coro::executor, 1ms};
    co_await timer.async_wait(asio::use_awaitable);
    co_return here;
}

/// A coroutine that makes one call that blocks.
tasker::async<std::string> excursion(tasker::step_context& context)
{
    std::string const before = here;
    std::string const there = co_await context.blocking([] { return here; });
    co_return before == here ? "there and back again, by way of " + there : "lost";
}

void report(std::string const& plain, std::string const& async, std::string const& awaitable,
            std::string const& excursion, std::string const& blocking, std::string const& pool)
{
    std::cout << "plain function:    " << plain << '\n'
              << "tasker::async:     " << async << '\n'
              << "asio::awaitable:   " << awaitable << '\n'
              << "context.blocking:  " << excursion << '\n'
              << "tasker::blocking:  " << blocking << '\n'
              << "tasker::on(pool):  " << pool << '\n';
}

tasker::workflow all_kinds(asio::thread_pool& pool)
{
    tasker::workflow_builder flow{"course", "bodies", "1.0.0"};
    auto const a = flow.step("plain", plain);
    auto const b = flow.step("async", async_body);
    auto const c = flow.step("awaitable", awaitable_body);
    auto const d = flow.step("excursion", excursion);
    auto const e = flow.step("blocking", plain, {.run_on = tasker::blocking});
    auto const f = flow.step("pool", plain, {.run_on = tasker::on(pool)});
    flow.step("report", after(a, b, c, d, e, f), report);
    return std::move(flow).build();
}

asio::awaitable<void> serve(asio::thread_pool& pool)
{
    tasker::engine engine{co_await asio::this_coro::executor, tasker::memory_store{}};
    engine.add(all_kinds(pool));
    auto const task = co_await engine.submit("course/bodies");
    co_await task.result();
}

int main()
{
    here = "the engine's thread";
    asio::thread_pool pool{1};
    asio::post(pool, [] { here = "a thread of my own pool"; });

    asio::io_context io;
    asio::co_spawn(io, serve(pool), [](std::exception_ptr problem) {
        if (problem)
            std::rethrow_exception(problem);
    });
    io.run();
    pool.join();
}
