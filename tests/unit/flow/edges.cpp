#include <tasker/flow/edges.hpp>

#include "support/catch.hpp"

#include <string>
#include <type_traits>
#include <vector>

using namespace tasker;

namespace {

char const builder = 0;

step_handle<int> number() { return {{&builder, 3}}; }
step_handle<void> silence() { return {{&builder, 4}}; }
input_handle<std::string> text() { return {{&builder, argument_source::from_input}}; }

} // namespace

TEST_CASE("edges keep the order and the types of what they name")
{
    auto const parents = after(text(), number(), silence());
    STATIC_REQUIRE(std::is_same_v<decltype(parents), edges<std::string, int, void> const>);
    CHECK(parents.sources[0].step == argument_source::from_input);
    CHECK(parents.sources[1].step == 3);
    CHECK(parents.sources[2].step == 4);
    CHECK(parents.sources[1].builder == &builder);
}

TEST_CASE("an ordering names its step and hands over nothing")
{
    auto const order = ordering(number());
    STATIC_REQUIRE(std::is_same_v<decltype(order), step_handle<void> const>);
    CHECK(order.source.step == 3);
}

TEST_CASE("named edges can be written as a list or built as a vector")
{
    CHECK(after_named({"a", "b"}).parents == std::vector<std::string>{"a", "b"});
    CHECK(after_named(std::vector<std::string>{"c"}).parents == std::vector<std::string>{"c"});
    CHECK(after_named(std::vector<std::string>{}).parents.empty());
}

TEST_CASE("only handles of steps and inputs make edges")
{
    STATIC_REQUIRE(edge_handle<step_handle<int>>);
    STATIC_REQUIRE(edge_handle<input_handle<std::string>>);
    STATIC_REQUIRE_FALSE(edge_handle<int>);
    STATIC_REQUIRE_FALSE(edge_handle<std::string>);
    CHECK(after().sources.empty());
}
