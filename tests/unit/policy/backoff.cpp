#include <tasker/policy/backoff.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <random>
#include <set>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr double almost_one = 0x1.fffffffffffffp-1; // the largest draw there is

duration wait_after(exponential const& policy, jitter spread, int failures, double random)
{
    return backoff_delay(policy, spread, failures, duration::zero(), random);
}

} // namespace

TEST_CASE("the default back-off is 1, 2, 4, 8, 16, 32 s, doubling up to a cap of five minutes [H01]", "[H01]")
{
    constexpr exponential policy;
    CHECK(policy.initial == 1s);
    CHECK(policy.factor == 2.0);
    CHECK(policy.cap == 300s);
    duration expected = 1s;
    for (int failures = 1; failures <= 6; ++failures, expected *= 2)
        CHECK(backoff_delay(policy, failures) == expected);
}

TEST_CASE("without jitter the wait after 0, -1, 1, 3, 6 and 100 failures is 0, 0, 1, 4, 32 and 300 s [H02]", "[H02]")
{
    constexpr exponential policy;
    for (auto const& [failures, wait] : {std::pair{0, 0s}, {-1, 0s}, {1, 1s}, {3, 4s}, {6, 32s}, {100, 300s}}) {
        CAPTURE(failures);
        CHECK(backoff_delay(policy, failures) == wait);
        CHECK(backoff_delay(policy, jitter::none, failures, 7s, 0.5) == wait);
    }
}

TEST_CASE("no failure means no wait, whatever the jitter [H02]", "[H02]")
{
    for (auto const spread : {jitter::ten_percent, jitter::full, jitter::decorrelated})
        CHECK(backoff_delay(exponential{}, spread, 0, 5s, 0.5) == 0s);
}

TEST_CASE("the seventh wait continues the true exponential with 64 s, and the tenth reaches the cap [H03]", "[H03]")
{
    CHECK(backoff_delay(exponential{}, 7) == 64s);
    CHECK(backoff_delay(exponential{}, 9) == 256s);
    CHECK(backoff_delay(exponential{}, 10) == 300s);
}

