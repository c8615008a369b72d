#pragma once

#include "progress_bar.hpp"
#include "recorded.hpp"
#include "workflow.hpp"

#include <tasker/engine.hpp>
#include <tasker/store/any_store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

namespace wfrun {

/// The newest run of the workflow that the store has; nothing when it has none.
inline std::optional<tasker::task_record> newest_run(tasker::any_store& store, tasker::workflow const& flow)
{
    tasker::task_filter const wanted{.name_space = flow.key().name_space, .name = flow.key().name};
    auto const found = store.find(wanted, tasker::page{.before = {}, .limit = 1});
    return found.empty() ? std::nullopt : std::optional{found.front()};
}

/// Runs a workflow once, or goes on with an unfinished run of it, and shows how far it is; obeys Ctrl-C.
class durable_run {
public:
    durable_run(tasker::workflow flow, tasker::any_store store, std::size_t workers)
        : flow_{std::move(flow)}, bar_{std::cout, screen_of_stdout()}, engine_{io_, std::move(store),
                                                                               options_for(workers)}
    {
        engine_.add(flow_);
        listening_ = engine_.subscribe([this](tasker::store_failing const& e) { complain(e); },
                                       {.delivery = tasker::delivery::in_place});
    }

    /// The records of the finished run; nothing when Ctrl-C stopped it, with the running steps finished.
    /// Throws what went wrong with the engine or the store.
    std::optional<tasker::task_snapshot> work(std::optional<tasker::task_id> unfinished, run_input const& input)
    {
        boost::asio::co_spawn(io_, drive(unfinished, input), [this](std::exception_ptr problem) {
            problem_ = problem;
            io_.stop();
        });
        await_signal();
        io_.run();
        if (problem_)
            std::rethrow_exception(problem_);
        return stopping_ ? std::nullopt : std::move(seen_);
    }

private:
    static tasker::engine_options options_for(std::size_t workers)
    {
        tasker::engine_options options;
        options.max_concurrent_steps = workers;
        // Steps that only sleep kill no worker: however often it is killed, the run goes on.
        options.max_recoveries = std::numeric_limits<int>::max();
        return options;
    }

    boost::asio::awaitable<void> drive(std::optional<tasker::task_id> unfinished, run_input input)
    {
        if (!unfinished) {
            auto const task = co_await engine_.submit(flow_.full_name(), input);
            unfinished = task.id();
        }
        while (!stopping_) {
            seen_ = co_await engine_.load(*unfinished);
            if (!seen_)
                throw std::runtime_error{"the run is gone from the store: somebody deleted it; start wfrun again"};
            bar_.show(progress_of(*seen_, flow_.shape().size()), seconds());
            if (tasker::is_finished(seen_->task.state))
                break;
            clock_.expires_after(std::chrono::milliseconds{100});
            boost::system::error_code interrupted;
            co_await clock_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, interrupted));
        }
        bar_.leave();
        co_await engine_.drain();
    }

    void await_signal()
    {
        signals_.async_wait([this](boost::system::error_code none, int) {
            if (none)
                return;
            if (stopping_)
                std::_Exit(130);
            stopping_ = true;
            bar_.leave();
            std::cout << "Stopping: the steps that run may finish. Another Ctrl-C stops at once.\n" << std::flush;
            clock_.cancel();
            await_signal();
        });
    }

    void complain(tasker::store_failing const& e)
    {
        if (e.failures != 1)
            return;
        bar_.leave();
        std::cerr << "wfrun: the store cannot be written, and nothing goes on until it can: " << e.what << '\n';
    }

    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count(); }

    tasker::workflow flow_;
    progress_bar bar_;
    boost::asio::io_context io_{1};
    boost::asio::steady_timer clock_{io_};
    boost::asio::signal_set signals_{io_, SIGINT, SIGTERM};
    tasker::engine engine_;
    tasker::subscription listening_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::optional<tasker::task_snapshot> seen_;
    std::exception_ptr problem_;
    bool stopping_ = false;
};

} // namespace wfrun
