#include <tasker/policy/retry_policy.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <limits>
#include <type_traits>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

bool complains_about(retry_policy const& policy, std::string const& option)
{
    auto const problem = problem_of(policy);
    INFO(problem.value_or("nothing"));
    return problem && problem->starts_with(option);
}

} // namespace

TEST_CASE("by default a step has three attempts, is retryable, and its back-off is spread by 10 % [H01]", "[H01]")
{
    constexpr retry_policy policy;
    CHECK(policy.max_attempts == 3);
    CHECK(policy.retryable);
    CHECK(policy.backoff == exponential{.initial = 1s, .factor = 2.0, .cap = 5min});
    CHECK(policy.jitter == jitter::ten_percent);
    CHECK_FALSE(problem_of(policy));
}

TEST_CASE("each option out of its range is refused by name [H08]", "[H08]")
{
    constexpr double infinite = std::numeric_limits<double>::infinity();
    constexpr double no_number = std::numeric_limits<double>::quiet_NaN();
    CHECK(complains_about({.max_attempts = 0}, "max_attempts is 0"));
    CHECK(complains_about({.max_attempts = -3}, "max_attempts is -3"));
    CHECK(complains_about({.backoff = {.initial = 0s}}, "backoff.initial"));
    CHECK(complains_about({.backoff = {.initial = -1s}}, "backoff.initial"));
    CHECK(complains_about({.backoff = {.factor = 0.999}}, "backoff.factor"));
    CHECK(complains_about({.backoff = {.factor = infinite}}, "backoff.factor"));
    CHECK(complains_about({.backoff = {.factor = no_number}}, "backoff.factor"));
    CHECK(complains_about({.backoff = {.initial = 2s, .cap = 1s}}, "backoff.cap"));
}

TEST_CASE("options at the ends of their ranges are accepted [H08]", "[H08]")
{
    CHECK_FALSE(problem_of(retry_policy{.max_attempts = 1}));
    CHECK_FALSE(problem_of(retry_policy{.max_attempts = 1, .retryable = false}));
    CHECK_FALSE(problem_of(retry_policy{.max_attempts = std::numeric_limits<int>::max()}));
    CHECK_FALSE(problem_of(retry_policy{.backoff = {.initial = 1us, .factor = 1.0, .cap = 1us}}));
    CHECK_FALSE(problem_of(retry_policy{.backoff = {.cap = duration::max()}}));
}

TEST_CASE("policies of equal values are equal, and every option takes part in that [H09]", "[H09]")
{
    CHECK(retry_policy{} == retry_policy{.max_attempts = 3});
    CHECK_FALSE(retry_policy{} == retry_policy{.max_attempts = 4});
    CHECK_FALSE(retry_policy{} == retry_policy{.retryable = false});
    CHECK_FALSE(retry_policy{} == retry_policy{.backoff = {.initial = 2s}});
    CHECK_FALSE(retry_policy{} == retry_policy{.backoff = {.factor = 1.5}});
    CHECK_FALSE(retry_policy{} == retry_policy{.backoff = {.cap = 1min}});
    CHECK_FALSE(retry_policy{} == retry_policy{.jitter = jitter::none});
}

TEST_CASE("a policy can be a constant of the program, which nothing can change [H09]", "[H09]")
{
    static constexpr retry_policy patient{.max_attempts = 5, .backoff = {.initial = 200ms, .cap = 30s}};
    STATIC_REQUIRE(patient.max_attempts == 5);
    STATIC_REQUIRE_FALSE(std::is_assignable_v<decltype((patient)), retry_policy>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<retry_policy>);
}
