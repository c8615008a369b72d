#pragma once

#include <tasker/base/unique_function.hpp>
#include <tasker/runtime/journal.hpp>
#include <tasker/runtime/task_run.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace tasker {

/// Holds back what a coroutine has others do until what it has drawn by then, times and random numbers, is durable: after
/// a crash it would be drawn again, and otherwise. Belongs to the strand.
template <class Lazy>
class basic_instant_gate {
public:
    /// Open. Lifetime: both must outlive the gate.
    basic_instant_gate(journal& records, task_run& of) : records_{records}, task_{of} {}

    /// Something was drawn, and written as that checkpoint.
    void drawn(step_no instant) { last_ = instant; }

    /// Calls `go` when what was drawn is durable, and not at all when the gate or the task's lease is gone by then.
    void pass(unique_function<void()> go)
    {
        if (!last_) {
            go();
            return;
        }
        ++held_;
        records_.when_durable(task_, *last_, [this, alive = std::weak_ptr{alive_}, until = *last_, go = std::move(go)](std::exception_ptr const& lost) mutable {
            if (lost || alive.expired())
                return;
            --held_;
            if (last_ == until)
                last_.reset();
            go();
        });
    }

    /// Whether somebody waits to pass.
    bool is_holding() const noexcept { return held_ > 0; }

private:
    journal& records_;
    task_run& task_;
    std::optional<step_no> last_; ///< drawn, and not known to be durable
    std::size_t held_ = 0;
    std::shared_ptr<bool> const alive_ = std::make_shared<bool>(true);
};
using instant_gate = basic_instant_gate<void>;

} // namespace tasker
