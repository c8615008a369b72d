#include <tasker/policy/delay_policy.hpp>

#include "support/catch.hpp"

#include <chrono>

using namespace tasker;
using namespace std::chrono_literals;

TEST_CASE("the default delays are the documented ones [G08]", "[G08]")
{
    constexpr delay_policy policy;
    CHECK(policy.resident_limit == 60s);
    CHECK(policy.buffer == 5s);
    CHECK(policy.cap == 30min);
    CHECK(policy.has_ready_steps == 0s);
    CHECK(policy.waiting_for_dependencies == 300s);
    CHECK(policy.processing == 30s);
    CHECK(policy.fallback == 30s);
    CHECK(policy.wake_on == wake_on::longest);
    CHECK_FALSE(problem_of(policy));
}

TEST_CASE("a delay policy with a negative length, or without a cap, is refused")
{
    CHECK(problem_of(delay_policy{.resident_limit = -1us}));
    CHECK(problem_of(delay_policy{.buffer = -1us}));
    CHECK(problem_of(delay_policy{.cap = 0s}));
    CHECK(problem_of(delay_policy{.cap = -1s}));
    CHECK(problem_of(delay_policy{.has_ready_steps = -1us}));
    CHECK(problem_of(delay_policy{.waiting_for_dependencies = -1us}));
    CHECK(problem_of(delay_policy{.processing = -1us}));
    CHECK(problem_of(delay_policy{.fallback = -1us}));
    CHECK(problem_of(delay_policy{.cap = 0s})->find("cap") != std::string::npos);
}

TEST_CASE("every length of a delay policy but the cap may be zero")
{
    CHECK_FALSE(problem_of(delay_policy{.resident_limit = 0s,
                                        .buffer = 0s,
                                        .cap = 1us,
                                        .has_ready_steps = 0s,
                                        .waiting_for_dependencies = 0s,
                                        .processing = 0s,
                                        .fallback = 0s}));
}
