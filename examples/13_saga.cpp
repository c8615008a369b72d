// A journey is booked leg by leg, and what was booked is undone in reverse when a leg fails or the traveller cancels.
// What undoes is durable, too: it is retried like any step, and goes on after a crash.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> journey(tasker::workflow_context& wf, std::vector<std::string> const& legs)
{
    for (std::string const& leg : legs) {
        std::string const ticket = co_await wf.step("book " + leg, [&] {
            if (leg == "moon")
                throw tasker::permanent_error{"no such flight"};
            std::cout << "  booked " << leg << '\n';
            return "ticket to " + leg;
        });
        wf.compensate(leg, [ticket] { std::cout << "  gave back the " << ticket << '\n'; }); // owns what it needs
    }
    co_await wf.receive<int>("departure");
}

int main()
{
    tasker::testing::simulation sim;
    auto const flow = tasker::coroutine_workflow("travel", "journey", "1.0.0", journey);
    std::cout << "a leg fails\n";
    std::vector<std::string> const far{"paris", "rome", "moon"};
    auto const failed = sim.run(flow, far);
    std::cout << name(failed.state) << ": " << failed.what << '\n';

    std::cout << "the traveller cancels\n";
    std::vector<std::string> const near{"paris", "rome"};
    auto const task = sim.submit(flow, near);
    sim.advance(1h);
    sim.await(sim.engine().cancel(task, "ill"));
    sim.finish(task);
    std::cout << name(sim.report(task).state) << ": " << sim.report(task).what << '\n';
}
