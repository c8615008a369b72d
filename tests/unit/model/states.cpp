#include <tasker/model/states.hpp>

#include "support/catch.hpp"

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>

using namespace tasker;

namespace {

template <class State>
constexpr std::array<State, 6> all_states{State::pending, State::in_progress, State::complete,
                                          State::error,   State::cancelled,   State::resolved_manually};

// What a row's state may become, written down a second time, independently of the tables under test.
// Columns in the order of `all_states`: y allowed, n refused, = already there.
constexpr std::array<std::string_view, 6> task_moves{
    "=ynyyn", // pending
    "y=yyyn", // in_progress
    "nn=nyn", // complete
    "ynn=yy", // error
    "nnnn=n", // cancelled
    "nnnny=", // resolved_manually
};
constexpr std::array<std::string_view, 6> step_moves{
    "=ynyyy", // pending
    "n=yyyn", // in_progress
    "nn=nnn", // complete
    "ynn=yy", // error
    "nnnn=n", // cancelled
    "nnnnn=", // resolved_manually
};

template <class State>
void check_every_pair(std::array<std::string_view, 6> const& moves)
{
    for (std::size_t from = 0; from < 6; ++from)
        for (std::size_t to = 0; to < 6; ++to) {
            CAPTURE(name(all_states<State>[from]), name(all_states<State>[to]));
            move const expected = moves[from][to] == 'y'   ? move::allowed
                                  : moves[from][to] == 'n' ? move::illegal
                                                           : move::already_there;
            CHECK(check_move(all_states<State>[from], all_states<State>[to]) == expected);
            CHECK((find_transition<State>(all_states<State>[from], all_states<State>[to]) != nullptr) ==
                  (expected == move::allowed));
        }
}

template <class State>
std::string_view event_of(std::optional<State> from, State to)
{
    auto const* const arrow = find_transition<State>(from, to);
    return arrow ? arrow->event : "none";
}

constexpr auto refused = move::illegal;
constexpr auto allowed = move::allowed;

} // namespace

TEST_CASE("of the 36 pairs of task states exactly the specified ones are moves [B02] [B03] [B04] [B06] [B07] [B08] [B09]",
          "[B02][B03][B04][B06][B07][B08][B09]")
{
    check_every_pair<task_state>(task_moves);
}

TEST_CASE("of the 36 pairs of step states exactly the specified ones are moves [C02] [C03] [C04] [C05] [C06] [C07] [C11]",
          "[C02][C03][C04][C05][C06][C07][C11]")
{
    check_every_pair<step_state>(step_moves);
}

TEST_CASE("a pending task can start, be cancelled or fail [B02]", "[B02]")
{
    CHECK(check_move(task_state::pending, task_state::in_progress) == allowed);
    CHECK(check_move(task_state::pending, task_state::cancelled) == allowed);
    CHECK(check_move(task_state::pending, task_state::error) == allowed);
}

TEST_CASE("a pending task cannot complete without having started [B03]", "[B03]")
{
    CHECK(check_move(task_state::pending, task_state::complete) == refused);
}

TEST_CASE("a running task can complete, fail, be cancelled or go back to pending [B04]", "[B04]")
{
    for (auto const to : {task_state::complete, task_state::error, task_state::cancelled, task_state::pending})
        CHECK(check_move(task_state::in_progress, to) == allowed);
}

TEST_CASE("a task in error can be retried or resolved by hand, but not declared complete [B06]", "[B06]")
{
    CHECK(check_move(task_state::error, task_state::pending) == allowed);
    CHECK(check_move(task_state::error, task_state::resolved_manually) == allowed);
    CHECK(check_move(task_state::error, task_state::complete) == refused);
}

TEST_CASE("a complete task never runs again, but can be cancelled [B07]", "[B07]")
{
    CHECK(check_move(task_state::complete, task_state::in_progress) == refused);
    CHECK(check_move(task_state::complete, task_state::cancelled) == allowed);
}

TEST_CASE("a task resolved by hand can only be cancelled, a cancelled one nothing at all [B08] [B09]", "[B08][B09]")
{
    for (auto const to : all_states<task_state>) {
        if (to != task_state::resolved_manually)
            CHECK(check_move(task_state::resolved_manually, to) == (to == task_state::cancelled ? allowed : refused));
        if (to != task_state::cancelled)
            CHECK(check_move(task_state::cancelled, to) == refused);
    }
}

TEST_CASE("asking for the present state is answered with already there, and is no arrow of the table [B10]", "[B10]")
{
    for (auto const state : all_states<task_state>) {
        CHECK(check_move(state, state) == move::already_there);
        CHECK(find_transition<task_state>(state, state) == nullptr);
    }
    for (auto const state : all_states<step_state>) {
        CHECK(check_move(state, state) == move::already_there);
        CHECK(find_transition<step_state>(state, state) == nullptr);
    }
}

TEST_CASE("the birth, start and completion of a task have their events [B13]", "[B13]")
{
    CHECK(event_of<task_state>(std::nullopt, task_state::pending) == "task.initialize_requested");
    CHECK(event_of<task_state>(task_state::pending, task_state::in_progress) == "task.start_requested");
    CHECK(event_of<task_state>(task_state::in_progress, task_state::complete) == "task.completed");
}

