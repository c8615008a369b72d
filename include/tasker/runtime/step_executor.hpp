#pragma once

#include <tasker/base/overloaded.hpp>
#include <tasker/flow/detail/frame_pool.hpp>
#include <tasker/flow/on.hpp>
#include <tasker/plan/settle.hpp>
#include <tasker/runtime/allow_transaction.hpp>
#include <tasker/runtime/attempt.hpp>
#include <tasker/runtime/body_place.hpp>
#include <tasker/runtime/outcome_of.hpp>
#include <tasker/runtime/own_commits.hpp>
#include <tasker/runtime/strand.hpp>
#include <tasker/runtime/task_moves.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace tasker {

/// Runs steps: claims a ready one, performs its body where it belongs, settles the outcome, journals it.
/// What happens then is told when it is durable. Belongs to the strand.
template <class Lazy>
class basic_step_executor {
public:
    /// `on_lost` hears that another worker owns a task of ours.
    basic_step_executor(engine_parts& parts, own_commits::lost on_lost)
        : parts_{parts}, own_commits_{parts, [this](own_commit const& stored) { adopt(stored); },
                                      [this](attempt& one, std::exception_ptr const& problem) { fail_commit(one, problem); },
                                      std::move(on_lost)}
    {
    }

    /// The engine that attempts look for when they come back.
    void serve(std::weak_ptr<engine_parts> owner)
    {
        own_commits_.serve(owner);
        environment_ = std::make_shared<attempt_environment const>(attempt_environment{
            std::move(owner), parts_.strand, parts_.time, parts_.transactions, [this](attempt& late) { time_out(late); }});
    }

    /// Starts a ready step's next attempt, in place when its body runs on the engine.
    void start(std::shared_ptr<task_run> const& task, step_no step)
    {
        if (!task->is_coroutine() && !task->recovered && runs_on_engine(*task, step))
            if (auto const* const body = std::get_if<plain_body>(&task->body(step))) {
                run_in_place(*task, step, *body);
                return;
            }
        auto const started = claim(task, step);
        if (!task->recovered) {
            perform(started);
            if (!started->over)
                record_start_of(*started);
            return;
        }
        record_start_of(*started);
        // Perhaps it killed its last worker: that it runs is durable before it does, so that the next one can tell.
        parts_.records.note({durable_note::kind::call, task, [this, started](std::exception_ptr const& lost) {
                                 if (!lost && !started->over)
                                     perform_recorded(started);
                             }});
    }

    /// Starts a step that nobody has queued, unless it has to wait for its turn: for limits, for others, for the journal.
    bool start_in_turn(task_run& task, step_no step)
    {
        registered_workflow const& workflow = *task.workflow;
        bool const has_room = parts_.running_steps < parts_.options.max_concurrent_steps && !parts_.records.is_full() &&
                              (workflow.max_concurrent_steps == 0 || workflow.running_steps < workflow.max_concurrent_steps);
        time_point const now = parts_.now();
        if (!has_room || task.recovered || parts_.draining || !parts_.ready.empty() || now >= parts_.lease_until || now >= parts_.turn_until)
            return false;
        task.plan.admit(step);
        try {
            start(task.shared_from_this(), step);
        } catch (...) { // out of memory or threads: whoever runs the engine hears of it when it fails in its turn, too
            task.plan.withhold(step);
            return false;
        }
        return true;
    }

    /// The engine ends: no body waits for it any longer, and none keeps a transaction open after its own end.
    static void revoke_transactions(task_run& task)
    {
        for (auto const& one : task.attempts)
            if (one->transaction)
                one->transaction->revoke();
    }

    /// Asks every running body of the task to stop; their outcomes are still recorded.
    static void cancel_all(task_run& task)
    {
        auto const running = task.attempts;
        for (auto const& one : running)
            one->cancel();
    }

    /// Asks the running body of one step to stop; takes `command` and answers it when the body has ended.
    /// False, and nothing taken, when the step does not run.
    static bool cancel(task_run& task, step_no step, pending_command& command)
    {
        auto const at = std::find_if(task.attempts.begin(), task.attempts.end(), [&](auto const& one) { return one->step == step; });
        if (at == task.attempts.end())
            return false;
        auto const running = *at;
        running->cancelled_by.push_back(std::move(command));
        running->cancel();
        return true;
    }

