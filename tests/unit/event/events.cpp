#include <tasker/event/events.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <type_traits>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

template <class Event>
concept tells_its_length = requires(Event const& e) { e.elapsed; };

} // namespace

TEST_CASE("a failure without text is told as Unknown error of type unknown [I05]", "[I05]")
{
    CHECK(step_failed{}.what == "Unknown error");
    CHECK(step_failed{}.type == "unknown");
    CHECK(task_failed{}.what == "Unknown error");
    step_failed told;
    set_cause(told, failure{failure_kind::permanent, "", ""});
    CHECK(told.kind == failure_kind::permanent);
    CHECK(told.what == "Unknown error");
    CHECK(told.type == "unknown");
}

TEST_CASE("a failure with text is told as it is [I05]", "[I05]")
{
    step_failed told;
    set_cause(told, failure{failure_kind::retry_after, "come back later", "retry_after"});
    CHECK(told.kind == failure_kind::retry_after);
    CHECK(told.what == "come back later");
    CHECK(told.type == "retry_after");
}

TEST_CASE("every step event tells its task, workflow, step, attempt and attempt limit [I04]", "[I04]")
{
    step_completed e;
    e.task = task_id{1, 2};
    e.workflow = "shop/fulfil-order@1.0.0";
    e.step = "charge";
    e.attempt = 2;
    e.max_attempts = 5;
    e.elapsed = 25s;
    step_event const& base = e;
    CHECK(base.task == task_id{1, 2});
    CHECK(base.workflow == "shop/fulfil-order@1.0.0");
    CHECK(base.step == "charge");
    CHECK(base.attempt == 2);
    CHECK(base.max_attempts == 5);
    CHECK(e.elapsed == duration{25'000'000}); // exact, in microseconds
}

TEST_CASE("only events that end something tell how long it took [I06]", "[I06]")
{
    STATIC_REQUIRE(tells_its_length<task_completed>);
    STATIC_REQUIRE(tells_its_length<task_failed>);
    STATIC_REQUIRE(tells_its_length<step_completed>);
    STATIC_REQUIRE(tells_its_length<step_failed>);
    STATIC_REQUIRE_FALSE(tells_its_length<task_started>);
    STATIC_REQUIRE_FALSE(tells_its_length<task_waiting>);
    STATIC_REQUIRE_FALSE(tells_its_length<step_started>);
    STATIC_REQUIRE_FALSE(tells_its_length<task_cancelled>);
}

TEST_CASE("an event nobody filled in claims nothing [I06]", "[I06]")
{
    task_failed const half;
    CHECK(half.completion_percentage == 0);
    CHECK(half.failed_steps == 0);
    CHECK(half.elapsed == 0s);
    step_failed const failed;
    CHECK_FALSE(failed.next_retry_at.has_value());
    CHECK(failed.attempt == 0);
    task_waiting const waiting;
    CHECK_FALSE(waiting.parked);
}
