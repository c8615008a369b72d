#include <tasker/base/overloaded.hpp>

#include "support/catch.hpp"

#include <string>
#include <variant>

TEST_CASE("an overloaded visitor calls the one lambda that fits the alternative")
{
    using value = std::variant<int, std::string>;
    auto const kind_of = [](value const& any) {
        return std::visit(tasker::overloaded{[](int number) { return "number " + std::to_string(number); },
                                             [](std::string const& text) { return "text " + text; }},
                          any);
    };
    CHECK(kind_of(7) == "number 7");
    CHECK(kind_of("seven") == "text seven");
}
