#pragma once

#include <tasker/runtime/task_run.hpp>

#include <algorithm>
#include <cstddef>
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
        queue_.push({std::move(task), step, priority, shape.remaining_path(step), ++arrivals_});
    }

    /// The step to start next, or one without a task when none may start now.
    ready_step pop()
    {
        while (!queue_.empty()) {
            ready_step next = queue_.pop();
            if (!may_still_start(*next.task, next.step)) { // cancelled or resolved while it stood in the queue
                step_ended(*next.task->workflow);          // it came back in the place of another, which gets its turn now
                continue;
            }
            registered_workflow const& workflow = *next.task->workflow;
            if (workflow.max_concurrent_steps == 0 || workflow.running_steps < workflow.max_concurrent_steps)
                return next;
            aside_[&workflow].push(std::move(next));
        }
        return {};
    }

    /// A step of `workflow` ended: one that stood aside may come back.
    void step_ended(registered_workflow const& workflow)
    {
        if (aside_.empty())
            return;
        auto const at = aside_.find(&workflow);
        if (at == aside_.end())
            return;
        queue_.push(at->second.pop());
        if (at->second.empty())
            aside_.erase(at);
    }

    bool empty() const noexcept { return queue_.empty(); }
    /// Whose step is next in order; none: nobody's.
    task_run const* next_of() const noexcept { return queue_.empty() ? nullptr : queue_.front().task.get(); }

    void clear()
    {
        queue_ = {};
        aside_.clear();
    }

private:
    /// Steps in order. Most arrive in order and only line up; the others stand in a heap.
    class line {
    public:
        bool empty() const noexcept { return first_ == lined_up_.size() && heap_.empty(); }

        void push(ready_step step)
        {
            if (first_ != lined_up_.size() && starts_later(lined_up_.back(), step)) {
                heap_.push_back(std::move(step));
                std::push_heap(heap_.begin(), heap_.end(), later);
                return;
            }
            if (first_ == lined_up_.size() || (lined_up_.size() == lined_up_.capacity() && first_ > lined_up_.size() / 2)) {
                lined_up_.erase(lined_up_.begin(), lined_up_.begin() + static_cast<std::ptrdiff_t>(first_));
                first_ = 0;
            }
            lined_up_.push_back(std::move(step));
        }

        ready_step const& front() const { return is_lined_up() ? lined_up_[first_] : heap_.front(); }

        ready_step pop()
        {
            if (is_lined_up())
                return std::move(lined_up_[first_++]);
            std::pop_heap(heap_.begin(), heap_.end(), later);
            ready_step next = std::move(heap_.back());
            heap_.pop_back();
            return next;
        }

    private:
        /// Whether the first does not stand in the heap.
        bool is_lined_up() const
        {
            return heap_.empty() || (first_ != lined_up_.size() && starts_later(heap_.front(), lined_up_[first_]));
        }

        static bool later(ready_step const& a, ready_step const& b) { return starts_later(a, b); }

        std::vector<ready_step> lined_up_;
        std::size_t first_ = 0; ///< those before have left
        std::vector<ready_step> heap_;
    };

    static bool may_still_start(task_run const& task, step_no step)
    {
        return !task.gone && !task.leaving && !is_finished(task.record.state) && task.plan.is_ready(step);
    }

    line queue_;
    std::unordered_map<registered_workflow const*, line> aside_;
    std::uint64_t arrivals_ = 0;
};
using ready_queue = basic_ready_queue<void>;

} // namespace tasker
