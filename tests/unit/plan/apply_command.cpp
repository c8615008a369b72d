#include <tasker/plan/apply_command.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using steps::noon;

namespace {

constexpr std::array all_task_states{task_state::pending,  task_state::in_progress, task_state::complete,
                                     task_state::error,    task_state::cancelled,   task_state::resolved_manually};
constexpr std::array all_step_states{step_state::pending,  step_state::in_progress, step_state::complete,
                                     step_state::error,    step_state::cancelled,   step_state::resolved_manually};

command_effect asked(command const& what, task_state task, std::vector<step_record> const& records)
{
    graph const shape = steps::graph_of({"first", "second"}, {});
    std::vector<std::pair<step_no, step_record>> numbered;
    for (step_no no = 0; no < records.size(); ++no)
        numbered.emplace_back(no, records[no]);
    return apply_command(what, task, task_plan{shape, std::move(numbered), noon});
}

std::optional<task_state> task_after(command_kind kind, task_state from)
{
    auto const effect = asked({kind, "", {}, ""}, from, {{}, {}});
    CHECK(effect.refusal.has_value() != effect.task.has_value());
    if (effect.refusal)
        CHECK_THAT(*effect.refusal, support::contains(std::string{name(from)}));
    return effect.task;
}

/// What `kind`, aimed at the first step, does to it in a task of this state; nothing: it is refused.
std::optional<step_state> step_after(command_kind kind, task_state task, step_state from)
{
    auto const effect = asked({kind, "first", {}, ""}, task, {steps::in_state(from), {}});
    if (effect.refusal) {
        CHECK(effect.steps.empty());
        CHECK_FALSE(effect.task);
        return std::nullopt;
    }
    REQUIRE(effect.steps.size() == 1);
    CHECK(effect.steps[0].step == 0);
    return effect.steps[0].to;
}

bool accepts_step_commands(task_state task)
{
    return task == task_state::pending || task == task_state::in_progress || task == task_state::error;
}

} // namespace

TEST_CASE("every task that is not cancelled can be cancelled")
{
    for (task_state const from : all_task_states) {
        CAPTURE(from);
        CHECK(task_after(command_kind::cancel, from) ==
              (from == task_state::cancelled ? std::nullopt : std::optional{task_state::cancelled}));
    }
}

TEST_CASE("only a task in error can be resolved by hand")
{
    for (task_state const from : all_task_states) {
        CAPTURE(from);
        CHECK(task_after(command_kind::resolve, from) ==
              (from == task_state::error ? std::optional{task_state::resolved_manually} : std::nullopt));
    }
}

TEST_CASE("only a task in error can be retried")
{
    for (task_state const from : all_task_states) {
        CAPTURE(from);
        CHECK(task_after(command_kind::retry, from) == (from == task_state::error ? std::optional{task_state::pending} : std::nullopt));
    }
}

TEST_CASE("a retry resets the failed steps and leaves the others alone")
{
    auto const effect = asked({command_kind::retry, "", {}, ""}, task_state::error,
                              {steps::in_state(step_state::complete), steps::failed_for_good(3)});
    REQUIRE(effect.steps.size() == 1);
    CHECK(effect.steps[0].step == 1);
    CHECK(effect.steps[0].to == step_state::pending);
    CHECK(asked({command_kind::retry, "", {}, ""}, task_state::error, {steps::in_state(step_state::cancelled), {}}).steps.empty());
}

TEST_CASE("a step that is not over can be cancelled in every task that is not done [C07]", "[C07]")
{
    for (task_state const task : all_task_states)
        for (step_state const from : all_step_states) {
            CAPTURE(task, from);
            bool const allowed = accepts_step_commands(task) &&
                                 (from == step_state::pending || from == step_state::in_progress || from == step_state::error);
            CHECK(step_after(command_kind::cancel_step, task, from) == (allowed ? std::optional{step_state::cancelled} : std::nullopt));
        }
}

TEST_CASE("only a failed step can be reset, in every task that is not done [J21]", "[J21]")
{
    for (task_state const task : all_task_states)
        for (step_state const from : all_step_states) {
            CAPTURE(task, from);
            bool const allowed = accepts_step_commands(task) && from == step_state::error;
            CHECK(step_after(command_kind::reset_step, task, from) == (allowed ? std::optional{step_state::pending} : std::nullopt));
        }
}

TEST_CASE("a pending or failed step can be resolved, in every task that is not done [J21]", "[J21]")
{
    for (task_state const task : all_task_states)
        for (step_state const from : all_step_states) {
            CAPTURE(task, from);
            bool const allowed = accepts_step_commands(task) && (from == step_state::pending || from == step_state::error);
            CHECK(step_after(command_kind::resolve_step, task, from) ==
                  (allowed ? std::optional{step_state::resolved_manually} : std::nullopt));
        }
}

TEST_CASE("resetting or resolving a step has a task in error run again, cancelling it does not")
{
    auto const task_with = [](command_kind kind, task_state task) {
        return asked({kind, "second", {}, ""}, task, {{}, steps::failed_for_good(3)}).task;
    };
    CHECK(task_with(command_kind::reset_step, task_state::error) == task_state::pending);
    CHECK(task_with(command_kind::resolve_step, task_state::error) == task_state::pending);
    CHECK_FALSE(task_with(command_kind::cancel_step, task_state::error));
    for (task_state const live : {task_state::pending, task_state::in_progress}) {
        CHECK_FALSE(task_with(command_kind::reset_step, live));
        CHECK_FALSE(task_with(command_kind::resolve_step, live));
    }
}

TEST_CASE("a refusal names the step and says what it is")
{
    CHECK(asked({command_kind::reset_step, "first", {}, ""}, task_state::in_progress, {steps::in_state(step_state::complete), {}}).refusal ==
          "step \"first\" is complete and cannot become pending");
    CHECK(asked({command_kind::cancel_step, "third", {}, ""}, task_state::in_progress, {{}, {}}).refusal ==
          "the task has no step named \"third\"");
    CHECK(asked({command_kind::cancel_step, "first", {}, ""}, task_state::complete, {{}, {}}).refusal ==
          "the task is complete; its steps cannot change any more");
    CHECK(asked({command_kind::resolve, "", {}, ""}, task_state::pending, {{}, {}}).refusal ==
          "the task is pending and cannot become resolved_manually");
}

TEST_CASE("a step that was reset is as good as new [J21]", "[J21]")
{
    step_record record = steps::failed_for_good(3);
    apply_move(record, step_state::pending, {}, noon + 1h);
    CHECK(record == step_record{});
}

TEST_CASE("a step that was resolved has the given result and no failure [J21]", "[J21]")
{
    step_record record = steps::failed(2, 30s);
    record.backoff_request = 30s;
    apply_move(record, step_state::resolved_manually, payload{"7"}, noon + 1h);
    CHECK(record.state == step_state::resolved_manually);
    CHECK(record.result == payload{"7"});
    CHECK(record.finished_at == noon + 1h);
    CHECK(record.attempts == 2);
    CHECK_FALSE(record.last_failure);
    CHECK_FALSE(record.next_retry_at);
    CHECK_FALSE(record.backoff_request);
}

TEST_CASE("a step that was cancelled keeps no result given for another command")
{
    step_record record;
    apply_move(record, step_state::cancelled, payload{"7"}, noon);
    CHECK(record.state == step_state::cancelled);
    CHECK(record.result.is_null());
    CHECK(record.finished_at == noon);
}
