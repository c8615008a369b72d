#include "support/analysed_store.hpp"
#include "support/step_records.hpp"

#include <chrono>
#include <string>
#include <vector>

// The same cases as tests/unit/plan/execution_context.cpp, asked of the databases.

using namespace tasker;
using namespace std::chrono_literals;
using namespace steps;
using support::analysed_bench;
using support::on_each_database;

namespace {

/// `status/action/health` of a task of this shape with these steps.
std::string verdict(analysed_bench& on, graph const& shape, std::vector<step_record> const& steps)
{
    static int count = 0;
    auto const row = on.context(on.put(on.add(shape, "flow-" + std::to_string(++count)), steps), noon);
    return row.status + '/' + row.action + '/' + row.health;
}

} // namespace

TEST_CASE("in SQL a new task has ready steps and is healthy [E01][E02]", "[E01][E02]")
{
    on_each_database([](analysed_bench& on) {
        auto const task = on.put(on.add(steps::dummy()));
        execution_context_row expected;
        expected.task = task;
        expected.total_steps = 4;
        expected.pending_steps = 4;
        expected.ready_steps = 2;
        expected.status = "has_ready_steps";
        expected.action = "execute_ready_steps";
        expected.health = "healthy";
        CHECK((on.context(task, noon) == expected));
    });
}

TEST_CASE("in SQL the counts of the states add up to the number of steps [E02]", "[E02]")
{
    on_each_database([](analysed_bench& on) {
        step_record retried;
        retried.next_retry_at = noon + 1s;
        auto const task = on.put(on.add(independent(8)),
                                 {retried, in_state(step_state::in_progress), in_state(step_state::complete),
                                  in_state(step_state::resolved_manually), failed(1, 1s), in_state(step_state::cancelled), {}});
        auto const context = on.context(task, noon);
        CHECK(context.pending_steps == 3);
        CHECK(context.in_progress_steps == 1);
        CHECK(context.completed_steps == 2);
        CHECK(context.failed_steps == 1);
        CHECK(context.cancelled_steps == 1);
        CHECK(context.ready_steps == 2);
        CHECK(context.waiting_steps == 2);
        CHECK(context.total_steps == 8);
    });
}

TEST_CASE("in SQL a task is told from its steps by one precedence [E03][E04][E05][E06][E07][E08][E10][E11][D06]",
          "[E03][E04][E05][E06][E07][E08][E10][E11][D06]")
{
    on_each_database([](analysed_bench& on) {
        auto const done = in_state(step_state::complete);
        CHECK(verdict(on, pair(), {in_state(step_state::in_progress)}) == "processing/wait_for_completion/healthy");
        CHECK(verdict(on, pair(), {failed_for_good(3)}) == "blocked_by_failures/handle_failures/blocked");
        CHECK(verdict(on, independent(2), {failed_for_good(3), {}}) == "has_ready_steps/execute_ready_steps/recovering");
        CHECK(verdict(on, independent(2), {failed_for_good(3), in_state(step_state::in_progress)}) ==
              "processing/wait_for_completion/recovering");
        CHECK(verdict(on, independent(2), {failed_for_good(3), failed(1, 1s)}) ==
              "waiting_for_dependencies/wait_for_dependencies/recovering");
        CHECK(verdict(on, independent(2), {failed_for_good(3), done}) == "blocked_by_failures/handle_failures/blocked");
        CHECK(verdict(on, independent(2), {done, in_state(step_state::resolved_manually)}) ==
              "all_complete/finalize_task/healthy");
        CHECK(verdict(on, pair(), {failed(1, 1s)}) == "waiting_for_dependencies/wait_for_dependencies/recovering");
        CHECK(verdict(on, independent(2), {done, in_state(step_state::cancelled)}) ==
              "blocked_by_failures/handle_failures/blocked");
        CHECK(verdict(on, steps::join(), {done, in_state(step_state::cancelled)}) ==
              "blocked_by_failures/handle_failures/blocked");
        CHECK(verdict(on, graph{}, {}) == "all_complete/finalize_task/healthy");
    });
}

TEST_CASE("in SQL the completion percentage has two decimals [E07][E09][E10][E11]", "[E07][E09][E10][E11]")
{
    on_each_database([](analysed_bench& on) {
        auto const percentage = [&](std::size_t done, std::size_t of) {
            auto const workflow = on.add(independent(of), "flow-" + std::to_string(of));
            return on.context(on.put(workflow, std::vector(done, in_state(step_state::complete))), noon).completion_percentage;
        };
        CHECK(percentage(0, 0) == 0.0);
        CHECK(percentage(1, 2) == 50.0);
        CHECK(percentage(1, 3) == 33.33);
        CHECK(percentage(2, 3) == 66.67);
        CHECK(percentage(3, 3) == 100.0);
        CHECK(percentage(1, 32) == 3.13); // 3.125 is rounded away from zero, as std::round does
        CHECK(percentage(1, 160) == 0.63);
    });
}
