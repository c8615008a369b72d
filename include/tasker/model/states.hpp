#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace tasker {

/// Where a task has come to; `task_transitions` says what may follow what.
enum class task_state { pending, in_progress, complete, error, cancelled, resolved_manually };
/// Where a step has come to; `step_transitions` says what may follow what.
enum class step_state { pending, in_progress, complete, error, cancelled, resolved_manually };

/// The states as stores, events and JSON spell them, by the value of `task_state` and `step_state` alike.
inline constexpr std::array<std::string_view, 6> state_names{"pending", "in_progress", "complete",
                                                             "error",   "cancelled",   "resolved_manually"};

/// The state as stores, events and JSON spell it.
constexpr std::string_view name(task_state state) { return state_names[static_cast<std::size_t>(state)]; }
/// The state as stores, events and JSON spell it.
constexpr std::string_view name(step_state state) { return state_names[static_cast<std::size_t>(state)]; }

/// The state that `text` spells, or nothing.
template <class State>
constexpr std::optional<State> parse_state(std::string_view text)
{
    for (std::size_t at = 0; at < state_names.size(); ++at)
        if (state_names[at] == text)
            return static_cast<State>(at);
    return std::nullopt;
}

/// The word for a state of a task or of a step, as the audit trail has it: no copy of a text, and empty before birth.
class state_name {
public:
    constexpr state_name() = default;
    /// The word for that state.
    constexpr state_name(task_state state) : text_{name(state)} {}
    /// The word for that state.
    constexpr state_name(step_state state) : text_{name(state)} {}
    /// That word, be it one of the tables' or not.
    consteval state_name(char const* word) : text_{word} {}
    /// The word of the tables that `word` spells, or none when it is empty. Throws `std::invalid_argument` for any other.
    explicit state_name(std::string_view word) : text_{find(word)} {}

    /// Valid for ever.
    constexpr std::string_view text() const noexcept { return text_; }
    /// The same.
    constexpr operator std::string_view() const noexcept { return text_; }
    /// Whether there is none.
    constexpr bool empty() const noexcept { return text_.empty(); }

    /// Compares the letters.
    template <std::convertible_to<std::string_view> Text>
    friend constexpr bool operator==(state_name const& one, Text const& other) noexcept
    {
        return one.text_ == std::string_view{other};
    }
    /// For those who show it.
    template <class Stream>
        requires requires(Stream& out, std::string_view text) { out << text; }
    friend Stream& operator<<(Stream& out, state_name one)
    {
        out << one.text_;
        return out;
    }
    /// For those who show it.
    friend std::string operator+(state_name one, std::string_view after) { return std::string{one.text_}.append(after); }
    /// For those who show it.
    friend std::string operator+(std::string before, state_name one) { return before.append(one.text_); }

private:
    static std::string_view find(std::string_view word)
    {
        auto const state = parse_state<task_state>(word);
        if (!state && !word.empty())
            throw std::invalid_argument{"there is no state \"" + std::string{word} + "\""};
        return state ? name(*state) : std::string_view{};
    }

    std::string_view text_;
};

/// One arrow of a state table, and the name of the event it causes. No `from` is the birth of the entity.
template <class State>
struct transition {
    std::optional<State> from; ///< nothing: birth
    State to;                  ///< never the same as `from`
    std::string_view event;    ///< e.g. `task.completed`
};

/// Every legal move of a task; nothing else ever happens.
inline constexpr std::array<transition<task_state>, 13> task_transitions{{
    {std::nullopt, task_state::pending, "task.initialize_requested"},
    {task_state::pending, task_state::in_progress, "task.start_requested"},
    {task_state::pending, task_state::error, "task.failed"},
    {task_state::pending, task_state::cancelled, "task.cancelled"},
    {task_state::in_progress, task_state::pending, "task.initialize_requested"},
    {task_state::in_progress, task_state::complete, "task.completed"},
    {task_state::in_progress, task_state::error, "task.failed"},
    {task_state::in_progress, task_state::cancelled, "task.cancelled"},
    {task_state::error, task_state::pending, "task.retry_requested"},
    {task_state::error, task_state::resolved_manually, "task.resolved_manually"},
    {task_state::error, task_state::cancelled, "task.cancelled"},
    {task_state::complete, task_state::cancelled, "task.cancelled"},
    {task_state::resolved_manually, task_state::cancelled, "task.cancelled"},
}};

/// Every legal move of a step. A step's parents must be complete or resolved by hand before it is in progress.
inline constexpr std::array<transition<step_state>, 11> step_transitions{{
    {std::nullopt, step_state::pending, "step.initialize_requested"},
    {step_state::pending, step_state::in_progress, "step.execution_requested"},
    {step_state::pending, step_state::error, "step.failed"},
    {step_state::pending, step_state::cancelled, "step.cancelled"},
    {step_state::pending, step_state::resolved_manually, "step.resolved_manually"},
    {step_state::in_progress, step_state::complete, "step.completed"},
    {step_state::in_progress, step_state::error, "step.failed"},
    {step_state::in_progress, step_state::cancelled, "step.cancelled"},
    {step_state::error, step_state::pending, "step.retry_requested"},
    {step_state::error, step_state::resolved_manually, "step.resolved_manually"},
    {step_state::error, step_state::cancelled, "step.cancelled"},
}};

/// The table of tasks; the argument only chooses it.
constexpr std::span<transition<task_state> const> transitions_of(task_state) { return task_transitions; }
/// The table of steps; the argument only chooses it.
constexpr std::span<transition<step_state> const> transitions_of(step_state) { return step_transitions; }

/// The arrow from `from` to `to`, or null when the table has none (moves to the same state included).
template <class State>
constexpr transition<State> const* find_transition(std::optional<State> from, State to)
{
    for (auto const& arrow : transitions_of(to))
        if (arrow.from == from && arrow.to == to)
            return &arrow;
    return nullptr;
}

/// What asking for a move means in the present state.
enum class move { allowed, already_there, illegal };

namespace detail {

/// By state, the states that may follow it, one bit each.
template <class State>
constexpr std::array<unsigned, state_names.size()> followers()
{
    std::array<unsigned, state_names.size()> all{};
    for (auto const& arrow : transitions_of(State{}))
        if (arrow.from)
            all[static_cast<std::size_t>(*arrow.from)] |= 1U << static_cast<unsigned>(arrow.to);
    return all;
}
template <class State>
inline std::array<unsigned, state_names.size()> const followers_of = followers<State>();

} // namespace detail

/// What asking to go from `from` to `to` means, by the table.
template <class State>
constexpr move check_move(State from, State to)
{
    if (from == to)
        return move::already_there;
    if (std::is_constant_evaluated())
        return find_transition<State>(from, to) != nullptr ? move::allowed : move::illegal;
    unsigned const following = detail::followers_of<State>[static_cast<std::size_t>(from)];
    return (following >> static_cast<unsigned>(to) & 1U) != 0 ? move::allowed : move::illegal;
}

/// A task that nobody will ever work on again, unless an operator asks.
constexpr bool is_finished(task_state state)
{
    return state != task_state::pending && state != task_state::in_progress;
}

/// A step that lets its children start.
constexpr bool satisfies_children(step_state state)
{
    return state == step_state::complete || state == step_state::resolved_manually;
}

} // namespace tasker
