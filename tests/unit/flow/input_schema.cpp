#include <tasker/flow/input_schema.hpp>

#include "support/catch.hpp"

#include <string>

using namespace tasker;

namespace {

std::string applied(std::string const& schema, std::string const& input)
{
    return std::string{input_schema{schema}.apply(payload{input}).text()};
}

/// Everything wrong with `input`, without the introduction.
std::string problems(std::string const& schema, std::string const& input)
{
    try {
        applied(schema, input);
    } catch (error const& refused) {
        CHECK(refused.code() == errc::invalid_input);
        std::string const text = refused.what();
        std::string const introduction = "the input does not fit the workflow's schema: ";
        REQUIRE(text.substr(0, introduction.size()) == introduction);
        return text.substr(introduction.size());
    }
    return "";
}

std::string refusal(std::string const& schema)
{
    try {
        input_schema const rules{schema};
    } catch (error const& refused) {
        CHECK(refused.code() == errc::invalid_definition);
        return refused.what();
    }
    return "";
}

} // namespace

TEST_CASE("a value of the wrong type is refused by name [A03]", "[A03]")
{
    CHECK(problems(R"({"type":"object","required":["dummy"],"properties":{"dummy":{"type":"boolean"}}})",
                   R"({"bad_param":true,"dummy":12})") == "input.dummy must be boolean, not integer");
}

TEST_CASE("everything wrong is listed at once [A03]", "[A03]")
{
    CHECK(problems(R"({"properties":{"a":{"type":"string"},"b":{"minimum":3}},"required":["c"]})", R"({"a":1,"b":2})") ==
          "input.a must be string, not integer; input.b must be at least 3; input.c is missing");
}

TEST_CASE("an omitted property gets its default [A04]", "[A04]")
{
    std::string const schema = R"({"properties":{"speed":{"type":"integer","default":5}}})";
    CHECK(applied(schema, R"({})") == R"({"speed":5})");
    CHECK(applied(schema, R"({"speed":9})") == R"({"speed":9})");
}

TEST_CASE("defaults are filled in at any depth and are checked too [A04]", "[A04]")
{
    CHECK(applied(R"({"properties":{"o":{"default":{},"properties":{"n":{"default":1}}}}})", "{}") == R"({"o":{"n":1}})");
    CHECK(problems(R"({"properties":{"o":{"default":"x","type":"integer"}}})", "{}") == "input.o must be integer, not string");
}

TEST_CASE("a required property with a default is never missing [A04]", "[A04]")
{
    CHECK(applied(R"({"required":["n"],"properties":{"n":{"default":1}}})", "{}") == R"({"n":1})");
}

TEST_CASE("each JSON type is told from the others")
{
    auto const fits = [](std::string const& type, std::string const& value) {
        return problems(R"({"type":")" + type + R"("})", value).empty();
    };
    for (auto const* type : {"null", "boolean", "string", "array", "object", "integer", "number"}) {
        std::string const wanted = type;
        CAPTURE(wanted);
        CHECK(fits(wanted, "null") == (wanted == "null"));
        CHECK(fits(wanted, "true") == (wanted == "boolean"));
        CHECK(fits(wanted, "\"x\"") == (wanted == "string"));
        CHECK(fits(wanted, "[]") == (wanted == "array"));
        CHECK(fits(wanted, "{}") == (wanted == "object"));
        CHECK(fits(wanted, "1") == (wanted == "integer" || wanted == "number"));
        CHECK(fits(wanted, "1.0") == (wanted == "integer" || wanted == "number"));
        CHECK(fits(wanted, "1.5") == (wanted == "number"));
    }
}

TEST_CASE("one of several types is enough")
{
    CHECK(problems(R"({"type":["string","null"]})", "null").empty());
    CHECK(problems(R"({"type":["string","null"]})", "3") == "input must be string or null, not integer");
}

TEST_CASE("numbers keep to their bounds, the bounds included")
{
    std::string const schema = R"({"minimum":1,"maximum":3})";
    CHECK(problems(schema, "1").empty());
    CHECK(problems(schema, "3").empty());
    CHECK(problems(schema, "0") == "input must be at least 1");
    CHECK(problems(schema, "3.5") == "input must be at most 3");
    CHECK(problems(schema, "\"text\"").empty());
}

TEST_CASE("strings keep to their lengths")
{
    std::string const schema = R"({"minLength":2,"maxLength":3})";
    CHECK(problems(schema, R"("ab")").empty());
    CHECK(problems(schema, R"("a")") == "input must have a length of at least 2");
    CHECK(problems(schema, R"("abcd")") == "input must have a length of at most 3");
}

TEST_CASE("an enumeration allows its members only")
{
    CHECK(problems(R"({"enum":["red",1]})", "1").empty());
    CHECK(problems(R"({"enum":["red",1]})", R"("blue")") == R"(input must be one of ["red",1])");
}

TEST_CASE("unknown properties are welcome unless the schema says no")
{
    CHECK(applied(R"({"properties":{}})", R"({"extra":1})") == R"({"extra":1})");
    CHECK(problems(R"({"additionalProperties":false,"properties":{"a":{}}})", R"({"a":1,"extra":1})") == "input.extra is not known");
}

TEST_CASE("the elements of an array are named by their index")
{
    CHECK(problems(R"({"properties":{"lines":{"items":{"required":["sku"]}}}})", R"({"lines":[{"sku":1},{}]})") ==
          "input.lines[1].sku is missing");
}

TEST_CASE("annotations are allowed and change nothing")
{
    CHECK(applied(R"({"$schema":"x","$id":"y","title":"t","description":"d","examples":[]})", R"({"a":1})") == R"({"a":1})");
}

TEST_CASE("a schema that cannot be checked is refused")
{
    CHECK(refusal(R"({"pattern":"a+"})") == "the input schema uses the keyword \"pattern\", which is not supported");
    CHECK(refusal(R"({"properties":{"a":{"items":{"oneOf":[]}}}})") ==
          "the input schema.a[] uses the keyword \"oneOf\", which is not supported");
    CHECK(refusal("[]") == "the input schema must be a JSON object");
    CHECK_THAT(refusal("{"), support::contains("the input schema is not JSON"));
}

TEST_CASE("a number too large to be stored is a problem")
{
    CHECK(problems("{}", R"({"weight":1e999})") == "it has a number that is too large");
}

TEST_CASE("an input that is no JSON is refused as such")
{
    CHECK_THROWS_WITH(applied("{}", "{"), support::contains("the input is not JSON"));
}
