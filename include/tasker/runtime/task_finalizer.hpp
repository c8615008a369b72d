#pragma once

#include <tasker/plan/recover.hpp>
#include <tasker/policy/delay_calculator.hpp>
#include <tasker/runtime/step_executor.hpp>
#include <tasker/runtime/task_moves.hpp>
#include <tasker/runtime/task_ending.hpp>

#include <string>
#include <utility>

namespace tasker {

/// Decides what becomes of a task of which nothing is ready and nothing runs: it completes, fails, waits in memory, or
/// is parked in the store. Its last write travels in the same commit as the outcome that led here. Belongs to the strand.
template <class Lazy>
class basic_task_finalizer {
public:
    explicit basic_task_finalizer(engine_parts& parts) : parts_{parts}, delays_{parts.options.delays} {}

    void finalize(task_run& task)
    {
        if (task.leaving)
            return;
        if (is_finished(task.record.state)) {
            if (task.plan.running() == 0)
                leave(task);
            return;
        }
        if (task.script && finalize_script(task))
            return;
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
                               failure_text(task.flow(), task.record, records),
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
        if (task.record.parent && is_finished(task.record.state))
            tell_parent(task);
        task.leaving = true;
        parts_.waits.remove(task);
        parts_.records.write_task(task, row_extra::release_lease);
        parts_.records.note({durable_note::kind::task_left, task.shared_from_this(), {}});
    }

private:
    /// Ends the task of a coroutine that has ended, once nothing of it runs; false when only its steps say what to wait for.
    bool finalize_script(task_run& task)
    {
        auto const progress = task.script->progress();
        if (progress == script_progress::waits && task.plan.status() == execution_status::waiting_for_dependencies)
            return false;
        if (progress == script_progress::waits || progress == script_progress::busy)
            set_alarm(task);
        else if (task.plan.running() > 0)
            step_executor::cancel_all(task);
        else if (progress == script_progress::returned)
            complete(task);
        else if (progress == script_progress::cancelled)
            cancel(task);
        else if (progress == script_progress::renewed)
            renew(task);
        else
            fail(task, task.script->failure());
        return true;
    }

    /// The coroutine has undone what it did.
    void cancel(task_run& task)
    {
        time_point const at = parts_.now();
        std::string const reason = task.script->failure();
        move_task(parts_, task, task_state::cancelled, reason, at);
        parts_.records.tell<task_cancelled>(task, [&] { return task_cancelled{task.as_event(at), reason}; });
        cancel_children(parts_, task);
        leave(task);
    }

    /// The coroutine starts anew: the next claim finds nothing of it but its input.
    void renew(task_run& task)
    {
        if (task.record.state == task_state::in_progress)
            move_task(parts_, task, task_state::pending, "continued_as_new", parts_.now());
        parts_.records.renew(task, task.script->renewed_input());
        leave(task);
    }

    void tell_parent(task_run const& task)
    {
        task_outcome const end = outcome_of_task(task.flow(), task.record, task.plan.records());
        std::string const key = to_text(task.record.id) + " ended at " + to_text(*task.record.finished_at);
        parts_.records.send(task, {task.record.parent, 0, detail::end_of(task.record.id), detail::as_told_to_parent(end), key});
    }

    void complete(task_run& task)
    {
        time_point const at = parts_.now();
        if (task.record.state == task_state::pending)
            move_task(parts_, task, task_state::in_progress, "", at);
        move_task(parts_, task, task_state::complete, "", at);
        parts_.records.tell<task_completed>(task, [&] {
            return task_completed{task.as_event(at), at - task.record.created_at,
                                  result_of(task.flow(), task.plan)};
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
        bool const parked = !delays_.stays_resident(task.is_coroutine() ? backoff_window{first - at, first - at} : window);
        time_point const until = parked && !task.is_coroutine() ? at + delays_.parked_delay(execution_status::waiting_for_dependencies, window) : first;
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
using task_finalizer = basic_task_finalizer<void>;

} // namespace tasker
