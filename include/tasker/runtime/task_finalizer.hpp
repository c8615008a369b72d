#pragma once

#include <tasker/plan/recover.hpp>
#include <tasker/policy/delay_calculator.hpp>
#include <tasker/runtime/step_executor.hpp>
#include <tasker/runtime/task_moves.hpp>
#include <tasker/runtime/task_outcome.hpp>

#include <string>
#include <utility>

namespace tasker {

/// Decides what becomes of a task of which nothing is ready and nothing runs: it completes, fails, waits in memory, or
/// is parked in the store. Its last write travels in the same commit as the outcome that led here. Belongs to the strand.
class task_finalizer {
public:
    explicit task_finalizer(engine_parts& parts) : parts_{parts}, delays_{parts.options.delays} {}

    void finalize(task_run& task)
    {
        if (task.leaving)
            return;
        if (is_finished(task.record.state)) {
            if (task.plan.running() == 0)
                leave(task);
            return;
        }
        switch (task.plan.status()) {
        case execution_status::has_ready_steps:
        case execution_status::processing: set_alarm(task); return;
        case execution_status::waiting_for_dependencies: wait(task); return;
        case execution_status::all_complete: complete(task); return;
        case execution_status::blocked_by_failures: fail(task, std::string{steps_in_error_state}); return;
        }
    }

    /// Ends the task in error, whatever its steps could still do.
    void fail(task_run& task, std::string reason)
    {
        time_point const at = parts_.now();
        move_task(parts_, task, task_state::error, std::move(reason), at);
        parts_.records.tell<task_failed>(task, [&] {
            auto const records = task.plan.records();
            auto const context = summarize(assess_all(task.plan.shape(), records, at));
            return task_failed{task.as_event(at),
                               failure_text(task.workflow->flow, task.record, records),
                               context.failed_steps,
                               context.total_steps,
                               context.completion_percentage,
                               at - task.record.created_at};
        });
        leave(task);
    }

    /// Gives the task back to the store for good: its lease ends with the commit.
    void leave(task_run& task)
    {
        task.leaving = true;
        parts_.waits.remove(task);
        parts_.records.write_task(task, row_extra::release_lease);
        parts_.records.note({durable_note::kind::task_left, task.shared_from_this(), 0, {}});
    }

private:
    void complete(task_run& task)
    {
        time_point const at = parts_.now();
        if (task.record.state == task_state::pending)
            move_task(parts_, task, task_state::in_progress, "", at);
        move_task(parts_, task, task_state::complete, "", at);
        parts_.records.tell<task_completed>(task, [&] {
            return task_completed{task.as_event(at), at - task.record.created_at,
                                  result_of(task.workflow->flow, task.plan.records())};
        });
        leave(task);
    }

    /// Other steps keep the task busy; those in back-off start at their own due time all the same.
    void set_alarm(task_run& task)
    {
        if (auto const window = task.plan.due_window(); window && !(task.is_parked() && task.due() == window->first))
            parts_.waits.park(task, window->first);
    }

    void wait(task_run& task)
    {
        time_point const at = parts_.now();
        auto const [first, last] = *task.plan.due_window();
        backoff_window const window{first - at, last - at};
        bool const parked = !delays_.stays_resident(window);
        time_point const until = parked ? at + delays_.parked_delay(execution_status::waiting_for_dependencies, window) : first;
        if (task.record.state == task_state::in_progress) {
            move_task(parts_, task, task_state::pending, "waiting_for_dependencies", at);
            parts_.records.hurry();
        } else if (!parked && task.is_parked() && task.due() == until) {
            return; // nothing new
        }
        parts_.records.tell<task_waiting>(task, [&] {
            return task_waiting{task.as_event(at), "waiting_for_dependencies", until, parked};
        });
        if (!parked) {
            parts_.waits.park(task, until);
            return;
        }
        task.record.wake_at = until;
        leave(task);
    }

    engine_parts& parts_;
    delay_calculator delays_;
};

} // namespace tasker