TEST_CASE("a task that goes back to pending was retried from error or initialised again from running [B14]", "[B14]")
{
    CHECK(event_of<task_state>(task_state::error, task_state::pending) == "task.retry_requested");
    CHECK(event_of<task_state>(task_state::in_progress, task_state::pending) == "task.initialize_requested");
}

TEST_CASE("a pending step can start, be cancelled, be resolved by hand or fail, but not complete [C02] [C03] [C04]",
          "[C02][C03][C04]")
{
    CHECK(check_move(step_state::pending, step_state::in_progress) == allowed);
    CHECK(check_move(step_state::pending, step_state::cancelled) == allowed);
    CHECK(check_move(step_state::pending, step_state::resolved_manually) == allowed);
    CHECK(check_move(step_state::pending, step_state::error) == allowed);
    CHECK(check_move(step_state::pending, step_state::complete) == refused);
}

TEST_CASE("a running step can complete, fail or be cancelled [C05]", "[C05]")
{
    for (auto const to : {step_state::complete, step_state::error, step_state::cancelled})
        CHECK(check_move(step_state::in_progress, to) == allowed);
}

TEST_CASE("a failed step can be retried, resolved by hand or cancelled, but not declared complete [C06] [C07]",
          "[C06][C07]")
{
    CHECK(check_move(step_state::error, step_state::pending) == allowed);
    CHECK(check_move(step_state::error, step_state::resolved_manually) == allowed);
    CHECK(check_move(step_state::error, step_state::cancelled) == allowed);
    CHECK(check_move(step_state::error, step_state::complete) == refused);
}

TEST_CASE("a complete step stays complete [C11]", "[C11]")
{
    for (auto const to : all_states<step_state>)
        if (to != step_state::complete)
            CHECK(check_move(step_state::complete, to) == refused);
}

TEST_CASE("the birth, start and completion of a step have their events [C13]", "[C13]")
{
    CHECK(event_of<step_state>(std::nullopt, step_state::pending) == "step.initialize_requested");
    CHECK(event_of<step_state>(step_state::pending, step_state::in_progress) == "step.execution_requested");
    CHECK(event_of<step_state>(step_state::in_progress, step_state::complete) == "step.completed");
}

TEST_CASE("failing, retrying, cancelling and resolving a step have one event each, from wherever [C14]", "[C14]")
{
    for (auto const& arrow : step_transitions) {
        if (arrow.to == step_state::error)
            CHECK(arrow.event == "step.failed");
        if (arrow.to == step_state::cancelled)
            CHECK(arrow.event == "step.cancelled");
        if (arrow.to == step_state::resolved_manually)
            CHECK(arrow.event == "step.resolved_manually");
    }
    CHECK(event_of<step_state>(step_state::error, step_state::pending) == "step.retry_requested");
}

TEST_CASE("whatever is born is pending, and no previous state means nothing but birth [C16]", "[C16]")
{
    for (auto const to : all_states<task_state>)
        CHECK((find_transition<task_state>(std::nullopt, to) != nullptr) == (to == task_state::pending));
    for (auto const to : all_states<step_state>)
        CHECK((find_transition<step_state>(std::nullopt, to) != nullptr) == (to == step_state::pending));
}

TEST_CASE("no arrow stands twice in a table, and every event names its entity")
{
    std::set<std::pair<int, int>> seen;
    for (auto const& arrow : task_transitions) {
        seen.emplace(arrow.from ? static_cast<int>(*arrow.from) : -1, static_cast<int>(arrow.to));
        CHECK(arrow.event.starts_with("task."));
    }
    CHECK(seen.size() == task_transitions.size());
    seen.clear();
    for (auto const& arrow : step_transitions) {
        seen.emplace(arrow.from ? static_cast<int>(*arrow.from) : -1, static_cast<int>(arrow.to));
        CHECK(arrow.event.starts_with("step."));
    }
    CHECK(seen.size() == step_transitions.size());
}

TEST_CASE("every state's name reads back as that state, and nothing else does")
{
    for (auto const state : all_states<task_state>)
        CHECK(parse_state<task_state>(name(state)) == state);
    for (auto const state : all_states<step_state>)
        CHECK(parse_state<step_state>(name(state)) == state);
    CHECK(name(task_state::in_progress) == "in_progress");
    CHECK(name(step_state::resolved_manually) == "resolved_manually");
    for (auto const text : {"", "Pending", "pending ", "completed", "unknown"})
        CHECK_FALSE(parse_state<task_state>(text));
}

TEST_CASE("a task is finished in every state but pending and in progress")
{
    for (auto const state : all_states<task_state>)
        CHECK(is_finished(state) == (state != task_state::pending && state != task_state::in_progress));
}

TEST_CASE("complete and resolved parents let their children start, no other state does [C08] [C09]", "[C08][C09]")
{
    CHECK(satisfies_children(step_state::complete));
    CHECK(satisfies_children(step_state::resolved_manually));
    for (auto const state : {step_state::pending, step_state::in_progress, step_state::error, step_state::cancelled})
        CHECK_FALSE(satisfies_children(state));
}
