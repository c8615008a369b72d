// What an operator can do: cancel, retry and resolve tasks and steps, limit what runs at once, drain for a restart.
// A command returns when its effect is durable, and one that makes no sense is refused with a sentence.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using tasker::testing::simulation;

/// The world outside, which fails until somebody mends it.
struct gateway {
    bool works = false;
};

/// Lifetime: `world` must outlive every engine that runs it.
tasker::workflow fulfil_order(gateway const& world)
{
    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    auto const charged = flow.step("charge", [&world] {
        if (!world.works)
            throw tasker::permanent_error{"the gateway knows no such merchant"};
        return std::string{"a receipt from the gateway"};
    });
    flow.step("ship", after(charged), [](std::string const& receipt) { return "shipped with " + receipt; });
    return std::move(flow).build();
}

void tell(simulation& sim, tasker::task_id id, std::string const& when)
{
    auto const report = sim.report(id);
    std::cout << "  " << when << ": " << (report.what.empty() ? report.result<std::string>() : report.what) << '\n';
}

void mend_what_failed()
{
    gateway world;
    simulation sim;
    tasker::engine& engine = sim.engine();
    tasker::workflow const flow = fulfil_order(world);
    tasker::task_id const first = sim.submit(flow);
    tasker::task_id const second = sim.submit(flow);
    tasker::task_id const third = sim.submit(flow);

    std::cout << "Three tasks in error\n";
    tell(sim, first, "each");
    sim.await(engine.resolve_step(first, "charge", std::string{"a receipt written by hand"}));
    tell(sim, first, "resolve_step gives the step a result");
    world.works = true;
    sim.await(engine.reset_step(second, "charge", "the merchant is registered now"));
    tell(sim, second, "reset_step has one step start anew");
    sim.await(engine.retry(third));
    tell(sim, third, "retry has all failed steps start anew");
    try {
        sim.await(engine.retry(third));
    } catch (tasker::error const& problem) {
        std::string const sentence = problem.what();
        std::cout << "  refused: " << sentence.substr(sentence.find(": ") + 2) << '\n'; // without the task's id
    }
}

tasker::async<void> bake(tasker::step_context& context, std::string const& what)
{
    std::cout << "  " << what << " goes into the oven\n";
    co_await context.sleep_for(10min);
}

tasker::workflow baking()
{
    tasker::workflow_builder flow{"bakery", "baking", "1.0.0"};
    auto const what = flow.input<std::string>();
    flow.step("bake", after(what), bake);
    return std::move(flow).build();
}

void limit_and_cancel(tasker::workflow const& bread)
{
    simulation sim;
    sim.add(bread, {.max_concurrent_steps = 1});
    std::cout << "One oven: the others wait, and those of higher priority start first\n";
    auto const rye = sim.submit(bread, std::string{"rye"});
    sim.submit(bread, std::string{"wheat"});
    sim.submit(bread, std::string{"the baker's own"}, {.priority = 5});
    sim.advance(1min);
    sim.await(sim.engine().cancel(rye, "it was burnt"));
    tell(sim, rye, "rye");
    sim.advance(30min);
}

void drain_for_a_restart(tasker::workflow const& cake)
{
    simulation sim;
    std::cout << "A restart: drain lets running steps end, and leaves the rest to the next engine\n";
    sim.add(cake, {.max_concurrent_steps = 1});
    auto const first = sim.submit(cake, std::string{"a tart"});
    auto const second = sim.submit(cake, std::string{"a strudel"});
    boost::asio::co_spawn(sim.context(), sim.engine().drain(), [](std::exception_ptr) { std::cout << "  drained\n"; });
    sim.advance(10min);
    std::cout << "  the tart is " << name(sim.report(first).state) << ", the strudel "
              << name(sim.report(second).state) << '\n';
    sim.crash(); // the next process
    sim.finish(second);
    std::cout << "  the strudel is " << name(sim.report(second).state) << '\n';
}

int main()
{
    mend_what_failed();
    limit_and_cancel(baking());
    drain_for_a_restart(baking());
}
