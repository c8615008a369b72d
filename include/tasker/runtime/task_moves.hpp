#pragma once

#include <tasker/model/child_record.hpp>
#include <tasker/plan/apply_command.hpp>
#include <tasker/plan/settle.hpp>
#include <tasker/runtime/engine_parts.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Every change of a task or step goes through here: record, audit trail, row and event together, so that none is
/// forgotten. Nothing is told before it is durable.
namespace tasker {

template <class = void>
inline step_event as_step_event(task_run const& task, step_no step, int attempt_no, time_point at)
{
    step_definition const& definition = task.plan.shape().step(step);
    return {task.as_event(at), definition.name, attempt_no, definition.options.retry.max_attempts};
}

namespace detail {

template <class = void>
[[noreturn]] inline void refuse_move(std::string_view what, state_name from, state_name to)
{
    throw std::logic_error{"tasker: a bug: " + std::string{what} + " cannot move from " + from + " to " + to};
}

template <class State>
void require_legal(std::string_view what, State from, State to)
{
    if (check_move(from, to) != move::allowed) [[unlikely]]
        refuse_move(what, from, to);
}

template <class = void>
inline void trace_step(engine_parts& parts, task_run const& task, step_no step, step_state from, step_state to, time_point at,
                       int attempt_no, std::string_view detail)
{
    require_legal("a step", from, to);
    parts.records.write_transition(task, step, from, to, at, attempt_no, detail);
}

} // namespace detail

/// Moves the task itself. The row is journaled; `tell` the event separately.
template <class = void>
inline void move_task(engine_parts& parts, task_run& task, task_state to, std::string reason, time_point at)
{
    task_state const from = task.record.state;
    detail::require_legal("a task", from, to);
    if (to == task_state::complete && !task.is_coroutine() && task.plan.done() != task.plan.shape().size())
        throw std::logic_error{"tasker: a bug: a task cannot be complete before each of its steps is"};
    parts.records.write_transition(task, {}, from, to, at, 0, reason);
    task.record.state = to;
    task.record.status_reason = std::move(reason);
    task.record.finished_at = is_finished(to) ? std::optional{at} : std::nullopt;
    if (to == task_state::in_progress && !task.record.started_at)
        task.record.started_at = at;
    task.record.wake_at.reset();
    parts.records.write_task(task);
}

/// Something of the task begins: so does the task, unless it had.
template <class = void>
inline void start_task(engine_parts& parts, task_run& task, time_point at)
{
    if (task.record.state != task_state::pending)
        return;
    move_task(parts, task, task_state::in_progress, "", at);
    parts.records.tell<task_started>(task, [&] { return task_started{task.as_event(at)}; });
}

/// A ready step's next attempt starts, and the task with it; `record_start` with what is returned has it recorded.
template <class = void>
inline step_state start_step(engine_parts& parts, task_run& task, step_no step, time_point at)
{
    step_state const from = task.plan.record(step).state;
    start_task(parts, task, at);
    task.plan.begin(step, at);
    return from;
}

/// Journals that an attempt started: error -> pending -> in_progress.
template <class = void>
inline void record_start(engine_parts& parts, task_run& task, step_no step, step_state from, time_point at)
{
    int const attempt_no = task.plan.record(step).attempts + 1;
    if (from == step_state::error) {
        detail::trace_step(parts, task, step, from, step_state::pending, at, attempt_no, "");
        parts.records.tell<step_retry_requested>(task, [&] { return step_retry_requested{as_step_event(task, step, attempt_no, at)}; });
    }
    detail::trace_step(parts, task, step, step_state::pending, step_state::in_progress, at, attempt_no, "");
    parts.records.tell<step_started>(task, [&] { return step_started{as_step_event(task, step, attempt_no, at)}; });
    parts.records.write_step(task, step);
}

/// The same at once.
template <class = void>
inline void begin_step(engine_parts& parts, task_run& task, step_no step, time_point at)
{
    record_start(parts, task, step, start_step(parts, task, step, at), at);
}

namespace detail {

template <class = void>
inline void tell_outcome(engine_parts& parts, task_run& task, step_no step, int attempt_no, duration elapsed, time_point at)
{
    step_record const& record = task.plan.record(step);
    auto const base = [&] { return as_step_event(task, step, attempt_no, at); };
    if (record.state == step_state::complete)
        parts.records.tell<step_completed>(task, [&] { return step_completed{base(), elapsed, record.result}; });
    else if (record.state == step_state::cancelled)
        parts.records.tell<step_cancelled>(task, [&] { return step_cancelled{base()}; });
    else
        parts.records.tell<step_failed>(task, [&] {
            step_failed told{base()};
            set_cause(told, *record.last_failure);
            told.elapsed = elapsed;
            told.next_retry_at = record.next_retry_at;
            return told;
        });
}

template <class = void>
inline void tell_published(engine_parts& parts, task_run& task, step_no step, int attempt_no, time_point at,
                           std::vector<std::pair<std::string, payload>>&& published)
{
    for (auto& [name, data] : published)
        parts.records.tell<custom_event>(task, [&] {
            return custom_event{as_step_event(task, step, attempt_no, at), std::move(name), std::move(data)};
        });
}

} // namespace detail

/// The task is not one that kills its workers, as far as is known now.
template <class = void>
inline void forget_recoveries(engine_parts& parts, task_run& task)
{
    task.recovered = false;
    if (std::exchange(task.record.recoveries, 0) != 0)
        parts.records.write_task(task);
}

/// A checkpoint that is over takes its place in the order in which its coroutine is told.
template <class = void>
inline void take_order(task_run& task, step_record& record, retry_policy const& policy)
{
    bool const is_over = record.state != step_state::pending && record.state != step_state::in_progress &&
                         (record.state != step_state::error || !may_retry(record, policy));
    if (task.is_coroutine() && is_over)
        record.order = ++task.last_order;
}

/// Whether the coroutine hears of the step, which is over, before that is durable. Then it is recorded with the next commit, and
/// so no later than what follows from it.
template <class = void>
inline bool is_told_at_once(task_run const& task, step_no step)
{
    return task.script && task.plan.record(step).order > 0 &&
           task.plan.shape().step(step).options.durability == durability::volatile_;
}

/// Steps that became ready since the last call may start, in their turn.
template <class = void>
inline void offer_ready(engine_parts& parts, task_run& task)
{
    task.plan.take_ready([&](step_no step) { parts.ready.push(task.shared_from_this(), step); });
}

/// When a running step's attempt started, and from which state, unless that start is recorded.
struct attempt_start {
    attempt_start(time_point when, std::optional<step_state> unrecorded = {}) : at{when}, unrecorded_from{unrecorded} {}

