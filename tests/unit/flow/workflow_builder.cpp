#include <tasker/flow/workflow_builder.hpp>

#include "support/catch.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

int one() { return 1; }
void quiet() {}

/// An attempt that nobody runs: what a plain body sees in these tests.
struct still_services final : attempt_services {
    time_point now() const override { return {}; }
    bool cancelled() const override { return false; }
    void publish(std::string_view, payload) override {}
    void sleep(duration, boost::asio::cancellation_slot, wake) override {}
    void call_blocking(unique_function<void()>) override {}
};

std::string call(workflow const& flow, step_no no, std::vector<payload> const& arguments = {})
{
    still_services services;
    boost::asio::io_context around;
    step_context context{services, {}, around.get_executor()};
    return std::string{std::get<plain_body>(flow.body(no))(context, arguments).text()};
}

template <class Declare>
std::string refusal(Declare declare)
{
    try {
        declare();
    } catch (error const& problem) {
        CHECK(problem.code() == errc::invalid_definition);
        return problem.what();
    }
    return "";
}

workflow_builder shop() { return {"shop", "sell", "1.0.0"}; }

} // namespace

TEST_CASE("a workflow has the key, the steps and the edges that were declared")
{
    auto flow = shop();
    auto const a = flow.step("a", one);
    auto const b = flow.step("b", after(a), [](int) { return 2; });
    flow.step("c", after(a, b), [](int, int) { return 3; }, {.timeout = 5s, .priority = 7});
    workflow const built = std::move(flow).build();
    CHECK(built.full_name() == "shop/sell@1.0.0");
    CHECK(built.key() == workflow_key{"shop", "sell", "1.0.0"});
    REQUIRE(built.shape().size() == 3);
    CHECK(std::vector<edge>(built.shape().edges().begin(), built.shape().edges().end()) == std::vector<edge>{{0, 1}, {0, 2}, {1, 2}});
    CHECK(built.shape().step(2).options.priority == 7);
    CHECK(built.shape().step(2).options.timeout == 5s);
    CHECK_FALSE(built.takes_input());
}

TEST_CASE("arguments come in the order of after, not in that of declaration")
{
    auto flow = shop();
    auto const given = flow.input<std::string>();
    auto const a = flow.step("a", one);
    auto const b = flow.step("b", one);
    flow.step("c", after(b, given, a), [](int second, std::string const& input, int first) {
        return input + std::to_string(first) + std::to_string(second);
    });
    workflow const built = std::move(flow).build();
    REQUIRE(built.arguments(2).size() == 3);
    CHECK(built.arguments(2)[0].step == 1);
    CHECK(built.arguments(2)[1].step == argument_source::from_input);
    CHECK(built.arguments(2)[2].step == 0);
    CHECK(call(built, 2, {payload{"20"}, payload{"\"in\""}, payload{"10"}}) == "\"in1020\"");
    CHECK(built.shape().parents(2).size() == 2);
    CHECK(built.takes_input());
}

TEST_CASE("an ordering and a result of void make an edge and no argument")
{
    auto flow = shop();
    auto const a = flow.step("a", one);
    auto const b = flow.step("b", quiet);
    flow.step("c", after(ordering(a), b), [] { return 5; });
    workflow const built = std::move(flow).build();
    CHECK(built.shape().parents(2).size() == 2);
    CHECK(built.arguments(2).empty());
    CHECK(call(built, 2) == "5");
    CHECK(call(built, 1) == "null");
}

TEST_CASE("a body is kept as what it is: a function, an async or an awaitable")
{
    auto flow = shop();
    flow.step("plain", [](step_context&) { return 1; });
    flow.step("async", [](step_context&) -> async<int> { co_return 1; });
    flow.step("awaitable", []() -> boost::asio::awaitable<void> { co_return; });
    workflow const built = std::move(flow).build();
    CHECK(std::holds_alternative<plain_body>(built.body(0)));
    CHECK(std::holds_alternative<async_body>(built.body(1)));
    CHECK(std::holds_alternative<awaitable_body>(built.body(2)));
}

TEST_CASE("the workflow's result is that of its only step without children")
{
    auto flow = shop();
    auto const a = flow.step("a", one);
    flow.step("b", after(a), [](int) { return 2; });
    CHECK(std::move(flow).build().output() == 1U);
}

TEST_CASE("with several steps without children there is no single output")
{
    auto flow = shop();
    flow.step("a", one);
    flow.step("b", one);
    CHECK_FALSE(std::move(flow).build().output());
}

