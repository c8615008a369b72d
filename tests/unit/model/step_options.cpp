#include <tasker/model/step_options.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <type_traits>

using namespace tasker;
using namespace std::chrono_literals;

TEST_CASE("by default a step has no timeout, no special priority, and runs on the engine's executor")
{
    constexpr step_options options;
    CHECK(options.retry == retry_policy{});
    CHECK(options.timeout == 0s);
    CHECK(options.priority == 0);
    CHECK(options.run_on.where() == place::kind::engine);
    CHECK_FALSE(problem_of(options));
}

TEST_CASE("a negative timeout is refused, and so is whatever its retry policy refuses [H08]", "[H08]")
{
    CHECK(problem_of(step_options{.timeout = -1us}) == "timeout must not be negative; zero means none");
    step_options const never{.retry = {.max_attempts = 0}};
    CHECK(problem_of(never) == problem_of(never.retry));
    CHECK(problem_of(never));
    CHECK_FALSE(problem_of(step_options{.timeout = 1us, .priority = -5}));
}

TEST_CASE("step options may be written inside a co_await expression on every compiler")
{
    STATIC_REQUIRE(std::is_trivially_destructible_v<step_options>);
    STATIC_REQUIRE(blocking.where() == place::kind::blocking);
    constexpr step_options on_pool{.run_on = blocking};
    STATIC_REQUIRE(on_pool.run_on.where() == place::kind::blocking);
}
