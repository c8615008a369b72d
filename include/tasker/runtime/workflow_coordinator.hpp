#pragma once

#include <tasker/flow/async.hpp>
#include <tasker/plan/recover.hpp>
#include <tasker/runtime/script.hpp>
#include <tasker/runtime/step_executor.hpp>
#include <tasker/runtime/task_finalizer.hpp>

#include <algorithm>
#include <coroutine>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace tasker {

/// Drives one task from its arrival in memory until it leaves: `co_await`s news (an outcome, a timer, a command, a commit)
/// and lets the plan, the finalizer and the ready queue act on it. There is no batch: every step that became ready is
/// offered at once. Belongs to the strand.
template <class Lazy>
class basic_workflow_coordinator {
public:
    basic_workflow_coordinator(engine_parts& parts, task_finalizer& finalizer) : parts_{parts}, finalizer_{finalizer} {}

    /// Starts coordinating; the coroutine belongs to the task from here on.
    void start(std::shared_ptr<task_run> const& task)
    {
        task->awake = true;
        start_in_place(parts_.strand, coordinate(*task), [](std::exception_ptr problem) {
            if (problem)
                std::rethrow_exception(problem); // a bug of the library's: end the process rather than record nonsense
        });
    }

    /// Resumes a coordinator that waits for news.
    static void resume(task_run& task)
    {
        task.awake = false;
        task.coordinator = {};
        if (auto const waiting = std::exchange(task.awaiting_news, {}))
            detail::pump(waiting);
    }