TEST_CASE("returns names the step whose result it is")
{
    auto flow = shop();
    auto const a = flow.step("a", one);
    flow.step("b", after(a), [](int) { return 2; });
    flow.step("c", one);
    flow.returns(a);
    CHECK(std::move(flow).build().output() == 0U);
}

TEST_CASE("a workflow without steps can be built [E11]", "[E11]")
{
    auto const built = shop().build();
    CHECK(built.shape().size() == 0);
    CHECK_FALSE(built.output());
}

TEST_CASE("parents known by name may be declared after their children, and arrive as one object")
{
    auto flow = shop();
    flow.step("child", after_named({"b", "a"}), [](boost::json::object const& parents) -> boost::json::value {
        return parents.at("a").as_int64() * 10 + parents.at("b").as_int64();
    });
    flow.step("a", after_named(std::vector<std::string>{}), [] { return boost::json::value{1}; });
    flow.step("b", after_named({"a"}), [](step_context&, boost::json::object const&) { return boost::json::value{2}; });
    workflow const built = std::move(flow).build();
    CHECK(built.output() == 0U);
    CHECK(built.arguments(0)[0].step == 2);
    CHECK(call(built, 0, {payload{"2"}, payload{"1"}}) == "12");
    CHECK(built.shape().parents(2).front() == 1);
}

TEST_CASE("a named parent and a handle may be mixed in one workflow")
{
    auto flow = shop();
    flow.step("a", after_named(std::vector<std::string>{}), [] { return boost::json::value{1}; });
    auto const b = flow.step("b", after_named({"a"}), [](boost::json::object const& parents) { return parents.at("a"); });
    flow.step("c", after(b), [](boost::json::value const& given) { return given; });
    CHECK(std::move(flow).build().shape().level(2) == 2);
}

TEST_CASE("an input is decoded before it is accepted, and stored as its codec writes it")
{
    auto flow = shop();
    static_cast<void>(flow.input<std::vector<int>>());
    workflow const built = std::move(flow).build();
    CHECK(built.accept_input(payload{" [ 1, 2 ] "}).text() == "[1,2]");
    CHECK_THROWS_WITH(built.accept_input(payload{"[1,\"x\"]"}), "[1]: expected a number, got a string");
}

TEST_CASE("a schema fills its defaults in before the input is decoded [A04]", "[A04]")
{
    auto flow = shop();
    static_cast<void>(flow.input<boost::json::object>());
    flow.schema(input_schema{R"({"properties":{"n":{"default":3}}})"});
    CHECK(std::move(flow).build().accept_input(payload{R"({"m":1})"}).text() == R"({"m":1,"n":3})");
}

TEST_CASE("a namespace or name that could not be spelled back is refused")
{
    std::string const sentence = "a namespace and a name have 1 to 128 characters, none of them '/', '@' or a control character";
    for (std::string const& name : {std::string{}, std::string{"a/b"}, std::string{"a@b"}, std::string{"a\nb"}, std::string{"a\x1b"},
                                    std::string{"a\x7f"}, std::string(129, 'x')}) {
        CAPTURE(name);
        CHECK_THAT(refusal([&] { workflow_builder const flow("shop", name, "1.0.0"); }), support::contains(sentence));
        CHECK_THAT(refusal([&] { workflow_builder const flow(name, "sell", "1.0.0"); }), support::contains(sentence));
    }
    CHECK_FALSE(refusal([] { workflow_builder const flow("shop", std::string("a\0b", 3), "1.0.0"); }).empty());
    CHECK(refusal([] { workflow_builder const flow("shop", std::string(128, 'x'), "1.0.0"); }).empty());
}

TEST_CASE("a version that is not semantic is refused")
{
    CHECK(refusal([] { workflow_builder const flow("shop", "sell", "1.0"); }) ==
          "workflow shop/sell@1.0: \"1.0\" is not a semantic version; write major.minor.patch, such as 1.0.0");
}

TEST_CASE("a version with build metadata is refused, for it would order like the one without")
{
    CHECK_THAT(refusal([] { workflow_builder const flow("shop", "sell", "1.0.0+built-today"); }),
               support::contains("\"1.0.0+built-today\" has build metadata"));
    CHECK_THAT(refusal([] { workflow_builder const flow("shop", "sell", "1.0.0-rc.1+7"); }), support::contains("build metadata"));
    CHECK(refusal([] { workflow_builder const flow("shop", "sell", "1.0.0-rc.1"); }).empty());
}

