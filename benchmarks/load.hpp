#pragma once

#include "watch.hpp"

#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace benchmark {

namespace asio = boost::asio;

/// What one engine is given to do.
struct load {
    int tasks = 0;
    int in_flight = 0; ///< as soon as one is finished the next is submitted
    int steps = 0;     ///< of each task, one after another

    double all_steps() const { return double(tasks) * steps; }
};

/// How fast something went, and what it cost this process and the server.
struct pace {
    double seconds = 0;
    double own_cpu = 0;
    double server_cpu = 0;
};

inline void rethrow(std::exception_ptr problem)
{
    if (problem)
        std::rethrow_exception(problem);
}

/// Runs the coroutine to its end, and no longer: a drained engine that still exists may have a timer armed.
inline void run(asio::io_context& io, asio::awaitable<void> all)
{
    asio::co_spawn(io, std::move(all), [&io](std::exception_ptr problem) {
        io.stop();
        rethrow(problem);
    });
    io.run();
    io.restart();
}

/// Plain steps, one after another.
inline tasker::workflow chain(int steps)
{
    tasker::workflow_builder flow{"benchmark", "chain", "1.0.0"};
    auto last = flow.step("step 0", [] { return 0; });
    for (int no = 1; no < steps; ++no)
        last = flow.step("step " + std::to_string(no), after(last), [](int sum) { return sum + 1; });
    return std::move(flow).build();
}

/// Runs so many of the coroutines that `make` makes, until the last has ended.
template <class Make>
asio::awaitable<void> together(asio::io_context& io, int count, Make& make)
{
    asio::steady_timer over{io, std::chrono::hours{24}};
    int left = count;
    for (int started = 0; started < count; ++started)
        asio::co_spawn(io, make(), [&](std::exception_ptr problem) {
            rethrow(problem);
            if (--left == 0)
                over.cancel();
        });
    boost::system::error_code cancelled;
    co_await over.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

/// Keeps an engine as busy as the load says, until all its tasks are finished.
class saturation {
public:
    saturation(asio::io_context& io, tasker::engine& engine, load const& of)
        : io_{io}, engine_{engine}, to_submit_{of.tasks}, submitters_{std::min(of.in_flight, of.tasks)}
    {
    }

    asio::awaitable<void> run()
    {
        auto submitter = [this] { return submit_and_await(); };
        co_await together(io_, submitters_, submitter);
    }

private:
    asio::awaitable<void> submit_and_await()
    {
        while (to_submit_ > 0) {
            --to_submit_;
            tasker::task_handle const task = co_await engine_.submit("benchmark/chain");
            co_await task.result<int>();
        }
    }

    asio::io_context& io_;
    tasker::engine& engine_;
    int to_submit_;
    int submitters_;
};

} // namespace benchmark
