#pragma once

#include "step_graphs.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <vector>

/// What runs the same graphs and keeps nothing: no state, attempt, result, retry or event.
namespace benchmark {

/// What every step of every contestant does.
inline std::uint64_t steps_done = 0;
inline void trivial_step() { ++steps_done; }

/// One run of a graph by counters of missing parents. `start(step)` is told of each step that may run.
template <class Derived>
class counted_run {
public:
    explicit counted_run(step_graph const& graph) : graph_{graph}, missing_(graph.size())
    {
        for (std::size_t step = 0; step < graph.size(); ++step)
            missing_[step] = static_cast<std::uint32_t>(graph.parents[step].size());
    }

    void start_roots()
    {
        for (std::uint32_t step = 0; step < graph_.size(); ++step)
            if (graph_.parents[step].empty())
                static_cast<Derived*>(this)->start(step);
    }

    void ended(std::uint32_t step)
    {
        for (std::uint32_t const child : graph_.children[step])
            if (--missing_[child] == 0)
                static_cast<Derived*>(this)->start(child);
    }

private:
    step_graph const& graph_;
    std::vector<std::uint32_t> missing_;
};

/// The floor: a function pointer and a queue.
class floor_run : public counted_run<floor_run> {
public:
    using counted_run::counted_run;

    static void run(step_graph const& graph)
    {
        for (std::size_t task = 0; task < graph.tasks; ++task) {
            floor_run one{graph};
            one.start_roots();
            while (!one.ready_.empty()) {
                std::uint32_t const step = one.ready_.back();
                one.ready_.pop_back();
                body();
                one.ended(step);
            }
        }
    }

    void start(std::uint32_t step) { ready_.push_back(step); }

private:
    static inline void (*volatile body)() = trivial_step;
    std::vector<std::uint32_t> ready_;
};

/// Bare Asio: a handler a step.
class posted_run : public counted_run<posted_run> {
public:
    posted_run(step_graph const& graph, boost::asio::io_context& context) : counted_run{graph}, context_{context} {}

    enum class timers { none, one };

    static void run(step_graph const& graph, timers armed)
    {
        boost::asio::io_context context{1};
        std::optional<boost::asio::steady_timer> timer; // once there was one, every turn of the queue looks at the clock
        if (armed == timers::one)
            timer.emplace(context, std::chrono::hours{1}).async_wait([](boost::system::error_code) {});
        for (std::size_t task = 0; task < graph.tasks; ++task) {
            posted_run one{graph, context};
            one.start_roots();
            context.restart();
            while (context.poll() > 0) {
            }
        }
    }

    void start(std::uint32_t step)
    {
        boost::asio::post(context_, [this, step] {
            trivial_step();
            ended(step);
        });
    }

private:
    boost::asio::io_context& context_;
};

/// Bare Asio: a coroutine a step, which ends at once or hops through the executor's queue.
class spawned_run : public counted_run<spawned_run> {
public:
    enum class hop { none, one };

    spawned_run(step_graph const& graph, boost::asio::io_context& context, hop inside)
        : counted_run{graph}, executor_{context.get_executor()}, hop_{inside}
    {
    }

    static void run(step_graph const& graph, hop inside)
    {
        boost::asio::io_context context{1};
        for (std::size_t task = 0; task < graph.tasks; ++task) {
            spawned_run one{graph, context, inside};
            boost::asio::post(context, [&one] { one.start_roots(); });
            context.restart();
            context.run();
        }
    }

    void start(std::uint32_t step)
    {
        boost::asio::post(executor_, [this, step] { // never nested: co_spawn starts in place, and a chain would use up the stack
            boost::asio::co_spawn(executor_, body(), [this, step](std::exception_ptr const&) { ended(step); });
        });
    }

private:
    boost::asio::awaitable<void> body() const
    {
        trivial_step();
        if (hop_ == hop::one)
            co_await boost::asio::post(executor_, boost::asio::use_awaitable);
    }

    boost::asio::any_io_executor executor_;
    hop hop_;
};

} // namespace benchmark
