// How to see what goes on: events as they happen, a log, metrics, and questions about a task while it lives.
// Events are told after the commit that made them true, so that nobody ever hears of what is not durable.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/json/parse.hpp>

#include <chrono>
#include <iostream>
#include <regex>
#include <sstream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

tasker::workflow fulfil_order()
{
    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    flow.event("order.shipped", "a parcel left the house");
    auto const charged = flow.step("charge", [](tasker::step_context& context) {
        if (context.attempt() == 1)
            throw tasker::retry_after{20s, "the gateway is busy"};
    });
    auto const reserved = flow.step("reserve", [] { return std::string{"shelf 7"}; });
    flow.step("ship", after(charged, reserved), [](tasker::step_context& context, std::string const& shelf) {
        context.publish("order.shipped", "from " + shelf);
    });
    return std::move(flow).build();
}

void print_failure(tasker::step_failed const& e)
{
    std::cout << "  heard: " << e.step << " failed: " << e.what << '\n';
}

void print_own(tasker::custom_event const& e)
{
    std::cout << "  heard: " << e.name << ' ' << e.data.text() << '\n';
}

void print_metrics(tasker::metrics_subscriber const& metrics)
{
    std::istringstream all{metrics.to_prometheus()};
    for (std::string line; std::getline(all, line);)
        if (line.starts_with("tasker_steps_failed_total{") || line.starts_with("tasker_steps_completed_total{"))
            std::cout << "  " << line << '\n';
}

int main()
{
    tasker::testing::simulation sim; // a real engine has the same members; here the output is the same every time
    tasker::engine& engine = sim.engine();

    // A subscriber hears the events of its parameter's type, on a thread of its own or, as here, in place.
    constexpr tasker::subscribe_options in_place{.delivery = tasker::delivery::in_place};
    auto const failures = engine.subscribe(print_failure, in_place);
    auto const own = engine.subscribe(print_own, in_place);

    std::ostringstream lines;
    tasker::metrics_subscriber const metrics;
    auto const logging = engine.subscribe(tasker::log_subscriber{lines, {.least = tasker::log_level::warning}});
    auto const counting = engine.subscribe(metrics);

    std::cout << "The task starts\n";
    tasker::workflow const flow = fulfil_order();
    tasker::task_id const id = sim.submit(flow);
    sim.advance(5s);

    std::cout << "What it waits for after 5 s\n";
    for (tasker::wait_reason const& reason : sim.await(engine.why(id)))
        std::cout << "  " << reason.text << '\n';

    std::cout << "Its snapshot, some members of it\n";
    auto const snapshot = boost::json::parse(sim.await(engine.snapshot_json(id)));
    std::cout << "  health " << snapshot.at("execution").at("health") << '\n';
    for (auto const& step : snapshot.at("steps").as_array())
        std::cout << "  " << step.at("name") << ": " << step.at("state") << '\n';

    std::cout << "The task goes on\n";
    sim.finish(id);

    std::cout << "The audit trail in the store\n";
    for (tasker::transition_record const& one : sim.await(engine.history(id)))
        std::cout << "  " << (one.step ? flow.shape().step(*one.step).name : "task") << ": " << one.from << " -> "
                  << one.to << (one.detail.empty() ? "" : ", ") << one.detail << '\n';

    std::cout << "The log\n";
    logging.flush(); // it is written by a thread of its own, which a slow disk may keep busy
    std::cout << "  " << std::regex_replace(lines.str(), std::regex{"task=[0-9a-f-]+"}, "task=(its id)");

    std::cout << "Some of the metrics\n";
    print_metrics(metrics);
}
