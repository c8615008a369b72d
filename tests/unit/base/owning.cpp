#include <tasker/base/owning.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>
#include <vector>

namespace {

struct owning_aggregate {
    std::string text;
};
struct plain_aggregate {
    int number = 0;
};
class with_constructor {
public:
    with_constructor() = default;
    explicit with_constructor(std::string text) : text_{std::move(text)} {}

private:
    std::string text_;
};

constexpr bool on_this_compiler = TASKER_BREAKS_OWNING_TEMPORARIES != 0;

} // namespace

TEST_CASE("temporaries that own memory are refused where the compiler destroys them twice, and nowhere else")
{
    auto const closure = [text = std::string{"x"}] { return text.size(); };
    auto const shared = [pointer = std::make_shared<int>(1)] { return *pointer; };
    STATIC_REQUIRE(tasker::breaks_in_co_await<owning_aggregate> == on_this_compiler);
    STATIC_REQUIRE(tasker::breaks_in_co_await<decltype(closure)> == on_this_compiler);
    STATIC_REQUIRE(tasker::breaks_in_co_await<decltype(shared)> == on_this_compiler);
}

TEST_CASE("what every compiler destroys once is allowed: references, plain values, classes with constructors")
{
    int number = 1;
    auto const by_reference = [&number] { return number; };
    auto const nothing = [] { return 1; };
    STATIC_REQUIRE_FALSE(tasker::breaks_in_co_await<owning_aggregate&>);
    STATIC_REQUIRE_FALSE(tasker::breaks_in_co_await<owning_aggregate const&>);
    STATIC_REQUIRE_FALSE(tasker::breaks_in_co_await<plain_aggregate>);
    STATIC_REQUIRE_FALSE(tasker::breaks_in_co_await<with_constructor>);
    STATIC_REQUIRE_FALSE(tasker::breaks_in_co_await<std::string>);
    STATIC_REQUIRE_FALSE(tasker::breaks_in_co_await<std::vector<int>>);
    STATIC_REQUIRE_FALSE(tasker::breaks_in_co_await<decltype(by_reference)>);
    STATIC_REQUIRE_FALSE(tasker::breaks_in_co_await<decltype(nothing)>);
    CHECK(by_reference() == nothing());
}
