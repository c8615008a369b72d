#include <tasker/base/error.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>

using namespace tasker;
using namespace std::chrono_literals;

TEST_CASE("an error carries its code for programs and its sentence for people")
{
    error const raised{errc::duplicate_task, "this order was submitted already; ask for its task instead"};
    CHECK(raised.code() == errc::duplicate_task);
    CHECK(std::string_view{raised.what()} == "this order was submitted already; ask for its task instead");
}

TEST_CASE("a NUL byte in what an error quotes does not cut its sentence off")
{
    using namespace std::string_literals;
    CHECK(std::string_view{error{errc::invalid_definition, "\"a\0b\" is no name\0"s}.what()} == "\"a\\0b\" is no name\\0");
}

TEST_CASE("every error code has a name of its own, and it is spelled as in the source")
{
    std::set<std::string_view> names;
    for (int code = 0; code <= static_cast<int>(errc::engine_stopped); ++code)
        names.insert(name(static_cast<errc>(code)));
    CHECK(names.size() == static_cast<std::size_t>(errc::engine_stopped) + 1);
    CHECK_FALSE(names.contains("unknown"));
    CHECK(name(errc::invalid_definition) == "invalid_definition");
    CHECK(name(errc::lease_lost) == "lease_lost");
    CHECK(name(errc::engine_stopped) == "engine_stopped");
}

TEST_CASE("retry_after carries the very wait it was given, and has something to say without being told")
{
    CHECK(retry_after{1'500ms}.delay() == 1'500ms);
    CHECK(std::string_view{retry_after{1s}.what()} == "asked to try again later");
    CHECK(std::string_view{retry_after{1s, "the gateway is busy"}.what()} == "the gateway is busy");
}

TEST_CASE("the three failures of a step's body are distinct types, and none is the library's own error")
{
    STATIC_REQUIRE_FALSE(std::is_base_of_v<transient_error, retry_after>);
    STATIC_REQUIRE_FALSE(std::is_base_of_v<transient_error, permanent_error>);
    STATIC_REQUIRE_FALSE(std::is_base_of_v<permanent_error, retry_after>);
    STATIC_REQUIRE_FALSE(std::is_base_of_v<error, transient_error>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, retry_after>);
}