    /// An outcome of the task is durable. Children that it made ready are offered at once: there is nothing to decide.
    void hear(task_run& task, step_no step, time_point at)
    {
        task.plan.made_durable(step, at);
        if (task.gone)
            return;
        if (!task.is_coroutine() && !task.leaving && !is_finished(task.record.state))
            offer_ready(parts_, task);
        auto const status = task.plan.status();
        if (task.is_coroutine() || (status != execution_status::processing && status != execution_status::has_ready_steps))
            task.wake();
    }

private:
    struct news {
        task_run& task;
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> self) const noexcept
        {
            task.awake = false;
            task.awaiting_news = self;
            task.coordinator = self.promise().context->root;
        }
        void await_resume() const noexcept {}
    };

    async<> coordinate(task_run& task)
    {
        take_over(task);
        if (task.is_coroutine()) {
            advance(task);
            forgive(task); // nor did its own code kill this one
        }
        while (!task.gone) {
            advance(task); // what is recorded comes before what is asked for
            obey_all(task);
            advance(task);
            if (!task.leaving && !is_finished(task.record.state)) {
                task.plan.wake(parts_.now());
                offer_ready(parts_, task);
            }
            finalizer_.finalize(task);
            co_await news{task};
        }
    }

    /// What a former owner left behind: attempts that ended with it, and a command nobody carried out.
    void take_over(task_run& task)
    {
        for (step_no const step : task.abandoned)
            settle_step(parts_, task, step, {attempt_outcome::kind::failed, {}, abandoned_attempt(), {}},
                        task.plan.record(step).started_at.value_or(parts_.now()), {});
        if (!task.is_coroutine())
            forgive(task);
        if (exceeds_recoveries(task.record, parts_.options.max_recoveries) && !is_finished(task.record.state))
            finalizer_.fail(task, recoveries_exceeded_text(task.record));
        if (auto asked = std::exchange(task.record.request, {})) {
            task.request_in_hand = true;
            task.commands.insert(task.commands.begin(), pending_command{std::move(*asked), std::move(task.request_done), command_origin::store});
        } else if (auto done = std::exchange(task.request_done, {})) {
            done(nullptr); // another worker was faster, and has carried it out
        }
    }

    /// None of its bodies ran when the worker died: it is not to blame.
    void forgive(task_run& task)
    {
        if (!task.recovered || !task.abandoned.empty() || task.record.recoveries == 0)
            return;
        --task.record.recoveries;
        parts_.records.write_task(task);
    }

    /// Runs the coroutine of a live task as far as it gets, if it has one.
    void advance(task_run& task)
    {
        if (!task.is_coroutine() || task.leaving || is_finished(task.record.state))
            return;
        if (!task.script)
            task.script = std::make_unique<script>(parts_, task);
        task.script->advance();
        parts_.time_passed();
    }

    void obey_all(task_run& task)
    {
        for (message const& order : std::exchange(task.orders, {})) {
            parts_.records.take(task, order.sequence);
            if (!is_finished(task.record.state))
                task.commands.push_back({{command_kind::cancel, {}, {}, "its parent was cancelled"}, {}});
        }
        while (!task.commands.empty() && !task.leaving && !has_to_wait(task, task.commands.front().asked)) {
            pending_command next = std::move(task.commands.front());
            task.commands.erase(task.commands.begin());
            obey(task, std::move(next));
        }
    }

    /// A cancel reaches the children, too: those that are being started as soon as they are known.
    static bool has_to_wait(task_run const& task, command const& asked)
    {
        return asked.kind == command_kind::cancel && task.script && !is_finished(task.record.state) && task.script->is_starting();
    }

    /// Carries out what a coroutine's task obeys in its own way; false when there is nothing of the kind.
    bool obey_as_coroutine(task_run& task, pending_command& next)
    {
        if (next.asked.kind == command_kind::cancel && task.script && !is_finished(task.record.state) && task.script->undo(next.asked.reason)) {
            answer_command(parts_, task, std::move(next), nullptr);
            return true;
        }
        if (next.asked.kind != command_kind::retry || task.record.state != task_state::error || !has_undone(task))
            return false;
        task.record.recoveries = 0;
        move_task(parts_, task, task_state::pending, next.asked.reason, parts_.now());
        tell_move(task, next.asked, parts_.now());
        answer_command(parts_, task, std::move(next), nullptr);
        parts_.records.renew(task, task.record.input);
        finalizer_.leave(task);
        return true;
    }

    /// Whether the task's coroutine has undone what it did, so that a retry is to do all of it again.
    static bool has_undone(task_run const& task)
    {
        auto const steps = task.plan.shape().steps();
        return task.is_coroutine() && std::any_of(steps.begin(), steps.end(), [](auto const& one) { return one.name == undone_name; });
    }

    void obey(task_run& task, pending_command next)
    {
        if (obey_as_coroutine(task, next))
            return;
        command_effect const effect = apply_command(next.asked, task.record.state, task.plan);
        if (effect.refusal) {
            refuse(task, std::move(next), effect);
            return;
        }
        if (effect.steps.size() == 1 && step_executor::cancel(task, effect.steps.front().step, next))
            return; // answered when the body has ended
        time_point const at = parts_.now();
        for (commanded_step const& moved : effect.steps)
            command_step(parts_, task, moved.step, moved.to, next.asked, at);
        for (step_no const step : effect.forgotten)
            forget_step(parts_, task, step, at);
        if (effect.task) {
            if (*effect.task == task_state::pending)
                task.record.recoveries = 0; // an operator vouches for it: dead workers count anew
            move_task(parts_, task, *effect.task, next.asked.reason, at);
            tell_move(task, next.asked, at);
            if (*effect.task == task_state::cancelled) {
                step_executor::cancel_all(task);
                cancel_children(parts_, task);
            }
        }
        parts_.records.hurry();
        answer_command(parts_, task, std::move(next), nullptr);
    }

    void refuse(task_run& task, pending_command next, command_effect const& effect)
    {
        std::string const& why = *effect.refusal;
        parts_.records.tell<command_refused>(task, [&] { return command_refused{task.as_event(parts_.now()), next.asked.kind, why}; });
        answer_command(parts_, task, std::move(next),
                       std::make_exception_ptr(error{effect.refused_as, "task " + to_text(task.record.id) + ": " + why}));
    }

    void tell_move(task_run& task, command const& asked, time_point at)
    {
        switch (task.record.state) {
        case task_state::cancelled:
            parts_.records.tell<task_cancelled>(task, [&] { return task_cancelled{task.as_event(at), asked.reason}; });
            break;
        case task_state::resolved_manually:
            parts_.records.tell<task_resolved_manually>(task, [&] { return task_resolved_manually{task.as_event(at)}; });
            break;
        default: parts_.records.tell<task_retry_requested>(task, [&] { return task_retry_requested{task.as_event(at)}; });
        }
    }

    engine_parts& parts_;
    task_finalizer& finalizer_;
};
using workflow_coordinator = basic_workflow_coordinator<void>;

} // namespace tasker
