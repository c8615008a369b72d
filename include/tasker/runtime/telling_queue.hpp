#pragma once

#include <tasker/model/records.hpp>
#include <tasker/plan/task_plan.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace tasker {

/// The checkpoints of a coroutine that are over and that it has not heard of, in the order in which they ended: which is
/// recorded, and the order in which it hears of them, the first time and after a crash. Belongs to the strand.
class telling_queue {
public:
    /// With those that were over before. Lifetime: `plan` must outlive the queue.
    telling_queue(task_plan const& plan, std::deque<step_no> recorded) : plan_{plan}, over_{std::move(recorded)} {}

    /// The checkpoint is over, as the last one so far.
    void push(step_no no) { over_.push_back(no); }
    /// The checkpoint is not over after all.
    void withdraw(step_no no) { std::erase(over_, no); }
    /// What the coroutine may hear of now: the first one, once it has its record, and that counts as durable.
    std::optional<step_no> next() const
    {
        bool const is_there = !over_.empty() && plan_.record(over_.front()).order > 0 && plan_.is_durable(over_.front());
        return is_there ? std::optional{over_.front()} : std::nullopt;
    }
    /// It hears of that one. Preconditions: there is one.
    void pop() { over_.pop_front(); }
    bool contains(step_no no) const { return std::find(over_.begin(), over_.end(), no) != over_.end(); }
    bool empty() const noexcept { return over_.empty(); }

private:
    task_plan const& plan_;
    std::deque<step_no> over_;
};

} // namespace tasker
