// A workflow written as a coroutine: as many rounds as it takes, branches side by side, results in plain variables. Every
// awaited step is a checkpoint: after a crash the coroutine runs again, and what is recorded is told at once, not done again.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <chrono>
#include <iostream>
#include <string>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

asio::awaitable<std::string> coffee(tasker::workflow_context& wf, int const& rounds)
{
    std::cout << "the coroutine starts\n"; // and again after the crash: what is outside of steps is not recorded
    auto const [degrees, grams] = co_await (wf.step("heat", [](tasker::step_context& s) -> asio::awaitable<int> {
        std::cout << "  heating\n";
        co_await s.sleep_for(3min);
        co_return 96;
    }) && wf.step("grind", [] {
        std::cout << "  grinding\n";
        return 18;
    }));
    for (int round = 1; round <= rounds; ++round) {
        co_await wf.step("pour", [&] { std::cout << "  pouring, round " << round << '\n'; });
        co_await wf.sleep("drip", 40s);
    }
    co_return std::to_string(grams) + " g at " + std::to_string(degrees) + " degrees";
}

int main()
{
    tasker::testing::simulation_options options; // the very engine, on a clock that jumps
    options.engine.lease = 10s;
    tasker::testing::simulation sim{options};
    auto const task = sim.submit(tasker::coroutine_workflow("kitchen", "coffee", "1.0.0", coffee), 3);
    sim.advance(3min + 50s);
    std::cout << "the power fails\n";
    sim.crash(11s);
    sim.finish(task);
    std::cout << name(sim.report(task).state) << ": " << sim.report(task).result<std::string>() << '\n';
}
