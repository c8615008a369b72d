// A workflow that asks a person: it waits three days for a message, out of memory meanwhile, and a loop without an end
// that starts anew with each round.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/describe/class.hpp>

#include <chrono>
#include <iostream>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct approval {
    std::string by;
    bool granted;
};
BOOST_DESCRIBE_STRUCT(approval, (), (by, granted))

asio::awaitable<std::string> expense(tasker::workflow_context& wf, int const& amount)
{
    wf.set_value("status", "waits for approval");
    try {
        approval const answer = co_await wf.receive<approval>("approval", {.timeout = 72h});
        if (!answer.granted)
            co_return answer.by + " refused";
    } catch (tasker::receive_timeout const&) {
        co_return "nobody answered";
    }
    wf.set_value("status", "is paid");
    co_return co_await wf.step("pay", [&] { return "paid " + std::to_string(amount); });
}

asio::awaitable<int> counter(tasker::workflow_context& wf, int const& total)
{
    int const more = co_await wf.receive<int>("add");
    if (more == 0)
        co_return total;
    wf.continue_as_new(total + more);
}

int main()
{
    tasker::testing::simulation sim;
    auto const expenses = tasker::coroutine_workflow("office", "expense", "1.0.0", expense);
    auto const asked = sim.submit(expenses, 120);
    auto const forgotten = sim.submit(expenses, 80);
    sim.advance(24h);
    std::cout << *sim.await(sim.engine().value<std::string>(asked, "status")) << '\n';
    approval const yes{"Ada", true};
    sim.await(sim.engine().send(asked, "approval", yes, {.key = "click 1"}));
    sim.finish(asked);
    sim.finish(forgotten);
    for (auto const& task : {asked, forgotten})
        std::cout << sim.report(task).result<std::string>() << " after " << tasker::to_text(sim.report(task).elapsed) << '\n';

    auto const counting = sim.submit(tasker::coroutine_workflow("office", "counter", "1.0.0", counter), 0);
    for (int const each : {1, 2, 3, 0})
        sim.await(sim.engine().send(counting, "add", each));
    sim.finish(counting);
    std::cout << "counted to " << sim.report(counting).result<int>() << '\n';
}