    time_point at;
    std::optional<step_state> unrecorded_from;
};

namespace detail {

/// Whether a success of the step is no more than that: nobody hears of it, and nothing of its task waits for a commit.
template <class = void>
inline bool is_plain_success(engine_parts const& parts, task_run const& task, step_no step, attempt_start const& start)
{
    return start.unrecorded_from == step_state::pending && task.plan.record(step).attempts == 0 && task.plan.is_durable(step) && task.record.state == task_state::in_progress &&
           !task.is_coroutine() && !task.recovered && task.record.recoveries == 0 && !parts.records.holds(task) &&
           !parts.events.wants<step_event>() && task.plan.goes_on_after(step);
}

} // namespace detail

/// Writes a success at once, past the journal, when the store can do so and nothing else is to be recorded with it: its
/// children are ready then. False, and the result left, when that is for `settle_step`.
template <class = void>
inline bool complete_past_journal(engine_parts& parts, task_run& task, step_no step, payload& result, attempt_start const& start)
{
    if (!parts.store_is_immediate || !detail::is_plain_success(parts, task, step, start))
        return false;
    time_point const at = parts.now();
    if (!parts.store.complete({parts.worker, task.record.id, task.record.epoch, step, start.at, at, result}))
        return false; // the journal's commit will tell what is wrong
    task.plan.complete(step, at, [&](step_record& record) { settle_success(record, std::move(result), at); });
    offer_ready(parts, task);
    return true;
}

/// A running step's attempt ended: settles it purely, journals it, and has its children wait for the commit.
template <class = void>
inline void settle_step(engine_parts& parts, task_run& task, step_no step, attempt_outcome&& outcome, attempt_start start,
                        std::vector<std::pair<std::string, payload>>&& published)
{
    if (start.unrecorded_from)
        record_start(parts, task, step, *start.unrecorded_from, start.at);
    time_point const at = parts.now();
    int const attempt_no = task.plan.record(step).attempts + 1;
    retry_policy const& policy = task.plan.shape().step(step).options.retry;
    double const random = outcome.how == attempt_outcome::kind::failed ? parts.draw() : 0; // for the jitter
    task.plan.write(step, at, [&](step_record& record) {
        settle(record, policy, std::move(outcome), at, random);
        take_order(task, record, policy);
    });
    step_record const& record = task.plan.record(step);
    detail::trace_step(parts, task, step, step_state::in_progress, record.state, at, attempt_no,
                       record.last_failure ? std::string_view{record.last_failure->what} : std::string_view{});
    if (is_told_at_once(task, step)) {
        parts.records.write_step(task, step);
        task.plan.made_durable(step, at);
    } else {
        parts.records.write_outcome(task, step);
    }
    if (task.script && record.order > 0)
        task.script->ended(step);
    detail::tell_published(parts, task, step, attempt_no, at, std::move(published));
    detail::tell_outcome(parts, task, step, attempt_no, at - start.at, at);
    bool const abandoned = record.last_failure && record.last_failure->kind == failure_kind::abandoned;
    if (!abandoned) // progress: the next dead worker starts counting anew
        forget_recoveries(parts, task);
    auto const status = task.plan.status();
    if (is_finished(task.record.state) || record.next_retry_at ||
        (status != execution_status::processing && status != execution_status::has_ready_steps) || is_told_at_once(task, step))
        task.wake(); // to set the alarm for its retry; and perhaps the task's own next state can travel in the same commit
}

/// A running step's next record, on paper.
struct settled_step {
    step_record record;
    transition_record line;
    time_point at{};
};

/// Settles a running step purely, and leaves it to the caller to make that true.
/// A checkpoint takes its place in the order at once: what ends meanwhile is told after it.
template <class = void>
inline settled_step settle_copy(engine_parts& parts, task_run& task, step_no step, attempt_outcome&& outcome)
{
    settled_step settled{task.plan.record(step), {}, parts.now()};
    int const attempt_no = settled.record.attempts + 1;
    retry_policy const& policy = task.plan.shape().step(step).options.retry;
    settle(settled.record, policy, std::move(outcome), settled.at, parts.draw());
    take_order(task, settled.record, policy);
    if (task.script)
        task.script->ended(step);
    settled.line = {task.record.id, step, step_state::in_progress, settled.record.state, settled.at, attempt_no, {}, 0};
    return settled;
}

/// A running step is complete and durably so, in another commit than the journal's: its children may start.
template <class = void>
inline void adopt_commit(engine_parts& parts, task_run& task, step_no step, settled_step const& settled, time_point started_at,
                         std::vector<std::pair<std::string, payload>> published)
{
    time_point const now = parts.now();
    task.plan.write(step, now, [&](step_record& record) { record = settled.record; });
    task.plan.made_durable(step, now);
    auto const base = [&] { return as_step_event(task, step, settled.line.attempt, settled.at); };
    if (parts.events.wants<custom_event>())
        for (auto& [name, data] : published)
            parts.events.publish(custom_event{base(), std::move(name), std::move(data)});
    if (parts.events.wants<step_completed>())
        parts.events.publish(step_completed{base(), settled.at - started_at, settled.record.result});
    forget_recoveries(parts, task);
    task.wake();
}

/// A checkpoint is complete at once, without an attempt.
template <class = void>
inline void trace_instant(engine_parts& parts, task_run const& task, step_no step, time_point at)
{
    detail::trace_step(parts, task, step, step_state::pending, step_state::in_progress, at, 0, "");
    detail::trace_step(parts, task, step, step_state::in_progress, step_state::complete, at, 0, "");
}

/// A checkpoint that was not running was stopped.
template <class = void>
inline void trace_stop(engine_parts& parts, task_run& task, step_no step, step_state from, time_point at)
{
    detail::trace_step(parts, task, step, from, step_state::cancelled, at, 0, "");
    parts.records.tell<step_cancelled>(task, [&] { return step_cancelled{as_step_event(task, step, 0, at)}; });
}

/// The task is cancelled: so are those that it has started, with the same commit.
template <class = void>
inline void cancel_children(engine_parts& parts, task_run const& task)
{
    if (!task.is_coroutine())
        return;
    for (task_id const child : task.script ? task.script->children() : detail::attached_children(task.plan.records()))
        parts.records.send(task, {child, 0, std::string{detail::cancel_order}, {}, {}});
}

/// A command was carried out, or refused: its caller is answered, and its request leaves the task's row.
template <class = void>
inline void answer_command(engine_parts& parts, task_run& task, pending_command obeyed, std::exception_ptr const& refusal)
{
    if (obeyed.origin == command_origin::store) {
        parts.records.write_task(task, row_extra::clear_request);
        parts.records.note({durable_note::kind::request_cleared, task.shared_from_this(), {}});
    }
    if (!obeyed.done)
        return;
    if (refusal)
        obeyed.done(refusal);
    else
        parts.records.when_all_durable(task, std::move(obeyed.done));
}

/// A checkpoint counts as never come to: its number is free for another.
template <class = void>
inline void forget_step(engine_parts& parts, task_run& task, step_no step, time_point at)
{
    task.plan.write(step, at, [](step_record& record) { record = {}; });
    parts.records.write_outcome(task, step);
}

/// An operator moves a step that does not run.
template <class = void>
inline void command_step(engine_parts& parts, task_run& task, step_no step, step_state to, command const& asked, time_point at)
{
    step_state const from = task.plan.record(step).state;
    task.plan.write(step, at, [&](step_record& record) {
        apply_move(record, to, asked.result, at);
        take_order(task, record, task.plan.shape().step(step).options.retry);
    });
    detail::trace_step(parts, task, step, from, to, at, 0, asked.reason);
    parts.records.write_outcome(task, step);
    if (task.script && task.plan.record(step).order > 0)
        task.script->ended(step);
    auto const base = [&] { return as_step_event(task, step, 0, at); };
    if (to == step_state::cancelled)
        parts.records.tell<step_cancelled>(task, [&] { return step_cancelled{base()}; });
    else if (to == step_state::resolved_manually)
        parts.records.tell<step_resolved_manually>(task, [&] { return step_resolved_manually{base(), asked.result}; });
    else
        parts.records.tell<step_retry_requested>(task, [&] { return step_retry_requested{base()}; });
}

} // namespace tasker
