#include <tasker/model/records.hpp>

#include "support/catch.hpp"

#include <chrono>

using namespace tasker;
using namespace std::chrono_literals;

TEST_CASE("a step without a row is pending, with no attempts and nothing to wait for [C01] [D17]", "[C01][D17]")
{
    step_record const fresh;
    CHECK(fresh.state == step_state::pending);
    CHECK(fresh.attempts == 0);
    CHECK_FALSE(fresh.backoff_request);
    CHECK_FALSE(fresh.next_retry_at);
    CHECK_FALSE(fresh.last_failure);
    CHECK(fresh.result.is_null());
}

TEST_CASE("a new task is pending, owned by nobody, and has never been claimed [B01]", "[B01]")
{
    task_record const fresh;
    CHECK(fresh.state == task_state::pending);
    CHECK_FALSE(fresh.worker);
    CHECK(fresh.epoch == 0);
    CHECK(fresh.recoveries == 0);
    CHECK_FALSE(fresh.wake_at);
    CHECK_FALSE(fresh.request);
}

TEST_CASE("records are equal only when every field is")
{
    step_record const failed{.state = step_state::error,
                             .attempts = 2,
                             .backoff_request = 30s,
                             .started_at = time_point{1s},
                             .finished_at = time_point{2s},
                             .next_retry_at = time_point{32s},
                             .result = {},
                             .last_failure = failure{failure_kind::retry_after, "busy", "gateway_error"}};
    auto const differs = [&](auto change) {
        step_record other = failed;
        change(other);
        return !(other == failed);
    };
    CHECK(failed == step_record{failed});
    CHECK(differs([](step_record& r) { r.state = step_state::pending; }));
    CHECK(differs([](step_record& r) { r.attempts = 3; }));
    CHECK(differs([](step_record& r) { r.backoff_request.reset(); }));
    CHECK(differs([](step_record& r) { r.started_at = time_point{3s}; }));
    CHECK(differs([](step_record& r) { r.finished_at.reset(); }));
    CHECK(differs([](step_record& r) { r.next_retry_at = time_point{33s}; }));
    CHECK(differs([](step_record& r) { r.result = payload{"1"}; }));
    CHECK(differs([](step_record& r) { r.last_failure->what = "down"; }));
}

TEST_CASE("every kind of failure has a name")
{
    CHECK(name(failure_kind::transient) == "transient");
    CHECK(name(failure_kind::retry_after) == "retry_after");
    CHECK(name(failure_kind::permanent) == "permanent");
    CHECK(name(failure_kind::timeout) == "timeout");
    CHECK(name(failure_kind::abandoned) == "abandoned");
}