    /// Lets go of every running body of a task that is no longer ours: they are asked to stop, and nothing is recorded.
    void abandon(task_run& task)
    {
        for (auto const& one : std::exchange(task.attempts, {})) {
            end(*one);
            one->cancel();
            for (pending_command& asked : std::exchange(one->cancelled_by, {}))
                if (asked.done)
                    asked.done(std::make_exception_ptr(
                        error{errc::lease_lost, "another worker took the task over; ask again"}));
        }
    }

private:
    /// Runs a body that has ended before anybody can stop it, run out of time or be in its way.
    void run_in_place(task_run& task, step_no step, plain_body const& body)
    {
        placed_attempt one{*environment_, task, step, parts_.now()};
        one.no_transaction = why_no_transaction(parts_);
        attempt_start const start{one.started_at, start_step(parts_, task, step, one.started_at)};
        auto [problem, result] = call_body(one, body);
        parts_.time_passed();
        if (problem)
            settle_step(parts_, task, step, outcome_of(problem, stop_reason::none), start, std::move(one.published));
        else if (!one.published.empty() || !complete_past_journal(parts_, task, step, *result, start))
            settle_step(parts_, task, step, {attempt_outcome::kind::completed, std::move(*result), {}, {}}, start, std::move(one.published));
        parts_.ready.step_ended(*task.workflow);
        parts_.schedule();
    }

    std::shared_ptr<attempt> make_attempt(std::shared_ptr<task_run> const& task, step_no step)
    {
        detail::recycling_allocator<attempt> const memory;
        attempt::owners owners{environment_, task};
        if (auto elsewhere = executor_elsewhere(parts_, task->plan.shape().step(step).options.run_on))
            return std::allocate_shared<attempt>(memory, std::move(owners), step, parts_.now(), std::move(*elsewhere));
        return std::allocate_shared<attempt>(memory, std::move(owners), step, parts_.now());
    }

    std::shared_ptr<attempt> claim(std::shared_ptr<task_run> const& task, step_no step)
    {
        auto const one = make_attempt(task, step);
        if (auto const deadline = one->context.deadline())
            parts_.waits.park(*one, *deadline);
        one->place = task->attempts.size();
        task->attempts.push_back(one);
        ++task->workflow->running_steps;
        ++parts_.running_steps;
        one->unrecorded_from = start_step(parts_, *task, step, one->started_at);
        if (task->is_coroutine() || !one->runs_on_strand)
            record_start_of(*one);
        return one;
    }

    /// An attempt that outlives the call that starts it is recorded as started, one that does not together with its outcome.
    void record_start_of(attempt& one)
    {
        if (auto const from = std::exchange(one.unrecorded_from, std::nullopt))
            record_start(parts_, *one.task, one.step, *from, one.started_at);
    }

    void perform(std::shared_ptr<attempt> const& one)
    {
        std::visit(overloaded{[&](plain_body const& body) { perform_plain(one, body); },
                              [&](async_body const& body) { perform_async(one, body); },
                              [&](awaitable_body const& body) { perform_awaitable(one, body); }},
                   one->task->body(one->step));
    }

    /// Performs what waited for its start to be durable, unless it was cancelled meanwhile.
    void perform_recorded(std::shared_ptr<attempt> const& one)
    {
        if (one->cancelled() && !one->task->name_of(one->step).starts_with(detail::child_kind)) // that one may have been started before
            finish(*one, std::make_exception_ptr(boost::system::system_error{boost::asio::error::operation_aborted}), {});
        else
            perform(one);
    }

    void perform_plain(std::shared_ptr<attempt> const& one, plain_body const& body)
    {
        allow_transaction(parts_, *one);
        if (one->runs_on_strand) {
            auto [problem, result] = call_body(*one, body);
            parts_.time_passed();
            finish(*one, problem, std::move(result));
            return;
        }
        boost::asio::post(one->context.get_executor(), [this, one, &body] {
            auto [problem, result] = call_body(*one, body);
            if (one->transaction)
                one->transaction->body_ended(problem);
            if (!one->is_called_in_place || !one->transaction->is_open())
                report(this, one, problem, std::move(result));
            else if (auto const alive = one->environment().engine.lock())
                finish(*one, problem, std::move(result)); // nothing may come between the body and its commit
        });
    }

    void perform_async(std::shared_ptr<attempt> const& one, async_body const& body)
    {
        auto run = [this, one, &body] {
            try {
                start_in_place(
                    one->context.get_executor(), body(one->context, one->arguments),
                    [this, one](std::exception_ptr problem, std::optional<payload> result) {
                        report(this, one, problem, std::move(result));
                    },
                    one->signal.slot(), &one->stop);
            } catch (...) { // the arguments did not decode
                report(this, one, std::current_exception(), {});
            }
        };
        if (one->runs_on_strand) {
            run();
            parts_.time_passed();
        } else
            boost::asio::post(one->context.get_executor(), std::move(run));
    }

    void perform_awaitable(std::shared_ptr<attempt> const& one, awaitable_body const& body)
    {
        auto spawn = [this, one, &body] {
            try {
                boost::asio::co_spawn(one->context.get_executor(), body(one->context, one->arguments),
                                      boost::asio::bind_cancellation_slot(
                                          one->signal.slot(), [this, one](std::exception_ptr problem, payload result) {
                                              report(this, one, problem, std::move(result));
                                          }));
            } catch (...) { // the arguments did not decode
                report(this, one, std::current_exception(), {});
            }
        };
        if (one->runs_on_strand) {
            spawn();
            parts_.time_passed();
        } else
            boost::asio::post(one->context.get_executor(), std::move(spawn));
    }

