// What a step costs in memory: tasks submitted, run, awaited and purged again, beside what does none of the bookkeeping.

#include "bare_dispatch.hpp"
#include "report.hpp"
#ifdef TASKER_BENCHMARK_TBB
#include "tbb_dispatch.hpp"
#endif

#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using benchmark::step_graph;

namespace {

/// What the bodies of a workflow are.
enum class body { plain, async, async_hop, awaitable, awaitable_hop };
constexpr std::array<std::string_view, 5> body_names{"plain", "async", "async-hop", "awaitable", "awaitable-hop"};

tasker::async<> async_step()
{
    benchmark::trivial_step();
    co_return;
}
tasker::async<> async_step_with_hop(tasker::step_context& context)
{
    benchmark::trivial_step();
    co_await asio::post(context.get_executor(), asio::deferred);
}
asio::awaitable<void> awaitable_step()
{
    benchmark::trivial_step();
    co_return;
}
asio::awaitable<void> awaitable_step_with_hop(tasker::step_context& context)
{
    benchmark::trivial_step();
    co_await asio::post(context.get_executor(), asio::use_awaitable);
}

/// An engine on one thread with a memory store, which has run nothing or any number of rounds.
class contestant {
public:
    /// Adds a workflow of that graph with bodies of that kind, unless it is known already.
    std::string add(step_graph const& graph, body kind)
    {
        std::string const name = graph.name + "-" + std::string{body_names[static_cast<std::size_t>(kind)]};
        if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
            engine_.add(workflow_of(name, graph, kind));
            known_.push_back(name);
            context_.restart();
            context_.poll();
        }
        return "benchmark/" + name;
    }

    /// Submits the tasks of a round, awaits each, and purges them all.
    void run(step_graph const& graph, std::string const& workflow)
    {
        std::size_t running = graph.side_by_side;
        std::exception_ptr problem;
        for (std::size_t lane = 0; lane < graph.side_by_side; ++lane)
            asio::co_spawn(context_, submit(workflow, graph.tasks / graph.side_by_side), [&](std::exception_ptr thrown) {
                problem = problem ? problem : thrown;
                if (--running == 0)
                    context_.stop();
            });
        context_.restart();
        context_.run();
        asio::co_spawn(context_, engine_.purge(tasker::duration::zero(), graph.tasks), [&](std::exception_ptr thrown, std::size_t) {
            problem = problem ? problem : thrown;
            context_.stop();
        });
        context_.restart();
        context_.run();
        if (problem)
            std::rethrow_exception(problem);
    }

private:
    asio::awaitable<void> submit(std::string workflow, std::size_t tasks)
    {
        for (std::size_t task = 0; task < tasks; ++task) {
            tasker::task_handle const handle = co_await engine_.submit(workflow);
            co_await handle.result();
        }
    }

    static tasker::workflow workflow_of(std::string const& name, step_graph const& graph, body kind)
    {
        tasker::workflow_builder flow{"benchmark", name, "1.0.0"};
        for (std::size_t step = 0; step < graph.size(); ++step) {
            std::vector<std::string> parents;
            for (std::uint32_t const parent : graph.parents[step])
                parents.push_back(std::to_string(parent));
            auto const add = [&](auto function) { flow.step(std::to_string(step), tasker::named_edges{parents}, function); };
            switch (kind) {
            case body::plain: add([] { benchmark::trivial_step(); }); break;
            case body::async: add([] { return async_step(); }); break;
            case body::async_hop: add([](tasker::step_context& context) { return async_step_with_hop(context); }); break;
            case body::awaitable: add([] { return awaitable_step(); }); break;
            case body::awaitable_hop: add([](tasker::step_context& context) { return awaitable_step_with_hop(context); }); break;
            }
        }
        return std::move(flow).build();
    }

    asio::io_context context_{1};
    tasker::engine engine_{context_, tasker::memory_store{}};
    std::vector<std::string> known_;
};

/// Who runs a graph, and how long a step took it in each round.
struct entrant {
    std::string name;
    std::function<void()> run;
    benchmark::samples nanoseconds{};
};

void measure(std::vector<entrant>& entrants, step_graph const& graph, int rounds)
{
    std::size_t const steps = graph.size() * graph.tasks;
    for (int round = -1; round < rounds; ++round) // the first warms up
        for (entrant& one : entrants) {
            std::uint64_t const before = benchmark::steps_done;
            auto const begun = std::chrono::steady_clock::now();
            one.run();
            std::chrono::duration<double, std::nano> const taken = std::chrono::steady_clock::now() - begun;
            if (benchmark::steps_done - before != steps)
                throw std::runtime_error{one.name + " did not run every step of " + graph.name + " once"};
            if (round >= 0)
                one.nanoseconds.push_back(taken.count() / static_cast<double>(steps));
        }
}

