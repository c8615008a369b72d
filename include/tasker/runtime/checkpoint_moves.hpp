#pragma once

#include <tasker/flow/detail/checkpoint_awaits.hpp>
#include <tasker/model/child_record.hpp>
#include <tasker/plan/settle.hpp>
#include <tasker/runtime/attempt.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/task_moves.hpp>

#include <cstdint>
#include <utility>

/// How checkpoints end that no attempt ends.
namespace tasker {

/// Whether its coroutine goes on before its outcome is recorded.
inline bool is_volatile(task_run const& task, step_no no) { return task.plan.shape().step(no).options.durability == durability::volatile_; }

/// The checkpoint is over, as `change(record)` makes it; the coroutine hears of it when that is durable.
template <class Change>
void end_checkpoint(engine_parts& parts, task_run& task, step_no no, Change change)
{
    task.plan.write(no, parts.now(), [&](step_record& row) {
        change(row);
        row.order = ++task.last_order;
    });
    parts.records.write_outcome(task, no);
    task.script->ended(no);
}

/// Whether it is the start of a child that a dead worker may have made: only its next attempt can tell.
template <class = void>
inline bool is_unsure_start(task_run const& task, step_no no)
{
    return task.name_of(no).starts_with(detail::child_kind) && detail::is_being_started(task.plan.record(no));
}

/// Has a checkpoint end as cancelled: once its body has ended, if one runs.
template <class = void>
inline void stop_checkpoint(engine_parts& parts, task_run& task, step_no no)
{
    step_state const from = task.plan.record(no).state;
    if (from == step_state::error && is_unsure_start(task, no))
        return;
    if (stop_attempt(task, no) || (from != step_state::pending && from != step_state::error))
        return;
    time_point const at = parts.now();
    start_task(parts, task, at);
    end_checkpoint(parts, task, no, [at](step_record& row) { apply_move(row, step_state::cancelled, {}, at); });
    trace_stop(parts, task, no, from, at);
}

/// An instant has its value, when the coroutine has heard of so many checkpoints; the caller has it written.
template <class = void>
inline void draw_instant(engine_parts& parts, task_run& task, step_no no, payload value, std::int64_t heard)
{
    task.plan.revise(no, [&, at = parts.now()](step_record& row) {
        complete_at_once(row, std::move(value), at);
        row.order = -1 - heard;
    });
}

/// It is recorded with the next commit.
template <class = void>
inline void write_instant(engine_parts& parts, task_run& task, step_no no)
{
    start_task(parts, task, parts.now());
    trace_instant(parts, task, no, *task.plan.record(no).finished_at);
    parts.records.write_step(task, no);
}

/// The message that a checkpoint waits for has come: it is taken with the commit that records the checkpoint.
template <class = void>
inline void complete_by_message(engine_parts& parts, task_run& task, step_no no, message const& found)
{
    time_point const now = parts.now();
    begin_step(parts, task, no, now);
    if (found.sequence > 0)
        parts.records.take(task, found.sequence);
    settle_step(parts, task, no, {attempt_outcome::kind::completed, detail::as_received(found.body), {}, {}}, now, {});
}

} // namespace tasker
