#include <tasker/model/codec.hpp>

#include "support/catch.hpp"

#include <boost/describe.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

enum class colour { red, green };
BOOST_DESCRIBE_ENUM(colour, red, green)

struct line {
    std::string sku;
    int quantity = 0;
    std::optional<std::string> note;

    friend bool operator==(line const&, line const&) = default;
};
BOOST_DESCRIBE_STRUCT(line, (), (sku, quantity, note))

struct order {
    std::vector<line> lines;
    std::map<std::string, double> prices;
    colour box = colour::red;
    bool gift = false;

    friend bool operator==(order const&, order const&) = default;
};
BOOST_DESCRIBE_STRUCT(order, (), (lines, prices, box, gift))

struct named {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(named, (), (name))

struct aged : named {
    int age = 0;
};
BOOST_DESCRIBE_STRUCT(aged, (named), (age))

struct point {
    int x = 0;
    int y = 0;
};

} // namespace

template <>
struct tasker::codec<point> {
    static payload encode(point const& value) { return payload{"[" + std::to_string(value.x) + "," + std::to_string(value.y) + "]"}; }
    static point decode(payload const& encoded)
    {
        auto const parts = codec<std::vector<int>>::decode(encoded);
        return {parts.at(0), parts.at(1)};
    }
};

using namespace tasker;

namespace {

template <class T>
T there_and_back(T const& value)
{
    return codec<T>::decode(codec<T>::encode(value));
}

template <class T>
std::string refusal(std::string const& json)
{
    try {
        static_cast<void>(codec<T>::decode(payload{json}));
    } catch (error const& problem) {
        CHECK(problem.code() == errc::bad_payload);
        return problem.what();
    }
    return "";
}

} // namespace

TEST_CASE("numbers, texts and booleans come back as they went")
{
    CHECK(there_and_back(42) == 42);
    CHECK(there_and_back(-0.1) == -0.1);
    CHECK(there_and_back(1e-300) == 1e-300);
    CHECK(there_and_back(std::numeric_limits<std::int64_t>::min()) == std::numeric_limits<std::int64_t>::min());
    CHECK(there_and_back(std::numeric_limits<std::uint64_t>::max()) == std::numeric_limits<std::uint64_t>::max());
    CHECK(there_and_back(true));
    CHECK(there_and_back(std::string{"\"quoted\" and\nbroken \xc3\xa4 \x01"}) == "\"quoted\" and\nbroken \xc3\xa4 \x01");
}

TEST_CASE("containers, optionals and enumerators come back as they went")
{
    CHECK(there_and_back(std::vector<int>{3, 1, 2}) == std::vector<int>{3, 1, 2});
    CHECK(there_and_back(std::vector<bool>{true, false}) == std::vector<bool>{true, false});
    CHECK(there_and_back(std::set<std::string>{"b", "a"}) == std::set<std::string>{"a", "b"});
    CHECK(there_and_back(std::map<std::string, int>{{"k", 1}}) == std::map<std::string, int>{{"k", 1}});
    CHECK(there_and_back(std::optional<int>{}) == std::nullopt);
    CHECK(there_and_back(std::optional<int>{0}) == 0);
    CHECK(there_and_back(colour::green) == colour::green);
    CHECK(codec<colour>::encode(colour::green).text() == "\"green\"");
}

TEST_CASE("a described struct is an object of its members, and comes back")
{
    order const given{{{"A1", 2, std::nullopt}, {"B2", 1, "fragile"}}, {{"A1", 9.5}}, colour::green, true};
    CHECK(there_and_back(given) == given);
    CHECK(codec<line>::encode({"A1", 2, std::nullopt}).text() == R"({"sku":"A1","quantity":2,"note":null})");
}

TEST_CASE("inherited members belong to the object")
{
    aged given;
    given.name = "Ada";
    given.age = 36;
    aged const back = there_and_back(given);
    CHECK(back.name == "Ada");
    CHECK(back.age == 36);
}

TEST_CASE("an optional member may be missing, and unknown members are ignored")
{
    CHECK(codec<line>::decode(payload{R"({"sku":"A1","quantity":2,"colour":"red"})"}) == line{"A1", 2, std::nullopt});
}

TEST_CASE("JSON values and payloads pass through unchanged")
{
    boost::json::value const value{{"a", 1}, {"b", nullptr}};
    CHECK(there_and_back(value) == value);
    CHECK(there_and_back(boost::json::object{{"k", "v"}}).at("k") == "v");
    payload const raw{R"({"spaces" :  1})"};
    CHECK(codec<payload>::encode(raw).text() == raw.text());
    CHECK(codec<payload>::decode(raw).text() == raw.text());
}

TEST_CASE("a codec of the user's own takes the place of the default")
{
    CHECK(codec<point>::encode({1, 2}).text() == "[1,2]");
    CHECK(there_and_back(point{3, 4}).y == 4);
}

TEST_CASE("what does not fit is named by its place")
{
    CHECK(refusal<order>(R"({"lines":[{"sku":"A","quantity":1},{"sku":"B","quantity":1},{"sku":7}],"prices":{},"box":"red","gift":true})") ==
          "lines[2].sku: expected a string, got a number");
    CHECK(refusal<order>(R"({"lines":[],"prices":{"A1":"x"},"box":"red","gift":true})") == "prices.A1: expected a number, got a string");
    CHECK(refusal<order>(R"({"lines":[],"prices":{},"box":"blue","gift":true})") == "box: \"blue\" is not one of the enumerators");
    CHECK(refusal<order>(R"({"lines":{},"prices":{},"box":"red","gift":true})") == "lines: expected an array, got an object");
    CHECK(refusal<order>(R"({"lines":[],"prices":{},"box":"red","gift":null})") == "gift: expected a boolean, got null");
    CHECK(refusal<order>(R"({"lines":[],"prices":{},"box":"red"})") == "gift: is missing");
    CHECK(refusal<order>("[]") == "expected an object, got an array");
}

TEST_CASE("a number that does not fit its type is refused")
{
    CHECK(refusal<std::int8_t>("300") == "the number does not fit the type asked for");
    CHECK(refusal<unsigned>("-1") == "the number does not fit the type asked for");
    CHECK(refusal<int>("1.5") == "the number does not fit the type asked for");
    CHECK(refusal<int>("true") == "expected a number, got a boolean");
}

TEST_CASE("a number that JSON cannot say is neither written nor read")
{
    constexpr double infinite = std::numeric_limits<double>::infinity();
    auto const refused = support::contains("which JSON cannot say");
    CHECK_THROWS_WITH(codec<double>::encode(infinite), refused);
    CHECK_THROWS_WITH(codec<std::vector<float>>::encode({std::numeric_limits<float>::quiet_NaN()}), refused);
    CHECK_THROWS_WITH(codec<boost::json::value>::encode({{"inner", {1, -infinite}}}), refused);
    CHECK(refusal<double>("1e999") == "the number does not fit the type asked for");
    CHECK(refusal<float>("1e39") == "the number does not fit the type asked for");
    CHECK(refusal<boost::json::value>(R"({"inner":[1,-1e999]})") == "a number in it is too large");
}

TEST_CASE("text that is no JSON is refused as such")
{
    CHECK_THAT(refusal<int>("{"), support::contains("the payload is not JSON"));
}

TEST_CASE("no value is no number")
{
    CHECK(refusal<int>("null") == "expected a number, got null");
    CHECK_FALSE(codec<std::optional<int>>::decode(payload{}).has_value());
}