/// All contestants at one graph, round by round in turn.
void compare(contestant& ours, step_graph const& graph, int rounds, benchmark::report& report)
{
    benchmark::tell("dispatch: " + graph.name);
    using benchmark::bound;
    std::vector<entrant> entrants;
    for (std::size_t kind = 0; kind < body_names.size(); ++kind)
        entrants.push_back({std::string{body_names[kind]},
                            [&ours, &graph, name = ours.add(graph, static_cast<body>(kind))] { ours.run(graph, name); }});
    auto const add = [&](std::string name, std::function<void()> run) { entrants.push_back({std::move(name), std::move(run)}); };
    add("post", [&] { benchmark::posted_run::run(graph, benchmark::posted_run::timers::none); });
    add("post, timer armed", [&] { benchmark::posted_run::run(graph, benchmark::posted_run::timers::one); });
    add("co_spawn", [&] { benchmark::spawned_run::run(graph, benchmark::spawned_run::hop::none); });
    add("co_spawn, hop", [&] { benchmark::spawned_run::run(graph, benchmark::spawned_run::hop::one); });
    add("floor", [&] { benchmark::floor_run::run(graph); });
#ifdef TASKER_BENCHMARK_TBB
    add("flow graph", [&] { benchmark::run_flow_graph(graph); });
    add("task_group", [&] { benchmark::task_group_run::run(graph); });
#endif
    measure(entrants, graph, rounds);

    std::map<std::string_view, benchmark::samples const*> of;
    for (entrant const& one : entrants)
        of.emplace(one.name, &one.nanoseconds);
    report.section(graph.name + ": " + std::to_string(graph.tasks) + " x " + std::to_string(graph.size()) + " steps");
    auto const beside = [&](std::string_view name, std::string_view baseline, bound bounded = bound::none, double target = 0) {
        report.add(benchmark::compared(std::string{name} + " | " + std::string{baseline}, "ns a step", *of.at(name), *of.at(baseline), bounded, target));
    };
    beside("plain", "post", bound::ratio_at_most, 2);
    beside("plain", "post, timer armed");
    beside("plain", "floor");
#ifdef TASKER_BENCHMARK_TBB
    beside("plain", "flow graph", bound::ratio_at_most, 1);
    beside("plain", "task_group");
#endif
    report.add(benchmark::alone("async", "ns a step", *of.at("async"), bound::figure_at_most, 70));
    beside("async-hop", "co_spawn, hop", bound::ratio_at_most, 0.5);
    report.add(benchmark::alone("awaitable", "ns a step", *of.at("awaitable"), bound::figure_at_most, 100));
    beside("awaitable-hop", "co_spawn, hop", bound::ratio_at_most, 1.1);
    beside("awaitable", "co_spawn");
}

std::vector<step_graph> graphs_of(benchmark::arguments const& given)
{
    std::size_t const share = given.quick() ? 10 : 1;
    std::vector<step_graph> graphs{benchmark::chain(1'000, 20 / share), benchmark::fan(1'000, 20 / share),
                                   benchmark::layered(100, 100, given.quick() ? 1 : 3), benchmark::diamonds(10'000 / share)};
    if (auto const folder = given.text("--wfinstances"); !folder.empty()) {
        std::vector<std::filesystem::path> files;
        for (auto const& entry : std::filesystem::directory_iterator{folder})
            if (entry.path().extension() == ".json")
                files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        for (auto const& file : files)
            graphs.push_back(benchmark::recorded(file, 10'000 / share));
    }
    return graphs;
}

/// Runs one graph with one kind of body, `tasks` times, and measures nothing: for those who count instructions.
int run_alone(std::vector<step_graph> graphs, std::string const& name, int tasks)
{
    for (step_graph& graph : graphs)
        for (std::size_t kind = 0; kind < body_names.size(); ++kind)
            if (name == graph.name + "-" + std::string{body_names[kind]}) {
                contestant ours;
                graph.side_by_side = std::min(graph.side_by_side, static_cast<std::size_t>(tasks));
                graph.tasks = static_cast<std::size_t>(tasks);
                ours.run(graph, ours.add(graph, static_cast<body>(kind)));
                std::cout << graph.size() << " steps a task\n";
                return 0;
            }
    std::cerr << "there is no " << name << "; say a graph and a body, such as chain-plain or fan-async-hop\n";
    return 2;
}

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "dispatch [--rounds 15 ] [--wfinstances FOLDER ] [--only GRAPH-BODY ] [--tasks 1 ]"};
    try {
        auto const graphs = graphs_of(given);
        if (auto const only = given.text("--only"); !only.empty())
            return run_alone(graphs, only, given.number("--tasks", 1));
        benchmark::report report{"What a step costs in memory, beside what keeps nothing (a | b: a, with b as its baseline)"};
        contestant ours;
        for (step_graph const& graph : graphs)
            compare(ours, graph, given.number("--rounds", 15, 1), report);
        given.finish(report);
        return 0;
    } catch (std::exception const& problem) {
        std::cerr << problem.what() << '\n';
        return 2;
    }
}