    /// Brings an outcome back to the strand, and drops it when the engine is gone by then.
    static void report(basic_step_executor* to, std::shared_ptr<attempt> const& one, std::exception_ptr const& problem,
                       std::optional<payload> result)
    {
        if (one->runs_on_strand) {
            if (auto const alive = one->environment().engine.lock()) {
                alive->time_passed();
                to->finish(*one, problem, std::move(result));
            }
            return;
        }
        one->leave_executor();
        auto deliver = [to, one, problem, result = std::move(result)]() mutable {
            if (auto const alive = one->environment().engine.lock())
                to->finish(*one, problem, std::move(result));
        };
        boost::asio::dispatch(one->environment().strand, std::move(deliver));
    }

    void finish(attempt& one, std::exception_ptr const& problem, std::optional<payload> result)
    {
        if (one.over)
            return; // its time ran out, or its task went to another worker: a late outcome does not count
        if (one.is_late) {
            settle_late(one);
            return;
        }
        if (auto own = problem || !one.transaction ? nullptr : one.transaction->take())
            own_commits_.commit(one, std::move(own), result ? std::move(*result) : payload{});
        else if (problem)
            settle_attempt(one, outcome_of(problem, one.cancelled() ? stop_reason::cancelled : stop_reason::none), std::move(one.published));
        else
            succeed(one, result ? std::move(*result) : payload{});
    }

    void succeed(attempt& one, payload&& result)
    {
        conclude(one, [&](task_run& task) {
            attempt_start const start{one.started_at, one.unrecorded_from};
            if (!one.published.empty() || !complete_past_journal(parts_, task, one.step, result, start))
                settle_step(parts_, task, one.step, {attempt_outcome::kind::completed, std::move(result), {}, {}}, start, std::move(one.published));
        });
    }

    /// Nothing of the attempt's transaction was stored.
    void fail_commit(attempt& one, std::exception_ptr const& problem)
    {
        if (one.task->script)
            one.task->script->did_not_end(one.step);
        finish(one, problem, {});
    }

    void time_out(attempt& late)
    {
        auto const alive = late.shared_from_this();
        if (late.task->is_coroutine())
            late.is_late = true; // the body may use what is the coroutine's, which must not go on before it has ended
        else
            settle_late(late);
        late.cancel();
    }

    /// What the body published is the body's until it ends, and does not count any more.
    void settle_late(attempt& late)
    {
        duration const limit = *late.context.deadline() - late.started_at;
        settle_attempt(late,
                       {attempt_outcome::kind::failed,
                        {},
                        {failure_kind::timeout, "the attempt ran out of its time of " + to_text(limit), "timeout"},
                        {}},
                       {});
    }

    void settle_attempt(attempt& one, attempt_outcome&& outcome, std::vector<std::pair<std::string, payload>>&& published)
    {
        conclude(one, [&](task_run& task) {
            settle_step(parts_, task, one.step, std::move(outcome), {one.started_at, one.unrecorded_from}, std::move(published));
        });
    }

    /// The outcome is durable already.
    void adopt(own_commit const& stored)
    {
        attempt& one = *stored.of;
        conclude(one, [&](task_run& task) {
            adopt_commit(parts_, task, one.step, stored.settled, one.started_at, std::move(one.published));
        });
    }

    template <class Record>
    void conclude(attempt& one, Record record)
    {
        task_run& task = *one.task;
        task.attempts.back()->place = one.place;
        std::swap(task.attempts[one.place], task.attempts.back());
        task.attempts.pop_back(); // the caller keeps it
        end(one);
        if (!task.gone)
            record(task);
        if (!one.cancelled_by.empty())
            for (pending_command& asked : std::exchange(one.cancelled_by, {}))
                answer_cancel(task, one.step, std::move(asked));
        parts_.schedule();
    }

    /// The body that a command asked to stop has ended, in one way or another.
    void answer_cancel(task_run& task, step_no step, pending_command asked)
    {
        step_state const now = task.plan.record(step).state;
        std::exception_ptr refusal;
        if (now != step_state::cancelled)
            refusal = std::make_exception_ptr(
                error{errc::illegal_transition, "task " + to_text(task.record.id) + ": step \"" + task.plan.shape().step(step).name +
                                                    "\" ended as " + std::string{name(now)} + " before it could be cancelled"});
        answer_command(parts_, task, std::move(asked), refusal);
    }

    void end(attempt& one)
    {
        one.over = true;
        if (one.transaction)
            one.transaction->revoke();
        parts_.waits.remove(one);
        --parts_.running_steps;
        --one.task->workflow->running_steps;
        parts_.ready.step_ended(*one.task->workflow);
    }

    engine_parts& parts_;
    own_commits own_commits_;
    std::shared_ptr<attempt_environment const> environment_;
};
using step_executor = basic_step_executor<void>;

} // namespace tasker
