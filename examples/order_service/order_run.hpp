#pragma once

#include "order.hpp"
#include "orders_in_store.hpp"
#include "progress_bar.hpp"
#include "progress_tracker.hpp"
#include "workflow.hpp"

#include <tasker/engine.hpp>
#include <tasker/store/any_store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace order_service {

enum class run_end { finished, stopped };

/// Works through one batch of orders: submits them all, lets the engine run, shows how far it is, obeys Ctrl-C.
class order_run {
public:
    order_run(shop const& at, tasker::any_store store, int concurrency, progress start, screen kind)
        : batch_{at.batch}, tracker_{start}, bar_{std::cout, kind},
          engine_{io_, std::move(store), options_for(concurrency)}
    {
        engine_.add(fulfil_order(at));
        listening_ = engine_.subscribe([this](tasker::event const& heard) { tracker_.hear(heard); },
                                       {.delivery = tasker::delivery::in_place});
    }

    /// Returns when every order has ended, or when the first Ctrl-C has let the running steps finish.
    /// Throws what went wrong with the engine or the store.
    run_end work_through(std::span<order const> orders)
    {
        start(engine_.run());
        start(fulfil(orders));
        redraw();
        await_signal();
        io_.run();
        bar_.show(tracker_.now(), seconds());
        bar_.leave();
        if (problem_ && !stopping_)
            std::rethrow_exception(problem_);
        return stopping_ ? run_end::stopped : run_end::finished;
    }

    /// How far the orders are.
    progress now() const { return tracker_.now(); }

private:
    static tasker::engine_options options_for(int concurrency)
    {
        tasker::engine_options options;
        options.max_concurrent_steps = static_cast<std::size_t>(concurrency);
        // Further orders wait in the store, untouched, rather than in memory, half done.
        options.max_resident_tasks = 2 * options.max_concurrent_steps;
        return options;
    }

    boost::asio::awaitable<void> fulfil(std::span<order const> orders)
    {
        std::vector<tasker::task_handle> tasks;
        for (order const& placed : orders) {
            std::string const key = order_key(batch_, placed.id);
            auto task = co_await engine_.submit(workflow_name, placed,
                                                {.key = key, .on_duplicate = tasker::on_duplicate::join});
            tasks.push_back(std::move(task));
        }
        for (auto& task : tasks)
            co_await task.outcome();
        co_await engine_.drain();
    }

    /// The process ends when both the engine and the orders have; a failure of either ends both.
    void start(boost::asio::awaitable<void> work)
    {
        ++at_work_;
        boost::asio::co_spawn(io_, std::move(work), [this](std::exception_ptr problem) {
            if (problem && !problem_)
                problem_ = problem;
            if (--at_work_ == 0 || (problem && !stopping_))
                stop();
        });
    }

    void stop()
    {
        clock_.cancel();
        signals_.cancel();
        io_.stop();
    }

    void redraw()
    {
        bar_.show(tracker_.now(), seconds());
        clock_.expires_after(std::chrono::milliseconds{100});
        clock_.async_wait([this](boost::system::error_code stopped) {
            if (!stopped)
                redraw();
        });
    }

    void await_signal()
    {
        signals_.async_wait([this](boost::system::error_code stopped, int) {
            if (stopped)
                return;
            if (stopping_)
                std::_Exit(130);
            stopping_ = true;
            bar_.leave();
            std::cout << "Stopping: the " << tracker_.now().running
                      << " steps that run may finish. Another Ctrl-C stops at once.\n"
                      << std::flush;
            start(engine_.drain());
            await_signal();
        });
    }

    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count(); }

    int batch_;
    progress_tracker tracker_;
    progress_bar bar_;
    boost::asio::io_context io_{1};
    boost::asio::steady_timer clock_{io_};
    boost::asio::signal_set signals_{io_, SIGINT, SIGTERM};
    tasker::engine engine_;
    tasker::subscription listening_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::exception_ptr problem_;
    int at_work_ = 0;
    bool stopping_ = false;
};

} // namespace order_service
