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

} // namespace detail

/// Every event of the engine, in the order of the alternatives of `event`, which are named beside. All are published once, after the commit
/// that made them true. Names of task.* and step.* are those of the arrows in model/states.hpp; the birth of a step
/// (step.initialize_requested) is no event, because a step without a record is pending.
inline constexpr std::array<event_description, std::variant_size_v<event>> event_table{{
    {"task.initialize_requested", "when the new task is in the store", // task_submitted
     "A task was submitted."},
    {"task.start_requested", "when its first step starts, and when a step starts after a wait", // task_started
     "The task is in progress."},
    {"engine.task_claimed", "when this engine has taken the task over from the store", // task_claimed
     "This engine owns the task now; recovered: its former owner died."},
    {"workflow.task_reenqueue_delayed", "when nothing of the task runs and nothing is ready", // task_waiting
     "The task waits, and until when; parked: only the store knows it meanwhile."},
    {"task.completed", "when its last step is done", // task_completed
     "The task is complete, with its result and the time since its submission."},
    {"task.failed", "when steps have failed for good and no other step can make progress", // task_failed
     "The task is in error, with the number of failed steps and how far it came."},
    {"task.cancelled", "when the cancellation is recorded", // task_cancelled
     "The task was cancelled, and why."},
    {"task.retry_requested", "when a task in error was told to run again", // task_retry_requested
     "An operator asked for another run of the failed steps."},
    {"task.resolved_manually", "when a task in error was declared done by hand", // task_resolved_manually
     "An operator closed the task."},
    {"engine.lease_lost", "when a commit or heartbeat shows that another worker owns it", // task_lease_lost
     "This engine stopped the task's bodies and has written nothing since."},
    {"step.execution_requested", "when an attempt of the step starts", // step_started
     "An attempt runs, and the how many-th it is."},
    {"step.completed", "when the attempt's result is in the store", // step_completed
     "The step is complete, with its result and the attempt's length."},
    {"step.failed", "when the attempt's failure is in the store", // step_failed
     "The attempt failed, why, and when the next one is due, if any."},
    {"step.cancelled", "when the cancellation of the step is recorded", // step_cancelled
     "The step will not run; its descendants can never run."},
    {"step.retry_requested", "when its back-off is over, or an operator asked", // step_retry_requested
     "A failed step is pending again."},
    {"step.resolved_manually", "when an operator declared the step done", // step_resolved_manually
     "The step counts as complete, with the result given by hand."},
    {"custom.event", "when the outcome of the attempt that published it is in the store", // custom_event
     "An event of the user's own; it goes by its own name."},
    {"store.failing", "when the store failed at a commit, a claim, a heartbeat or listening, which is tried again", // store_failing
     "The store cannot be written; nothing is acknowledged meanwhile."},
    {"store.recovered", "when a flush succeeds after failures", // store_recovered
     "The store works again."},
    {"engine.command_refused", "when an operator's command was found not to be allowed", // command_refused
     "The state tables have no such move for the task or step, and why."},
    {"engine.drained", "when all outcomes are recorded and all leases given back", // engine_drained
     "The engine has stopped working."},
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
