#include <tasker/policy/delay_calculator.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <optional>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr auto waiting = execution_status::waiting_for_dependencies;

backoff_window window_of(std::initializer_list<duration> remaining)
{
    return {.earliest = std::min(remaining), .longest = std::max(remaining)};
}

delay_calculator const by_default{delay_policy{}};
delay_calculator const by_earliest{delay_policy{.wake_on = wake_on::earliest}};

} // namespace

TEST_CASE("a task whose context cannot be read sleeps 30 s [G07]", "[G07]")
{
    CHECK(by_default.parked_delay(std::nullopt, std::nullopt) == 30s);
    CHECK(by_default.parked_delay(std::nullopt, window_of({120s})) == 30s);
}

TEST_CASE("without a back-off the delay map decides: ready 0 s, waiting 300 s, processing 30 s, others 30 s [G08]",
          "[G08]")
{
    CHECK(by_default.parked_delay(execution_status::has_ready_steps, std::nullopt) == 0s);
    CHECK(by_default.parked_delay(waiting, std::nullopt) == 300s);
    CHECK(by_default.parked_delay(execution_status::processing, std::nullopt) == 30s);
    CHECK(by_default.parked_delay(execution_status::blocked_by_failures, std::nullopt) == 30s);
    CHECK(by_default.parked_delay(execution_status::all_complete, std::nullopt) == 30s);
}

TEST_CASE("a back-off counts only while the task waits: any other status keeps its place in the map [G08]", "[G08]")
{
    CHECK(by_default.parked_delay(execution_status::has_ready_steps, window_of({120s})) == 0s);
    CHECK(by_default.parked_delay(execution_status::processing, window_of({120s})) == 30s);
    CHECK(by_default.parked_delay(execution_status::blocked_by_failures, window_of({120s})) == 30s);
    CHECK(by_default.parked_delay(execution_status::all_complete, window_of({120s})) == 30s);
}

TEST_CASE("the delay map is the policy's, entry by entry [G08]", "[G08]")
{
    delay_calculator const calculator{delay_policy{
        .has_ready_steps = 1s, .waiting_for_dependencies = 2s, .processing = 3s, .fallback = 4s}};
    CHECK(calculator.parked_delay(execution_status::has_ready_steps, std::nullopt) == 1s);
    CHECK(calculator.parked_delay(waiting, std::nullopt) == 2s);
    CHECK(calculator.parked_delay(execution_status::processing, std::nullopt) == 3s);
    CHECK(calculator.parked_delay(execution_status::blocked_by_failures, std::nullopt) == 4s);
    CHECK(calculator.parked_delay(std::nullopt, std::nullopt) == 4s);
}

TEST_CASE("a back-off of 120 s set now parks for 125 s [G09]", "[G09]")
{
    CHECK(by_default.parked_delay(waiting, window_of({120s})) == 125s);
}

TEST_CASE("the time already gone is taken off: 120 s set 0.9 s ago parks for 124.1 s, in [124 s, 125 s] [G09]", "[G09]")
{
    constexpr time_point failed{1'000'000s};
    constexpr time_point due = failed + 120s;
    constexpr time_point now = failed + 900ms;
    auto const delay = by_default.parked_delay(waiting, window_of({due - now}));
    CHECK(delay == 124'100ms);
    CHECK(delay >= 124s);
    CHECK(delay <= 125s);
}

TEST_CASE("back-offs of 60, 180 and 120 s park for 185 s: the longest and the buffer [G10]", "[G10]")
{
    CHECK(by_default.parked_delay(waiting, window_of({60s, 180s, 120s})) == 185s);
}

TEST_CASE("on request a parked task wakes at the earliest back-off, 60 s and the buffer, and then at the second [G10]",
          "[G10]")
{
    CHECK(by_earliest.parked_delay(waiting, window_of({60s, 180s})) == 65s);
    CHECK(by_earliest.parked_delay(waiting, window_of({180s - 65s})) == 120s);
}

TEST_CASE("600 s fit below the cap, an hour sleeps for 30 min and parks again for the rest [G11]", "[G11]")
{
    CHECK(by_default.parked_delay(waiting, window_of({600s})) == 605s);
    CHECK(by_default.parked_delay(waiting, window_of({1h})) == 30min);
    CHECK(by_default.parked_delay(waiting, window_of({1h - 30min})) == 30min);
    CHECK(by_earliest.parked_delay(waiting, window_of({1h, 2h})) == 30min);
}

TEST_CASE("the cap holds for the back-off and the buffer together, and the longest of waits does not overflow [G11]",
          "[G11]")
{
    CHECK(by_default.parked_delay(waiting, window_of({1'794s})) == 1'799s);
    CHECK(by_default.parked_delay(waiting, window_of({1'795s})) == 1'800s);
    CHECK(by_default.parked_delay(waiting, window_of({1'796s})) == 1'800s);
    CHECK(by_default.parked_delay(waiting, window_of({duration::max()})) == 1'800s);
    delay_calculator const buffer_above_cap{delay_policy{.buffer = 10s, .cap = 3s}};
    CHECK(buffer_above_cap.parked_delay(waiting, window_of({-20s})) == 3s);
}

TEST_CASE("a back-off that is over already parks for the buffer alone [G09]", "[G09]")
{
    CHECK(by_default.parked_delay(waiting, window_of({-10s})) == 5s);
    CHECK(by_default.parked_delay(waiting, window_of({0s})) == 5s);
}

TEST_CASE("a waiting task without any step in back-off sleeps for the map's 300 s, not longer [G12]", "[G12]")
{
    CHECK(by_default.parked_delay(waiting, std::nullopt) == 300s);
    CHECK(by_earliest.parked_delay(waiting, std::nullopt) == 300s);
}

TEST_CASE("a back-off of 0.25 s is waited for in memory, where it is exact [G13]", "[G13]")
{
    CHECK(by_default.stays_resident(window_of({250ms})));
}

TEST_CASE("a task stays in memory while its longest wait is at most the resident limit [G13]", "[G13]")
{
    CHECK(by_default.stays_resident(window_of({60s})));
    CHECK_FALSE(by_default.stays_resident(window_of({60s + 1us})));
    CHECK_FALSE(by_default.stays_resident(window_of({250ms, 120s})));
    CHECK_FALSE(by_earliest.stays_resident(window_of({250ms, 120s})));
    CHECK(by_default.stays_resident(window_of({-1s})));
    CHECK_FALSE(delay_calculator{delay_policy{.resident_limit = 0s}}.stays_resident(window_of({1us})));
}
