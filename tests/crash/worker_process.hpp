#pragma once

#include <tasker/engine_options.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <utility>

namespace crash {

/// A number from the environment, for runs by hand.
inline int from_environment(char const* name, int otherwise)
{
    char const* const given = std::getenv(name);
    return given != nullptr && *given != '\0' ? std::atoi(given) : otherwise;
}

/// For a worker that is killed again and again: it is not its tasks that do it.
inline tasker::engine_options innocent_tasks()
{
    tasker::engine_options options;
    options.max_recoveries = 1'000'000;
    return options;
}

/// The context stops when `last` is over; what that throws comes out of `context.run()`.
inline void end_with(boost::asio::io_context& context, boost::asio::awaitable<void> last)
{
    boost::asio::co_spawn(context, std::move(last), [&context](std::exception_ptr problem) {
        context.stop();
        if (problem)
            std::rethrow_exception(problem);
    });
}

/// Runs the context until `last` is over; returns what a process ends with: 1 when the context ran out of work before that.
inline int run_until_over(boost::asio::io_context& context, boost::asio::awaitable<void> last)
{
    bool is_over = false;
    end_with(context, [](boost::asio::awaitable<void> all, bool& over) -> boost::asio::awaitable<void> {
        co_await std::move(all);
        over = true;
    }(std::move(last), is_over));
    context.run();
    return is_over ? 0 : 1;
}

} // namespace crash
