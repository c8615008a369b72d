#include <tasker/base/time.hpp>

#include "support/catch.hpp"

#include <chrono>

using namespace tasker;
using namespace std::chrono_literals;

TEST_CASE("a point in time is spelled as RFC 3339 in UTC, to the microsecond")
{
    constexpr time_point at = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 6h + 3min + 27s + 250us;
    CHECK(to_text(at) == "2026-11-23T06:03:27.000250Z");
    CHECK(to_text(time_point{}) == "1970-01-01T00:00:00.000000Z");
    CHECK(to_text(time_point{-1us}) == "1969-12-31T23:59:59.999999Z");
    CHECK(to_text(time_point{std::chrono::sys_days{std::chrono::year{2024} / 2 / 29}}) ==
          "2024-02-29T00:00:00.000000Z");
}

TEST_CASE("a length of time is spelled in the unit that a person would choose")
{
    CHECK(to_text(0us) == "0s");
    CHECK(to_text(40us) == "40us");
    CHECK(to_text(999us) == "999us");
    CHECK(to_text(duration{250ms}) == "250ms");
    CHECK(to_text(1'500us) == "1.5ms");
    CHECK(to_text(duration{1'500ms}) == "1.5s");
    CHECK(to_text(duration{60s}) == "1m0s");
    CHECK(to_text(duration{125s}) == "2m5s");
    CHECK(to_text(duration{30min}) == "30m0s");
    CHECK(to_text(duration{-2s}) == "-2s");
}

TEST_CASE("a length of time is never rounded into another one")
{
    CHECK(to_text(999'999us) == "999.999ms");
    CHECK(to_text(59'999'999us) == "59.999999s");
    CHECK(to_text(119'999'999us) == "1m59.999999s");
    CHECK(to_text(12'345'678us) == "12.345678s");
}