TEST_CASE("waits of 5 s, factor 1.5, cap 60 s grow 5, 7.5, 11.25 s to 60 s and never shrink [H04]", "[H04]")
{
    constexpr exponential policy{.initial = 5s, .factor = 1.5, .cap = 60s};
    CHECK(backoff_delay(policy, 1) == 5s);
    CHECK(backoff_delay(policy, 2) == 7'500ms);
    CHECK(backoff_delay(policy, 3) == 11'250ms);
    CHECK(backoff_delay(policy, 4) == 16'875ms);
    CHECK(backoff_delay(policy, 100) == 60s);
    for (int failures = 1; failures < 200; ++failures)
        CHECK(backoff_delay(policy, failures) <= backoff_delay(policy, failures + 1));
}

TEST_CASE("waits never shrink with more failures and never pass the cap, for any policy [H04]", "[H04]")
{
    std::mt19937 random{4};
    std::uniform_int_distribution<int> us{1, 10'000'000};
    std::uniform_real_distribution<double> factor{1.0, 4.0};
    for (int draw = 0; draw < 500; ++draw) {
        duration const initial{us(random)};
        exponential const policy{.initial = initial, .factor = factor(random), .cap = initial + duration{us(random)}};
        duration previous = duration::zero();
        for (int failures = 1; failures < 60; ++failures) {
            duration const wait = backoff_delay(policy, failures);
            REQUIRE(previous <= wait);
            REQUIRE(wait <= policy.cap);
            previous = wait;
        }
    }
}

TEST_CASE("a factor of one makes the wait constant")
{
    constexpr exponential policy{.initial = 250ms, .factor = 1.0, .cap = 1s};
    CHECK(backoff_delay(policy, 1) == 250ms);
    CHECK(backoff_delay(policy, 1'000'000) == 250ms);
}

TEST_CASE("jitter keeps 100 draws in its range: 10 % around the wait, or anywhere below it [H05]", "[H05]")
{
    std::mt19937_64 bits{5};
    std::uniform_real_distribution<double> uniform{0.0, 1.0};
    constexpr exponential policy;
    for (int draw = 0; draw < 100; ++draw) {
        double const random = uniform(bits);
        auto const near = wait_after(policy, jitter::ten_percent, 3, random);
        CHECK(near >= 3'600ms);
        CHECK(near <= 4'400ms);
        auto const anywhere = wait_after(policy, jitter::full, 3, random);
        CHECK(anywhere > 0s);
        CHECK(anywhere <= 4s);
    }
}

TEST_CASE("the ends of the random range give the ends of each jitter's range [H05]", "[H05]")
{
    constexpr exponential policy;
    CHECK(wait_after(policy, jitter::ten_percent, 1, 0.0) == 900ms);
    CHECK(wait_after(policy, jitter::ten_percent, 1, 0.5) == 1s);
    CHECK(wait_after(policy, jitter::ten_percent, 1, almost_one) == 1'100ms);
    CHECK(wait_after(policy, jitter::full, 1, 0.0) == 1s);
    CHECK(wait_after(policy, jitter::full, 1, 0.75) == 250ms);
    CHECK(wait_after(policy, jitter::full, 1, almost_one) == 1us); // never zero
}

TEST_CASE("decorrelated jitter draws between the initial and three times the previous wait")
{
    constexpr exponential policy;
    CHECK(backoff_delay(policy, jitter::decorrelated, 1, 0s, 0.5) == 1s);
    CHECK(backoff_delay(policy, jitter::decorrelated, 2, 4s, 0.0) == 1s);
    CHECK(backoff_delay(policy, jitter::decorrelated, 2, 4s, 0.5) == 6'500ms);
    CHECK(backoff_delay(policy, jitter::decorrelated, 2, 4s, almost_one) == 12s);
    CHECK(backoff_delay(policy, jitter::decorrelated, 9, 200s, almost_one) == 300s);
}

TEST_CASE("without jitter ten draws are equal [H06]", "[H06]")
{
    std::set<duration> seen;
    for (int draw = 0; draw < 10; ++draw)
        seen.insert(wait_after(exponential{}, jitter::none, 3, draw / 10.0));
    CHECK(seen == std::set<duration>{4s});
}

TEST_CASE("jitter of 10 % varies at any magnitude, from 100 us to minutes [H07]", "[H07]")
{
    for (duration const initial : {duration{100us}, duration{250ms}, duration{1s}, duration{100s}}) {
        std::set<duration> seen;
        for (int draw = 0; draw < 20; ++draw)
            seen.insert(wait_after({.initial = initial}, jitter::ten_percent, 1, draw / 20.0));
        CAPTURE(initial);
        CHECK(seen.size() == 20);
    }
}

TEST_CASE("no jitter ever passes the cap, not even by rounding [H07]", "[H07]")
{
    constexpr exponential policy{.initial = 1s, .factor = 2.0, .cap = 300s};
    for (auto const spread : {jitter::ten_percent, jitter::full, jitter::decorrelated})
        for (int failures = 1; failures < 40; ++failures)
            for (double const random : {0.0, 0.3, 0.5, 0.999, almost_one})
                CHECK(backoff_delay(policy, spread, failures, 300s, random) <= 300s);
    CHECK(wait_after(policy, jitter::ten_percent, 30, almost_one) == 300s);
}

TEST_CASE("no count of failures overflows: the wait is the cap [D22]", "[D22]")
{
    for (int const failures : {44, 64, 1'024, 1'000'000, std::numeric_limits<int>::max()}) {
        CHECK(backoff_delay(exponential{}, failures) == 300s);
        CHECK(wait_after(exponential{}, jitter::full, failures, 0.0) == 300s);
    }
    CHECK(backoff_delay({.initial = 1s, .factor = 1e300, .cap = 1h}, 3) == 1h);
}

TEST_CASE("the largest cap there is does not overflow either, with any jitter [D22]", "[D22]")
{
    constexpr exponential unlimited{.initial = 1s, .factor = 2.0, .cap = duration::max()};
    CHECK(backoff_delay(unlimited, 1'000) == duration::max());
    for (auto const spread : {jitter::ten_percent, jitter::decorrelated})
        CHECK(backoff_delay(unlimited, spread, 1'000, duration::max(), almost_one) == duration::max());
    CHECK(backoff_delay(unlimited, jitter::full, 1'000, 0s, 0.5) > 100'000h);
}
