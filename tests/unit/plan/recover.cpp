#include <tasker/plan/recover.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <string>
#include <vector>

using namespace tasker;

TEST_CASE("the abandoned steps of a task are those that were running [F24]", "[F24]")
{
    task_snapshot snapshot;
    snapshot.steps = {{0, steps::in_state(step_state::complete)},
                      {2, steps::in_state(step_state::in_progress)},
                      {3, steps::in_state(step_state::error)},
                      {7, steps::in_state(step_state::in_progress)}};
    CHECK(abandoned_steps(snapshot) == std::vector<step_no>{2, 7});
    CHECK(abandoned_steps({}).empty());
}

TEST_CASE("a task may be recovered as often as allowed, and not once more")
{
    task_record task;
    task.recoveries = 10;
    CHECK_FALSE(exceeds_recoveries(task, 10));
    task.recoveries = 11;
    CHECK(exceeds_recoveries(task, 10));
    CHECK_THAT(recoveries_exceeded_text(task), support::contains("claimed 11 times") && support::contains("retry the task"));
}

TEST_CASE("an abandoned attempt says that its worker is gone")
{
    CHECK(abandoned_attempt().kind == failure_kind::abandoned);
    CHECK_THAT(abandoned_attempt().what, support::contains("worker"));
}
