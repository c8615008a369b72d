// A workflow from data: a JSON document names steps and edges, and a table of bodies says what the steps do.
// Every mistake in a document is one sentence that names its place; to_mermaid draws what was understood.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::string_view breakfast = R"({
    "namespace": "kitchen", "name": "breakfast", "version": "1.0.0",
    "schema": {"type": "object", "properties": {"guests": {"type": "integer", "minimum": 1, "default": 2}}},
    "steps": [
        {"name": "eggs",  "handler": "cook", "timeout_ms": 600000, "retry": {"max_attempts": 2, "initial_ms": 500}},
        {"name": "toast", "handler": "cook"},
        {"name": "table"},
        {"name": "serve", "after": ["eggs", "toast", "table"]}
    ]})";

tasker::async<json::value> cook(tasker::step_context& context, json::object const&)
{
    auto const guests = context.input<json::object>().at("guests").to_number<int>();
    co_await context.sleep_for(guests * 1min);
    co_return json::string{std::to_string(guests) + " x " + std::string{context.step()}};
}

json::value lay_the_table(tasker::step_context&, json::object const&)
{
    return "plates";
}

json::value serve(tasker::step_context&, json::object const& parents) // by name: the results of eggs, toast and table
{
    std::string meal;
    for (auto const& [name, result] : parents)
        meal += (meal.empty() ? "" : ", ") + std::string{result.as_string()};
    return json::string{meal};
}

/// The same without a document: any number of steps, whose edges are names.
tasker::workflow chain(int links)
{
    tasker::workflow_builder flow{"course", "chain", "1.0.0"};
    flow.step("link 1", [] { return 1; });
    for (int link = 2; link <= links; ++link) {
        std::string const before = "link " + std::to_string(link - 1);
        flow.step("link " + std::to_string(link), tasker::after_named({before}), [before](json::object const& parents) {
            return json::value(parents.at(before).as_int64() + 1);
        });
    }
    return std::move(flow).build();
}

int main()
{
    tasker::json_bodies const bodies{{"cook", cook}, {"table", lay_the_table}, {"serve", serve}};

    tasker::workflow const flow = tasker::workflow_from_json(breakfast, bodies);
    tasker::testing::simulation sim;
    auto const report = sim.run(flow, json::value{{"guests", 3}, {"dog", false}});
    std::cout << "served after " << tasker::to_text(report.elapsed) << ": " << report.result<std::string>() << "\n\n";
    std::cout << to_mermaid(flow) << '\n';
    std::cout << "a chain of 100 links counts to " << sim.run(chain(100)).result<int>() << "\n\n";

    for (std::string_view const wrong : {
             R"({"namespace": "kitchen", "name": "lunch", "version": "1.0.0",
                 "steps": [{"name": "eat", "after": ["cook"]}, {"name": "shop", "handler": "table", "after": ["eat"]},
                           {"name": "cook", "after": ["shop"]}]})",
             R"({"namespace": "kitchen", "name": "lunch", "version": "1.0.0",
                 "steps": [{"name": "serve", "after": ["soup"]}]})",
             R"({"namespace": "kitchen", "name": "lunch", "version": "1.0.0",
                 "steps": [{"name": "cook", "retry": {"factor": 0.5}}]})",
             R"({"namespace": "kitchen", "name": "lunch", "version": "1.0.0",
                 "steps": [{"name": "cook", "timeout": 5}]})",
             R"({"namespace": "kitchen", "name": "lunch" "version": "1.0.0"})"})
        try {
            tasker::json_bodies known = bodies;
            known.emplace("eat", serve);
            static_cast<void>(tasker::workflow_from_json(wrong, known));
        } catch (tasker::error const& problem) {
            std::cout << problem.what() << '\n';
        }
}
