#include <tasker/flow/workflow_from_json.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"

#include <boost/json/parse.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::contains;
namespace json = boost::json;

namespace {

json::value nothing(step_context&, json::object const&) { return nullptr; }

/// A workflow whose steps all do nothing.
workflow idle(std::string const& text)
{
    return workflow_from_json(text, [](std::string_view) -> std::optional<json_body> { return nothing; });
}

/// A document with this in place of its steps' array.
std::string with_steps(std::string const& steps)
{
    return R"({"namespace": "shop", "name": "order", "version": "1.0.0", "steps": )" + steps + "}";
}

std::string complaint(std::string const& text, json_bodies const& bodies)
{
    try {
        static_cast<void>(workflow_from_json(text, bodies));
    } catch (error const& problem) {
        CHECK(problem.code() == errc::invalid_definition);
        return problem.what();
    }
    return "no complaint";
}

std::string complaint(std::string const& text) { return complaint(text, json_bodies{{"a", nothing}, {"b", nothing}, {"c", nothing}}); }

} // namespace

TEST_CASE("a document becomes a workflow with its name, steps, edges and options")
{
    workflow const flow = idle(R"({"namespace": "shop", "name": "order", "version": "1.2.3", "steps": [
        {"name": "ship", "after": ["charge", "reserve"]},
        {"name": "charge", "retry": {"max_attempts": 5, "retryable": false, "initial_ms": 0.25, "factor": 3, "cap_ms": 30000, "jitter": "full"},
         "timeout_ms": 1500, "priority": -7},
        {"name": "reserve", "retry": {}}]})");
    CHECK(flow.full_name() == "shop/order@1.2.3");
    REQUIRE(flow.shape().size() == 3);
    CHECK(flow.shape().step(0).name == "ship");
    CHECK(std::vector<step_no>(flow.shape().parents(0).begin(), flow.shape().parents(0).end()) == std::vector<step_no>{1, 2});
    step_options const& charge = flow.shape().step(1).options;
    CHECK(charge.retry == retry_policy{5, false, {250us, 3.0, 30s}, jitter::full});
    CHECK(charge.timeout == 1500ms);
    CHECK(charge.priority == -7);
    CHECK(flow.shape().step(2).options.retry == retry_policy{});
    CHECK(flow.shape().step(2).options.timeout == 0s);
    CHECK_FALSE(flow.takes_input());
}

TEST_CASE("bodies of all three kinds run with their parents' results by name")
{
    auto const plain = [](step_context& context, json::object const&) -> json::value { return context.input<json::value>().at("n"); };
    auto const doubled = [](step_context&, json::object const& parents) -> async<json::value> {
        co_return parents.at("first").to_number<int>() * 2;
    };
    auto const added = [](step_context&, json::object const& parents) -> boost::asio::awaitable<json::value> {
        co_return parents.at("first").to_number<int>() + parents.at("second").to_number<int>();
    };
    workflow const flow = workflow_from_json(R"({"namespace": "sums", "name": "add", "version": "1.0.0",
        "schema": {"type": "object", "properties": {"n": {"type": "integer", "default": 4}, "unit": {"type": "string"}}},
        "steps": [{"name": "first", "handler": "plain"}, {"name": "second", "handler": "doubled", "after": ["first"]},
                  {"name": "third", "handler": "added", "after": ["first", "second"]}]})",
                                             json_bodies{{"plain", plain}, {"doubled", doubled}, {"added", added}});
    testing::simulation sim;
    auto const report = sim.run(flow, json::value{{"unit", "m"}});
    CHECK(report.state == task_state::complete);
    CHECK(report.result<int>() == 12);
}

TEST_CASE("a schema in the document checks inputs")
{
    workflow const flow = idle(R"({"namespace": "s", "name": "n", "version": "1.0.0", "steps": [],
        "schema": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}})");
    CHECK(flow.takes_input());
    CHECK_THROWS_WITH(flow.accept_input(payload{R"({"sku": 7})"}), contains("input.sku must be string, not integer"));
    CHECK_THAT(complaint(R"({"namespace": "s", "name": "n", "version": "1.0.0", "steps": [], "schema": {"pattern": "x"}})"),
               contains("schema") && contains("\"pattern\", which is not supported"));
}

TEST_CASE("text that is no JSON is refused with line and column")
{
    CHECK(complaint("{\n  \"name\": oops}") == "the document is not JSON: line 2, column 11: syntax error");
    CHECK_THAT(complaint("{\"a\": 1"), contains("line 1, column 8: incomplete JSON"));
    CHECK_THAT(complaint("{}\n 5"), contains("the document is not JSON: line 2") && contains("extra data"));
    CHECK_THAT(complaint(""), contains("incomplete JSON"));
}

