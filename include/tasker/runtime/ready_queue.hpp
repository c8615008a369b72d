#pragma once

#include <tasker/runtime/task_run.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker {

/// A step that may start as soon as the limits allow it.
struct ready_step {
    std::shared_ptr<task_run> task;
    step_no step = 0;
    std::int64_t priority = 0;    ///< of the task plus that of the step
    std::uint32_t remaining = 0;  ///< steps on the longest path from here to a leaf
    std::uint64_t arrival = 0;

    /// Priority first, then the longest remaining path (critical path first), then the older task, then arrival.
    friend bool starts_later(ready_step const& a, ready_step const& b)
    {
        if (a.priority != b.priority)
            return a.priority < b.priority;
        if (a.remaining != b.remaining)
            return a.remaining < b.remaining;
        if (a.task->record.id != b.task->record.id)
            return a.task->record.id > b.task->record.id;
        return a.arrival > b.arrival;
    }
};

/// The ready steps of all tasks of an engine, in the order in which they should start. Steps of a workflow that is at
/// its own limit stand aside until one of its steps ends. Belongs to the strand.
template <class Lazy>
class basic_ready_queue {
public:
    void push(std::shared_ptr<task_run> task, step_no step)
    {
        auto const& shape = task->plan.shape();
        std::int64_t const priority = std::int64_t{task->record.priority} + shape.step(step).options.priority;
        push(queue_, {std::move(task), step, priority, shape.remaining_path(step), ++arrivals_});
    }

    /// The step to start next, or one without a task when none may start now.
    ready_step pop()
    {
        while (!queue_.empty()) {
            ready_step next = pop(queue_);
            if (!may_still_start(*next.task, next.step)) { // cancelled or resolved while it stood in the queue
                step_ended(*next.task->workflow);          // it came back in the place of another, which gets its turn now
                continue;
            }
            registered_workflow const& workflow = *next.task->workflow;
            if (workflow.max_concurrent_steps == 0 || workflow.running_steps < workflow.max_concurrent_steps)
                return next;
            push(aside_[&workflow], std::move(next));
        }
        return {};
    }

    /// A step of `workflow` ended: one that stood aside may come back.
    void step_ended(registered_workflow const& workflow)
    {
        auto const at = aside_.find(&workflow);
        if (at == aside_.end())
            return;
        push(queue_, pop(at->second));
        if (at->second.empty())
            aside_.erase(at);
    }

    bool empty() const noexcept { return queue_.empty(); }

    void clear()
    {
        queue_.clear();
        aside_.clear();
    }

private:
    using heap = std::vector<ready_step>;

    static bool may_still_start(task_run const& task, step_no step)
    {
        return !task.gone && !task.leaving && !is_finished(task.record.state) && task.plan.is_ready(step);
    }

    static bool later(ready_step const& a, ready_step const& b) { return starts_later(a, b); }

    static void push(heap& to, ready_step step)
    {
        to.push_back(std::move(step));
        std::push_heap(to.begin(), to.end(), later);
    }

    static ready_step pop(heap& from)
    {
        std::pop_heap(from.begin(), from.end(), later);
        ready_step next = std::move(from.back());
        from.pop_back();
        return next;
    }

    heap queue_;
    std::unordered_map<registered_workflow const*, heap> aside_;
    std::uint64_t arrivals_ = 0;
};
using ready_queue = basic_ready_queue<void>;

} // namespace tasker