TEST_CASE("a step without a name, or with too long a one, or with one that no text of a database can hold, is refused")
{
    using namespace std::string_literals;
    auto flow = shop();
    CHECK(refusal([&] { flow.step("", one); }) ==
          "workflow shop/sell@1.0.0: a step's name has 1 to 128 characters, none of them a control character, got \"\"");
    CHECK_THAT(refusal([&] { flow.step("a\0b"s, one); }), support::contains("none of them a control character, got \"a\\0b\""));
    CHECK_THAT(refusal([&] { flow.step("a\nb", one); }), support::contains("none of them a control character"));
    CHECK_THAT(refusal([&] { flow.step(std::string(129, 'x'), one); }), support::contains("1 to 128 characters"));
}

TEST_CASE("two steps of one name are refused")
{
    auto flow = shop();
    flow.step("a", one);
    CHECK(refusal([&] { flow.step("a", one); }) == "workflow shop/sell@1.0.0: there are two steps named \"a\"");
}

TEST_CASE("options out of their range are refused with the step's name [D18]", "[D18]")
{
    auto flow = shop();
    CHECK_THAT(refusal([&] { flow.step("a", one, {.retry = {.max_attempts = 0}}); }),
               support::contains("step \"a\": max_attempts is 0, but a step needs at least one attempt"));
    CHECK_THAT(refusal([&] { flow.step("a", one, {.timeout = -1s}); }),
               support::contains("step \"a\": timeout must not be negative; zero means none"));
}

TEST_CASE("handles of another builder are refused")
{
    auto other = shop();
    auto const foreign = other.step("a", one);
    auto const foreign_input = other.input<int>();
    auto flow = shop();
    CHECK(refusal([&] { flow.step("b", after(foreign), [](int) {}); }) ==
          "workflow shop/sell@1.0.0: after(...) of step \"b\" names a step or input of another workflow_builder");
    CHECK_THAT(refusal([&] { flow.step("b", after(foreign_input), [](int) {}); }), support::contains("another workflow_builder"));
    CHECK(refusal([&] { flow.returns(foreign); }) ==
          "workflow shop/sell@1.0.0: returns(...) names a step or input of another workflow_builder");
}

TEST_CASE("handles stay good when their builder is moved")
{
    auto flow = shop();
    auto const a = flow.step("a", one);
    workflow_builder moved = std::move(flow);
    moved.step("b", after(a), [](int) {});
    CHECK(std::move(moved).build().shape().size() == 2);
}

TEST_CASE("a parent that is no step is refused with both names [A18]", "[A18]")
{
    CHECK(refusal([] {
              auto flow = shop();
              flow.step("child", after_named({"parnet"}), [] { return boost::json::value{}; });
              static_cast<void>(std::move(flow).build());
          }) == "workflow shop/sell@1.0.0: step \"child\" depends on \"parnet\", which is no step of this workflow");
}

TEST_CASE("a cycle is refused with its path [A16]", "[A16]")
{
    auto const text = refusal([] {
        auto flow = shop();
        for (auto const& [name, parent] : {std::pair{"a", "c"}, std::pair{"b", "a"}, std::pair{"c", "b"}})
            flow.step(name, after_named({parent}), [] { return boost::json::value{}; });
        static_cast<void>(std::move(flow).build());
    });
    CHECK_THAT(text, support::contains("workflow shop/sell@1.0.0: the steps form a cycle: ") && support::contains("a -> b -> c"));
}

TEST_CASE("a step that names itself as its parent is a cycle [A16]", "[A16]")
{
    CHECK_THAT(refusal([] {
                   auto flow = shop();
                   flow.step("a", after_named({"a"}), [] { return boost::json::value{}; });
                   static_cast<void>(std::move(flow).build());
               }),
               support::contains("the steps form a cycle: a -> a"));
}

TEST_CASE("a builder takes several paths to one step [A17]", "[A17]")
{
    auto flow = shop();
    auto const a = flow.step("a", one);
    auto const b = flow.step("b", after(a), [](int) { return 2; });
    auto const c = flow.step("c", after(a), [](int) { return 3; });
    flow.step("d", after(b, c), [](int, int) { return 4; });
    CHECK(std::move(flow).build().shape().level(3) == 2);
}

TEST_CASE("declared events travel with the workflow")
{
    auto flow = shop();
    flow.event("order.shipped", "a parcel left");
    auto const built = std::move(flow).build();
    REQUIRE(built.events().size() == 1);
    CHECK(built.events()[0].name == "order.shipped");
    CHECK(built.events()[0].description == "a parcel left");
}
