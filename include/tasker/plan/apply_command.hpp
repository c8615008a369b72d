#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/command.hpp>
#include <tasker/plan/task_plan.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

/// A step's move that a command asks for.
struct commanded_step {
    step_no step = 0;
    step_state to = step_state::pending;
};

/// What a command means for a task in its present state: either moves, or a refusal in a sentence.
struct command_effect {
    std::optional<task_state> task;    ///< the task's new state
    std::vector<commanded_step> steps; ///< steps to move; one that runs is to be cancelled through its body
    std::vector<step_no> forgotten;    ///< checkpoints that count as never come to
    std::optional<std::string> refusal;
    errc refused_as = errc::illegal_transition;
};

namespace detail {

inline command_effect refuse(std::string sentence, errc as = errc::illegal_transition)
{
    return {{}, {}, {}, std::move(sentence), as};
}

/// Whether the coroutine got over the failure of a checkpoint: another one began after it, and succeeded.
inline bool is_got_over(task_plan const& plan, step_record const& failed)
{
    for (step_no no = 0; no < plan.shape().size(); ++no) {
        step_record const& other = plan.record(no);
        if (satisfies_children(other.state) && other.order > failed.order && other.started_at && failed.finished_at &&
            *other.started_at >= *failed.finished_at)
            return true;
    }
    return false;
}

/// The checkpoints that were stopped because of the failure that ended the task.
inline std::vector<step_no> stopped_steps(task_plan const& plan)
{
    std::vector<step_no> all;
    for (step_no no = 0; no < plan.shape().size(); ++no) {
        step_record const& record = plan.record(no);
        if (record.state == step_state::cancelled && record.order > 0 && !record.name.empty() && !is_got_over(plan, record))
            all.push_back(no);
    }
    return all;
}

/// What counts as never come to when these steps of a task in error run again: what was stopped because of their failure, and
/// what the coroutine drew once it was told of the first, such as a value in a catch block.
inline std::vector<step_no> forgotten_with(task_plan const& plan, std::vector<commanded_step> const& again)
{
    std::vector<step_no> all = stopped_steps(plan);
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    for (commanded_step const& one : again)
        if (std::int64_t const order = plan.record(one.step).order; order > 0)
            first = std::min(first, order);
    for (step_no no = 0; no < plan.shape().size(); ++no)
        if (step_record const& drawn = plan.record(no); drawn.order < 0 && -1 - drawn.order >= first)
            all.push_back(no);
    return all;
}

/// Whether the coroutine of a task in this state has been told of the checkpoint, and has gone on from there.
inline bool is_told(task_state task, task_plan const& plan, step_record const& record)
{
    return !record.name.empty() && record.order != 0 && (task != task_state::error || is_got_over(plan, record));
}

inline command_effect step_command_effect(command const& asked, task_state task, task_plan const& plan)
{
    step_no const no = plan.shape().find(asked.step);
    if (no == plan.shape().size())
        return refuse("the task has no step named \"" + asked.step + "\"", errc::unknown_step);
    if (is_finished(task) && task != task_state::error)
        return refuse("the task is " + std::string{name(task)} + "; its steps cannot change any more");
    step_state const from = plan.record(no).state;
    step_state const to = asked.kind == command_kind::cancel_step    ? step_state::cancelled
                          : asked.kind == command_kind::resolve_step ? step_state::resolved_manually
                                                                     : step_state::pending;
    if (check_move(from, to) != move::allowed)
        return refuse("step \"" + asked.step + "\" is " + std::string{name(from)} + " and cannot become " +
                      std::string{name(to)});
    if (is_told(task, plan, plan.record(no)))
        return refuse("the coroutine has been told already that step \"" + asked.step + "\" is " + std::string{name(from)} +
                      "; fork the task from that step, or retry it once it is in error");
    command_effect effect{{}, {{no, to}}, {}, {}};
    if (task == task_state::error && to != step_state::cancelled) {
        effect.task = task_state::pending;
        effect.forgotten = forgotten_with(plan, effect.steps);
    }
    return effect;
}

inline command_effect retry_effect(task_state task, task_plan const& plan)
{
    if (task != task_state::error)
        return refuse("only a task in error can be retried; this one is " + std::string{name(task)});
    command_effect effect{task_state::pending, {}, {}, {}};
    for (step_no no = 0; no < plan.shape().size(); ++no) {
        step_record const& record = plan.record(no);
        bool const is_declared = record.name.empty() || record.order == 0;
        if (record.state == step_state::error && (is_declared || !is_got_over(plan, record)))
            effect.steps.push_back({no, step_state::pending});
    }
    effect.forgotten = forgotten_with(plan, effect.steps);
    return effect;
}

} // namespace detail

/// Decides purely what `asked` does to a task in state `task` with these steps.
inline command_effect apply_command(command const& asked, task_state task, task_plan const& plan)
{
    auto const move_task = [&](task_state to) -> command_effect {
        if (check_move(task, to) != move::allowed)
            return detail::refuse("the task is " + std::string{name(task)} + " and cannot become " + std::string{name(to)});
        return {to, {}, {}, {}};
    };
    switch (asked.kind) {
    case command_kind::cancel: return move_task(task_state::cancelled);
    case command_kind::resolve: return move_task(task_state::resolved_manually);
    case command_kind::retry: return detail::retry_effect(task, plan);
    case command_kind::cancel_step:
    case command_kind::reset_step:
    case command_kind::resolve_step: break;
    }
    return detail::step_command_effect(asked, task, plan);
}

/// The record of a step after an operator moved it.
inline void apply_move(step_record& record, step_state to, payload const& result, time_point now)
{
    if (to == step_state::pending) {
        std::string name = std::move(record.name);
        record = step_record{};
        record.name = std::move(name);
        return;
    }
    record.state = to;
    record.finished_at = now;
    record.next_retry_at.reset();
    record.backoff_request.reset();
    record.last_failure.reset();
    if (to == step_state::resolved_manually)
        record.result = result;
}

} // namespace tasker
