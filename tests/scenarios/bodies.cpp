#include <tasker/flow/workflow_builder.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"

#include <string>
#include <utility>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::simulation;

TEST_CASE("a body may return a pointer to characters: it is stored, and handed on, as text")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"test", "literal"};
        auto const plain = flow.step("plain", [] { return "plain"; });
        auto const own = flow.step("async", [](step_context&) -> async<char const*> { co_return "async"; });
        flow.step("both", after(plain, own), [](std::string const& a, std::string const& b) { return a + " and " + b; });
        auto const report = sim.run(std::move(flow).build());
        CHECK(report.result<std::string>() == "plain and async");
        CHECK(report.step("plain").result<std::string>() == "plain");
    });
}

TEST_CASE("publishing under a name that is the engine's or has no namespace fails the attempt for good, and tells nothing")
{
    for (std::string const name : {"task.completed", "step.of_mine", "nameless"}) {
        simulation sim;
        workflow_builder flow{"test", "forger"};
        flow.step("only", [name](step_context& context) {
            context.publish("body.before");
            context.publish(name, 1);
        }, {.retry = {.max_attempts = 5, .jitter = jitter::none}});
        auto const report = sim.run(std::move(flow).build());
        CHECK(report.state == task_state::error);
        CHECK(report.step("only").attempts() == 1);
        REQUIRE(report.step("only").record.last_failure);
        CHECK(report.step("only").record.last_failure->kind == failure_kind::permanent);
        CHECK_THAT(report.step("only").record.last_failure->what, support::contains(name));
        for (custom_event const& one : report.all<custom_event>())
            CHECK(one.name == "body.before");
        CHECK(report.count<task_completed>() == 0);
    }
}
