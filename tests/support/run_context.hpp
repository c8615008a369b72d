#pragma once

#include "support/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>

namespace support {

/// Runs `work()`, a coroutine, on `context`; false when it does not end within a minute.
template <class Work>
bool run(boost::asio::io_context& context, Work work)
{
    std::exception_ptr problem;
    bool ended = false;
    boost::asio::co_spawn(context, work(), [&](std::exception_ptr thrown) {
        problem = thrown;
        ended = true;
        context.stop();
    });
    context.restart();
    context.run_for(std::chrono::minutes{1});
    if (problem)
        std::rethrow_exception(problem);
    return ended;
}

/// Runs `context`, on which other threads post, until `condition` holds; fails the test when it does not within a minute.
template <class Condition>
void run_until(boost::asio::io_context& context, Condition condition)
{
    auto const more_may_come = boost::asio::make_work_guard(context);
    auto const limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    context.restart();
    while (!condition() && context.run_one_until(limit) > 0) {
    }
    REQUIRE(condition());
}

} // namespace support
