#include <tasker/event/event_table.hpp>
#include <tasker/model/states.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>
#include <string_view>

using namespace tasker;

namespace {

template <class Table>
std::set<std::string_view> names_in(Table const& table)
{
    std::set<std::string_view> names;
    for (auto const& arrow : table)
        names.insert(arrow.event);
    return names;
}

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

} // namespace

TEST_CASE("the table of events has every event once")
{
    std::set<std::string_view> names;
    for (auto const& row : event_table) {
        INFO(row.name);
        CHECK(row.name.find('.') != std::string_view::npos);
        CHECK_FALSE(row.published.empty());
        CHECK_FALSE(row.description.empty());
        CHECK(names.insert(row.name).second);
    }
    CHECK(names.size() == std::variant_size_v<event>);
}

TEST_CASE("every move in the state tables has an event, but for the birth of a step [B13] [C13] [C14]",
          "[B13][C13][C14]")
{
    for (auto const name : names_in(task_transitions)) {
        INFO(name);
        CHECK(find_event(name) != nullptr);
    }
    for (auto const name : names_in(step_transitions)) {
        INFO(name);
        CHECK((find_event(name) != nullptr) == (name != "step.initialize_requested"));
    }
}

TEST_CASE("every task.* and step.* event is that of a move in the state tables")
{
    auto const of_tasks = names_in(task_transitions);
    auto const of_steps = names_in(step_transitions);
    for (auto const& row : event_table) {
        INFO(row.name);
        CHECK(begins(row.name, "task.") == of_tasks.contains(row.name));
        CHECK(begins(row.name, "step.") == of_steps.contains(row.name));
    }
}

TEST_CASE("the event struct of a move carries the move's name [B13] [B14] [C13] [C14]", "[B13][B14][C13][C14]")
{
    auto const of_task = [](std::optional<task_state> from, task_state to) { return find_transition(from, to)->event; };
    auto const of_step = [](std::optional<step_state> from, step_state to) { return find_transition(from, to)->event; };
    CHECK(describe<task_submitted>().name == of_task(std::nullopt, task_state::pending));
    CHECK(describe<task_started>().name == of_task(task_state::pending, task_state::in_progress));
    CHECK(describe<task_completed>().name == of_task(task_state::in_progress, task_state::complete));
    CHECK(describe<task_failed>().name == of_task(task_state::in_progress, task_state::error));
    CHECK(describe<task_cancelled>().name == of_task(task_state::in_progress, task_state::cancelled));
    CHECK(describe<task_retry_requested>().name == of_task(task_state::error, task_state::pending));
    CHECK(describe<task_resolved_manually>().name == of_task(task_state::error, task_state::resolved_manually));
    CHECK(describe<step_started>().name == of_step(step_state::pending, step_state::in_progress));
    CHECK(describe<step_completed>().name == of_step(step_state::in_progress, step_state::complete));
    CHECK(describe<step_failed>().name == of_step(step_state::in_progress, step_state::error));
    CHECK(describe<step_cancelled>().name == of_step(step_state::in_progress, step_state::cancelled));
    CHECK(describe<step_retry_requested>().name == of_step(step_state::error, step_state::pending));
    CHECK(describe<step_resolved_manually>().name == of_step(step_state::error, step_state::resolved_manually));
}

TEST_CASE("the event struct that is no move has the row that describes it")
{
    CHECK(describe<task_claimed>().name == "engine.task_claimed");
    CHECK(describe<task_waiting>().name == "workflow.task_reenqueue_delayed");
    CHECK(describe<task_lease_lost>().name == "engine.lease_lost");
    CHECK(describe<custom_event>().name == "custom.event");
    CHECK(describe<store_failing>().name == "store.failing");
    CHECK(describe<store_recovered>().name == "store.recovered");
    CHECK(describe<command_refused>().name == "engine.command_refused");
    CHECK(describe<engine_drained>().name == "engine.drained");
}

TEST_CASE("an event is called by its name in the table, a custom event by its own")
{
    CHECK(name_of(event{step_failed{}}) == "step.failed");
    CHECK(name_of(event{store_failing{}}) == "store.failing");
    CHECK(name_of(event{engine_drained{}}) == "engine.drained");
    custom_event shipped;
    shipped.name = "order.shipped";
    event const own{shipped};
    CHECK(name_of(own) == "order.shipped");
    CHECK(name_of(event{custom_event{}}) == "custom.event");
}

TEST_CASE("a row is found by its name, and nothing by another")
{
    REQUIRE(find_event("step.failed") != nullptr);
    CHECK(find_event("step.failed") == &describe<step_failed>());
    CHECK(find_event("step.fail") == nullptr);
    CHECK(find_event("") == nullptr);
}