TEST_CASE("members that are unknown, missing or of another kind are refused with their place")
{
    CHECK(complaint("[]") == "the document: expected an object, got an array");
    CHECK(complaint("{}") == "the document: \"namespace\" is missing");
    CHECK(complaint(R"({"nmae": "x"})") == "the document: \"nmae\" is not known here; known are namespace, name, version, schema, steps");
    CHECK(complaint(R"({"namespace": 5, "name": "x", "version": "1.0.0", "steps": []})") == "namespace: expected a string, got a number");
    CHECK(complaint(with_steps("{}")) == "steps: expected an array, got an object");
    CHECK(complaint(with_steps(R"(["a"])")) == "steps[0]: expected an object, got a string");
    CHECK(complaint(with_steps(R"([{"name": "a"}, {"after": ["a"]}])")) == "steps[1]: \"name\" is missing");
    CHECK_THAT(complaint(with_steps(R"([{"name": "a", "timeout": 5}])")), contains("steps[0]: \"timeout\" is not known here"));
    CHECK(complaint(with_steps(R"([{"name": "a"}, {"name": "b", "after": "a"}])")) == "steps[1].after: expected an array, got a string");
    CHECK(complaint(with_steps(R"([{"name": "a"}, {"name": "b", "after": ["a", 1]}])")) == "steps[1].after[1]: expected a string, got a number");
    CHECK(complaint(with_steps(R"([{"name": "a"}, {"name": "b", "after": ["a", "a"]}])")) == "steps[1].after[1]: \"a\" is named twice");
    CHECK(complaint(with_steps(R"([{"name": "a", "priority": 1.5}])")) == "steps[0].priority: the number must be whole and not so large");
    CHECK(complaint(with_steps(R"([{"name": "a", "timeout_ms": -1}])")) ==
          "steps[0].timeout_ms: a length of time is between 0 and 1e12 milliseconds");
}

TEST_CASE("mistakes in a retry policy are refused with their place")
{
    auto const of = [](std::string const& retry) { return complaint(with_steps(R"([{"name": "a", "retry": )" + retry + "}]")); };
    CHECK(of("5") == "steps[0].retry: expected an object, got a number");
    CHECK_THAT(of(R"({"attempts": 5})"), contains("steps[0].retry: \"attempts\" is not known here; known are max_attempts,"));
    CHECK(of(R"({"retryable": 1})") == "steps[0].retry.retryable: expected true or false, got a number");
    CHECK(of(R"({"factor": "two"})") == "steps[0].retry.factor: expected a number, got a string");
    CHECK_THAT(of(R"({"jitter": "some"})"), contains("steps[0].retry.jitter: \"some\" is no jitter; it is one of \"none\""));
    CHECK_THAT(of(R"({"max_attempts": 0})"), contains("steps[0].retry: max_attempts is 0"));
    CHECK_THAT(of(R"({"initial_ms": 5000, "cap_ms": 10})"), contains("steps[0].retry: backoff.cap must not be shorter"));
    CHECK_THAT(of(R"({"cap_ms": 1e300})"), contains("steps[0].retry.cap_ms: a length of time is between"));
}

TEST_CASE("a handler that the lookup does not know is refused with its name and place")
{
    CHECK(complaint(with_steps(R"([{"name": "a"}, {"name": "x"}])")) == "steps[1].name: there is no handler called \"x\"");
    CHECK(complaint(with_steps(R"([{"name": "a", "handler": "charge"}])")) == "steps[0].handler: there is no handler called \"charge\"");
}

TEST_CASE("two steps of one name, an unknown parent and a cycle in a document are refused by name [A16] [A18]", "[A16][A18]")
{
    CHECK(complaint(with_steps(R"([{"name": "a"}, {"name": "a"}])")) == "workflow shop/order@1.0.0: there are two steps named \"a\"");
    CHECK(complaint(with_steps(R"([{"name": "a", "after": ["z"]}])")) ==
          "workflow shop/order@1.0.0: step \"a\" depends on \"z\", which is no step of this workflow");
    CHECK(complaint(with_steps(R"([{"name": "a", "after": ["c"]}, {"name": "b", "after": ["a"]}, {"name": "c", "after": ["b"]}])")) ==
          "workflow shop/order@1.0.0: the steps form a cycle: a -> b -> c -> a");
    CHECK_THAT(complaint(R"({"namespace": "s", "name": "n", "version": "one", "steps": []})"), contains("\"one\" is not a semantic version"));
}
