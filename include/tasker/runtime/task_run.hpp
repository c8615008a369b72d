#pragma once

#include <tasker/event/events.hpp>
#include <tasker/flow/workflow.hpp>
#include <tasker/model/records.hpp>
#include <tasker/plan/task_plan.hpp>
#include <tasker/runtime/parker.hpp>

#include <coroutine>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tasker {

class attempt;

/// A workflow as an engine has registered it.
struct registered_workflow {
    workflow flow;
    workflow_id id = 0;
    std::size_t max_concurrent_steps = 0; ///< 0: no limit of its own
    std::size_t running_steps = 0;
};

/// Where a command came from.
enum class command_origin {
    here,  ///< this engine's own caller
    store, ///< the task's row, which keeps it until it is carried out
};

/// A command on its way to a task, and who waits for it.
struct pending_command {
    command asked;
    unique_function<void(std::exception_ptr)> done; ///< called once its effect is durable, or with why it is refused
    command_origin origin = command_origin::here;
};

/// A live task in this engine's memory: its records, its plan, its coordinator. Belongs to the strand.
class task_run final : public wait_node, public std::enable_shared_from_this<task_run> {
public:
    task_run(std::shared_ptr<registered_workflow> registered, task_snapshot snapshot, time_point now,
             unique_function<void(task_run&)> on_wake)
        : workflow{std::move(registered)}, record{std::move(snapshot.task)},
          plan{workflow->flow.shape(), std::move(snapshot.steps), now}, resident_since{now}, on_wake_{std::move(on_wake)}
    {
    }
    ~task_run() override
    {
        if (coordinator)
            coordinator.destroy();
    }

    /// When its next back-off is over.
    void on_due() override { wake(); }

    /// Lets the coordinator look at the task again, in the next turn of the drain.
    void wake()
    {
        if (std::exchange(awake, true))
            return;
        on_wake_(*this);
    }

    task_event as_event(time_point at) const { return {record.id, std::string{workflow->flow.full_name()}, at}; }

    std::shared_ptr<registered_workflow> workflow;
    task_record record;
    task_plan plan;
    time_point const resident_since;
    std::vector<std::shared_ptr<attempt>> attempts; ///< those that run
    std::deque<pending_command> commands;
    unique_function<void(std::exception_ptr)> request_done; ///< of the command it was claimed for
    std::coroutine_handle<> coordinator;            ///< the root of its chain, while it waits for news
    std::coroutine_handle<> awaiting_news;
    std::vector<step_no> abandoned;                 ///< steps that a former owner left running
    bool came_from_store = false;                   ///< claimed, not submitted here
    bool recovered = false;                         ///< from a dead worker, without any progress since
    bool request_in_hand = false;                   ///< the command in its row is among `commands`, or being carried out
    std::optional<time_point> request_cleared_at;   ///< heartbeats begun before may still report it
    bool awake = false;                             ///< has news, or is in the queue to get them
    bool asked_late = false;                        ///< a command came into its row while it left
    bool leaving = false;                           ///< its last write is on its way to the store
    bool gone = false;                              ///< no longer this engine's: concluded, parked, or lease lost
    std::uint64_t journaled_in = 0;                 ///< the flush its task row is part of
    std::size_t journaled_at = 0;                   ///< and where in it
    std::vector<std::pair<std::uint64_t, std::size_t>> step_journaled; ///< the same for each step

private:
    unique_function<void(task_run&)> on_wake_;
};

} // namespace tasker
