#pragma once

#include <tasker/event/events.hpp>
#include <tasker/flow/workflow.hpp>
#include <tasker/flow/workflow_services.hpp>
#include <tasker/model/records.hpp>
#include <tasker/plan/task_plan.hpp>
#include <tasker/runtime/parker.hpp>
#include <tasker/runtime/task_script.hpp>

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

template <class>
class basic_attempt;
using attempt = basic_attempt<void>;

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

template <class>
class basic_task_run;
using task_run = basic_task_run<void>;

/// Tasks with news, for the drain.
struct awake_list {
    std::vector<std::shared_ptr<task_run>> tasks;
    std::function<void()> schedule; ///< have the drain run soon

    void add(std::shared_ptr<task_run> task)
    {
        tasks.push_back(std::move(task));
        schedule();
    }
};

/// A live task in this engine's memory: its records, its plan, its coordinator. Belongs to the strand.
template <class Lazy>
class basic_task_run final : public wait_node, public std::enable_shared_from_this<task_run> {
public:
    basic_task_run(std::shared_ptr<registered_workflow> registered, task_snapshot snapshot, time_point now, awake_list& awake_tasks)
        : workflow{std::move(registered)}, record{std::move(snapshot.task)},
          grown{workflow->flow.is_coroutine() ? workflow->flow.with_steps_of(snapshot.steps).shape() : graph{}},
          plan{workflow->flow.is_coroutine() ? grown : workflow->flow.shape(), std::move(snapshot.steps), now,
               workflow->flow.is_coroutine() ? task_plan::starting::when_released : task_plan::starting::at_will},
          resident_since{now}, mail{std::move(snapshot.messages)}, awake_{awake_tasks}
    {
        sort_out(mail);
        for (step_no no = 0; is_coroutine() && no < grown.size(); ++no)
            last_order = std::max(last_order, plan.record(no).order);
    }
    ~basic_task_run() override
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
        awake_.add(shared_from_this());
    }

    bool is_coroutine() const noexcept { return workflow->flow.is_coroutine(); }

    /// The workflow with the steps it has in this task.
    tasker::workflow flow() const
    {
        if (!is_coroutine())
            return workflow->flow;
        auto const all = plan.records();
        std::vector<std::pair<step_no, step_record>> numbered;
        for (step_no no = 0; no < all.size(); ++no)
            numbered.emplace_back(no, all[no]);
        return workflow->flow.with_steps_of(numbered);
    }

    /// Messages came that it may know already.
    void take_mail(std::vector<message> told)
    {
        std::erase_if(told, [this](message const& one) { return one.sequence <= record.mail; });
        if (told.empty())
            return;
        record.mail = told.back().sequence;
        sort_out(told);
        if (script)
            script->take_mail(std::move(told));
        else
            std::move(told.begin(), told.end(), std::back_inserter(mail));
    }

    /// What an attempt of the step runs.
    step_body const& body(step_no no) const { return script ? script->body(no) : workflow->flow.body(no); }
    /// The step's name; valid as long as the task.
    std::string_view name_of(step_no no) const { return script ? script->name(no) : std::string_view{plan.shape().step(no).name}; }

    task_event as_event(time_point at) const { return {record.id, std::string{workflow->flow.full_name()}, at}; }

    std::shared_ptr<registered_workflow> workflow;
    task_record record;
    graph grown; ///< of a coroutine's task: its checkpoints so far
    task_plan plan;
    time_point const resident_since;
    std::unique_ptr<task_script> script;            ///< the coroutine, once it runs
    std::vector<message> mail;                      ///< for the coroutine, when it runs
    std::vector<message> orders;                    ///< from its parent: it is to be cancelled
    std::int64_t last_order = 0;                    ///< that a checkpoint of it got
    std::vector<std::shared_ptr<attempt>> attempts; ///< those that run
    std::vector<pending_command> commands; ///< first come, first served
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
    std::uint64_t involved_in = 0;                  ///< the flush that keeps the task alive
    std::vector<std::uint64_t> step_journaled;      ///< by step: the flush its row is part of

private:
    void sort_out(std::vector<message>& told)
    {
        auto const is_order = [](message const& one) { return one.name == detail::cancel_order; };
        std::copy_if(told.begin(), told.end(), std::back_inserter(orders), is_order);
        std::erase_if(told, is_order);
    }

    awake_list& awake_;
};

} // namespace tasker
