#pragma once

#include <tasker/base/config.hpp>
#include <tasker/event/events.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

namespace tasker {

/// One row of the table of events.
struct event_description {
    std::size_t index = 0;        ///< of its struct among the alternatives of `event`
    std::string_view name;        ///< public, dotted, for logs and dashboards; never changes
    std::string_view published;   ///< when
    std::string_view description; ///< what it says
};

namespace detail {

/// An event type and its place among the alternatives of `event`, so that the compiler finds one by the other.
template <class Event, std::size_t Index>
struct numbered {};

template <class Indices, class Event>
struct numbered_events;
template <std::size_t... Index, class... Event>
struct numbered_events<std::index_sequence<Index...>, std::variant<Event...>> : numbered<Event, Index>... {};

template <class Event, std::size_t Index>
constexpr std::size_t find(numbered<Event, Index> const&)
{
    return Index;
}

template <class Event>
constexpr std::size_t index_of()
{
    return find<Event>(numbered_events<std::make_index_sequence<std::variant_size_v<event>>, event>{});
}

template <class Event>
constexpr event_description row(std::string_view name, std::string_view published, std::string_view description)
{
    return {index_of<Event>(), name, published, description};
}

} // namespace detail

/// Every event of the engine, in the order of the alternatives of `event`. All are published once, after the commit
/// that made them true. Names of task.* and step.* are those of the arrows in model/states.hpp; the birth of a step
/// (step.initialize_requested) is no event, because a step without a record is pending.
inline constexpr std::array<event_description, std::variant_size_v<event>> event_table{{
    detail::row<task_submitted>("task.initialize_requested", "when the new task is in the store",
                                "A task was submitted."),
    detail::row<task_started>("task.start_requested", "when its first step starts, and when a step starts after a wait",
                              "The task is in progress."),
    detail::row<task_claimed>("engine.task_claimed", "when this engine has taken the task over from the store",
                              "This engine owns the task now; recovered: its former owner died."),
    detail::row<task_waiting>("workflow.task_reenqueue_delayed", "when nothing of the task runs and nothing is ready",
                              "The task waits, and until when; parked: only the store knows it meanwhile."),
    detail::row<task_completed>("task.completed", "when its last step is done",
                                "The task is complete, with its result and the time since its submission."),
    detail::row<task_failed>("task.failed", "when steps have failed for good and no other step can make progress",
                             "The task is in error, with the number of failed steps and how far it came."),
    detail::row<task_cancelled>("task.cancelled", "when the cancellation is recorded",
                                "The task was cancelled, and why."),
    detail::row<task_retry_requested>("task.retry_requested", "when a task in error was told to run again",
                                      "An operator asked for another run of the failed steps."),
    detail::row<task_resolved_manually>("task.resolved_manually", "when a task in error was declared done by hand",
                                        "An operator closed the task."),
    detail::row<task_lease_lost>("engine.lease_lost", "when a commit or heartbeat shows that another worker owns it",
                                 "This engine stopped the task's bodies and has written nothing since."),
    detail::row<step_started>("step.execution_requested", "when an attempt of the step starts",
                              "An attempt runs, and the how many-th it is."),
    detail::row<step_completed>("step.completed", "when the attempt's result is in the store",
                                "The step is complete, with its result and the attempt's length."),
    detail::row<step_failed>("step.failed", "when the attempt's failure is in the store",
                             "The attempt failed, why, and when the next one is due, if any."),
    detail::row<step_cancelled>("step.cancelled", "when the cancellation of the step is recorded",
                                "The step will not run; its descendants can never run."),
    detail::row<step_retry_requested>("step.retry_requested", "when its back-off is over, or an operator asked",
                                      "A failed step is pending again."),
    detail::row<step_resolved_manually>("step.resolved_manually", "when an operator declared the step done",
                                        "The step counts as complete, with the result given by hand."),
    detail::row<custom_event>("custom.event", "when the outcome of the attempt that published it is in the store",
                              "An event of the user's own; it goes by its own name."),
    detail::row<store_failing>("store.failing", "when the store failed at a commit, a claim, a heartbeat or listening, which is tried again",
                               "The store cannot be written; nothing is acknowledged meanwhile."),
    detail::row<store_recovered>("store.recovered", "when a flush succeeds after failures", "The store works again."),
    detail::row<command_refused>("engine.command_refused", "when an operator's command was found not to be allowed",
                                 "The state tables have no such move for the task or step, and why."),
    detail::row<engine_drained>("engine.drained", "when all outcomes are recorded and all leases given back",
                                "The engine has stopped working."),
}};

/// The row of `Event`.
template <class Event>
constexpr event_description const& describe()
{
    return event_table[detail::index_of<Event>()];
}

/// The public name of an event: a custom event goes by its own name.
TASKER_INLINE std::string_view name_of(event const& one);

/// The row with that name, or null when no event of the engine has it.
constexpr event_description const* find_event(std::string_view name)
{
    for (auto const& row : event_table)
        if (row.name == name)
            return &row;
    return nullptr;
}

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/event_table.ipp>
#endif
