#include <tasker/plan/execution_context.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using namespace steps;

namespace {

execution_context of(graph const& shape, std::vector<step_record> const& records)
{
    return summarize(assess_all(shape, records, noon));
}

} // namespace

TEST_CASE("a new task has ready steps and is healthy [E01]", "[E01]")
{
    auto const context = of(steps::dummy(), std::vector<step_record>(4));
    CHECK(context.total_steps == 4);
    CHECK(context.pending_steps == 4);
    CHECK(context.ready_steps == 2);
    CHECK(context.in_progress_steps == 0);
    CHECK(context.completed_steps == 0);
    CHECK(context.failed_steps == 0);
    CHECK(context.cancelled_steps == 0);
    CHECK(context.waiting_steps == 0);
    CHECK(context.status == execution_status::has_ready_steps);
    CHECK(context.action == recommended_action::execute_ready_steps);
    CHECK(context.health == health_status::healthy);
    CHECK(context.completion_percentage == 0.0);
}

TEST_CASE("the counts of the states add up to the number of steps [E02]", "[E02]")
{
    auto const context = of(independent(7), {in_state(step_state::pending), in_state(step_state::in_progress), in_state(step_state::complete),
                                             in_state(step_state::resolved_manually), failed(1, 1s), in_state(step_state::cancelled), {}});
    CHECK(context.pending_steps == 2);
    CHECK(context.in_progress_steps == 1);
    CHECK(context.completed_steps == 2);
    CHECK(context.failed_steps == 1);
    CHECK(context.cancelled_steps == 1);
    CHECK(context.total_steps == 7);
}

TEST_CASE("a task with a running step and nothing ready is processing [E03]", "[E03]")
{
    auto const context = of(pair(), {in_state(step_state::in_progress), {}});
    CHECK(context.status == execution_status::processing);
    CHECK(context.action == recommended_action::wait_for_completion);
    CHECK(context.health == health_status::healthy);
}

TEST_CASE("an exhausted step with nothing left to do blocks the task [E04]", "[E04]")
{
    auto const context = of(pair(), {failed_for_good(3), {}});
    CHECK(context.status == execution_status::blocked_by_failures);
    CHECK(context.action == recommended_action::handle_failures);
    CHECK(context.health == health_status::blocked);
}

TEST_CASE("a ready step comes before an exhausted one [E05]", "[E05]")
{
    auto const context = of(independent(2), {failed_for_good(3), {}});
    CHECK(context.status == execution_status::has_ready_steps);
    CHECK(context.health == health_status::recovering);
}

TEST_CASE("a branch in back-off is awaited although another one is exhausted [E06]", "[E06]")
{
    auto context = of(independent(2), {failed_for_good(3), failed(1, 1s)});
    CHECK(context.status == execution_status::waiting_for_dependencies);
    CHECK(context.health == health_status::recovering);
    context = of(independent(2), {failed_for_good(3), in_state(step_state::complete)});
    CHECK(context.status == execution_status::blocked_by_failures);
}

TEST_CASE("a task whose steps are all complete or resolved can be finalized [E07]", "[E07]")
{
    auto const context = of(independent(2), {in_state(step_state::complete), in_state(step_state::resolved_manually)});
    CHECK(context.status == execution_status::all_complete);
    CHECK(context.action == recommended_action::finalize_task);
    CHECK(context.health == health_status::healthy);
    CHECK(context.completion_percentage == 100.0);
}

TEST_CASE("a task whose only failed step is in back-off waits and recovers [E08]", "[E08]")
{
    auto const context = of(pair(), {failed(1, 1s), {}});
    CHECK(context.status == execution_status::waiting_for_dependencies);
    CHECK(context.action == recommended_action::wait_for_dependencies);
    CHECK(context.health == health_status::recovering);
    CHECK(context.waiting_steps == 1);
}

TEST_CASE("the completion percentage has two decimals [E09]", "[E09]")
{
    auto const done = in_state(step_state::complete);
    CHECK(of(independent(3), {done, {}, {}}).completion_percentage == 33.33);
    CHECK(of(independent(3), {done, done, {}}).completion_percentage == 66.67);
}

TEST_CASE("a complete and a cancelled step make the end, not a wait [E10]", "[E10]")
{
    auto const context = of(independent(2), {in_state(step_state::complete), in_state(step_state::cancelled)});
    CHECK(context.status == execution_status::blocked_by_failures);
    CHECK(context.completion_percentage == 50.0);
}

TEST_CASE("a step below a cancelled parent counts as blocked [D06]", "[D06]")
{
    auto const context = of(steps::join(), {in_state(step_state::complete), in_state(step_state::cancelled), {}});
    CHECK(context.status == execution_status::blocked_by_failures);
    CHECK(context.pending_steps == 1);
}

TEST_CASE("a task without steps is complete at once [E11]", "[E11]")
{
    auto const context = of(graph{}, {});
    CHECK(context.status == execution_status::all_complete);
    CHECK(context.total_steps == 0);
    CHECK(context.completion_percentage == 0.0);
}

TEST_CASE("each recommended action has its urgency and its name [E13]", "[E13]")
{
    using enum recommended_action;
    CHECK(urgency_of(execute_ready_steps) == urgency::high);
    CHECK(urgency_of(wait_for_completion) == urgency::low);
    CHECK(urgency_of(wait_for_dependencies) == urgency::low);
    CHECK(urgency_of(handle_failures) == urgency::critical);
    CHECK(urgency_of(finalize_task) == urgency::medium);
    CHECK(name(execute_ready_steps) == "execute_ready_steps");
    CHECK(name(wait_for_completion) == "wait_for_completion");
    CHECK(name(wait_for_dependencies) == "wait_for_dependencies");
    CHECK(name(handle_failures) == "handle_failures");
    CHECK(name(finalize_task) == "finalize_task");
    CHECK(name(health_status::healthy) == "healthy");
    CHECK(name(health_status::recovering) == "recovering");
    CHECK(name(health_status::blocked) == "blocked");
}
