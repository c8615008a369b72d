#pragma once

#include <tasker/flow/coroutine_workflow.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// What happens beside a task.
struct surroundings {
    std::vector<tasker::workflow> others = {};                                         ///< the engine knows them, too
    std::function<void(tasker::testing::simulation&, tasker::task_id)> beside = {}; ///< called once, right after the submission
    int rounds = 1;               ///< how often the coroutine starts anew, and so records alike
    std::size_t elsewhere = 7;    ///< on stores other than memory a crash after each so many handlers; 0: none
};

/// Options of engines of which several use one store, one after the other: each has a seed, and so ids, of its own.
inline tasker::testing::simulation_options crash_options(store_opener const& open)
{
    static std::uint64_t seed = 0;
    tasker::testing::simulation_options options;
    options.seed = seed += 1'000;
    options.store = open;
    options.engine.lease = std::chrono::hours{4}; // few heartbeats, and so few handlers
    options.time_limit = std::chrono::days{300};
    return options;
}

struct coroutine_end {
    tasker::testing::task_report report;
    std::vector<tasker::transition_record> history;
    std::size_t handlers = 0; ///< it took without a crash; where it crashed otherwise
    bool crashed = false;
};

/// Submits a task, and comes back amid whatever happens when it is durable.
template <class Input>
tasker::task_id submit_only(tasker::testing::simulation& sim, tasker::workflow const& flow, Input const& input)
{
    sim.add(flow);
    std::optional<tasker::task_id> id;
    auto submission = sim.engine().submit(flow.full_name(), input);
    boost::asio::co_spawn(sim.context(), std::move(submission), [&](std::exception_ptr const& problem, tasker::task_handle const& made) {
        if (problem)
            std::rethrow_exception(problem);
        id = made.id();
    });
    while (!id)
        sim.step(sim.now());
    return *id;
}

/// Whether the task is over, as a store says that nobody else uses: to ask the engine would be to run it.
inline bool is_over(tasker::any_store& beside, tasker::task_id id) { return tasker::is_finished(beside.load(id)->task.state); }

/// Runs a workflow to its end, the engine being destroyed after `handlers` handlers, and another one taking over.
template <class Input>
coroutine_end run_crashing(store_opener const& open, tasker::workflow const& flow, Input const& input, std::size_t handlers, surroundings const& around = {})
{
    tasker::testing::simulation sim{crash_options(open)};
    for (tasker::workflow const& other : around.others)
        sim.add(other);
    tasker::task_id const id = submit_only(sim, flow, input);
    if (around.beside)
        around.beside(sim, id);
    auto store = open();
    auto const limit = sim.now() + std::chrono::days{300};
    std::size_t done = 0;
    while (done < handlers && !is_over(store, id) && sim.step(limit))
        ++done;
    bool const crashed = done == handlers;
    if (crashed)
        sim.crash(std::chrono::hours{4} + std::chrono::seconds{1});
    sim.finish(id);
    return {sim.report(id), sim.await(sim.engine().history(id)), done, crashed};
}

/// Runs a workflow to its end, in memory, the engine being destroyed again and again, after up to `most` handlers each time.
template <class Input>
coroutine_end run_crashing_often(tasker::workflow const& flow, Input const& input, std::uint64_t seed, std::size_t most, surroundings const& around = {})
{
    auto const open = [data = tasker::memory_store{}] { return tasker::any_store{data}; };
    auto options = crash_options(open);
    options.engine.max_recoveries = 1'000;
    tasker::testing::simulation sim{std::move(options)};
    for (tasker::workflow const& other : around.others)
        sim.add(other);
    tasker::task_id const id = submit_only(sim, flow, input);
    auto store = open();
    std::mt19937_64 dice{seed};
    for (int crashes = 0; crashes < 30 && !is_over(store, id); ++crashes) {
        for (auto left = 1 + dice() % most; left > 0 && !is_over(store, id); --left)
            sim.step(sim.now() + std::chrono::days{100});
        sim.crash(std::chrono::hours{4} + std::chrono::seconds{1});
    }
    sim.finish(id);
    return {sim.report(id), sim.await(sim.engine().history(id)), 0, true};
}

/// How often each step was recorded as complete.
inline std::map<std::string, int> completions(coroutine_end const& end)
{
    std::map<std::string, int> counts;
    for (tasker::transition_record const& line : end.history)
        if (line.step && line.to == "complete")
            ++counts[end.report.steps.at(*line.step).name];
    return counts;
}

/// Runs a workflow on each store, without a crash and with one after each handler: each time it must end alike, and no
/// checkpoint may be recorded twice.
template <class Input>
void survives_everywhere(tasker::workflow const& flow, Input const& input, std::string const& expected, surroundings const& around = {})
{
    for (store_kind const& kind : store_kinds()) {
        bool const is_memory = kind.name == "memory";
        if (!kind.is_there() || (!is_memory && around.elsewhere == 0))
            continue;
        INFO("on the " << kind.name << " store");
        bool crashed = true;
        for (std::size_t handlers = 1; crashed; handlers += is_memory ? 1 : around.elsewhere) {
            coroutine_end const end = run_crashing(kind.prepare(), flow, input, handlers, around);
            INFO("ended after handler " << handlers << ": " << end.report.what);
            REQUIRE(end.report.state == tasker::task_state::complete);
            REQUIRE(std::string{end.report.output.text()} == expected);
            for (auto const& [name, times] : completions(end)) {
                INFO(name);
                REQUIRE(times <= around.rounds);
            }
            crashed = end.crashed;
        }
    }
}

} // namespace support
