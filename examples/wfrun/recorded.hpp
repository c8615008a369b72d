#pragma once

#include "progress_bar.hpp"
#include "schedule.hpp"
#include "workflow.hpp"

#include <tasker/model/codec.hpp>
#include <tasker/model/records.hpp>
#include <tasker/model/states.hpp>

#include <algorithm>
#include <cstddef>

namespace wfrun {

inline double speed_of(tasker::task_record const& task) { return tasker::codec<run_input>::decode(task.input).speed; }

/// How far a run is, by its durable records.
inline progress progress_of(tasker::task_snapshot const& run, std::size_t total)
{
    progress now{total, 0, 0};
    for (auto const& [no, step] : run.steps) {
        now.done += tasker::satisfies_children(step.state) ? 1U : 0U;
        now.running += step.state == tasker::step_state::in_progress ? 1U : 0U;
    }
    return now;
}

/// The schedule that a finished run kept, by its durable records, in the recorded workflow's time: the clock's times
/// the speed. Of a step that ran more than once, because its process was killed, the last attempt counts.
inline schedule schedule_of(tasker::task_snapshot const& run, std::size_t total)
{
    tasker::time_point begin = run.task.started_at.value_or(run.task.created_at);
    for (auto const& [no, step] : run.steps)
        begin = std::min(begin, step.started_at.value_or(begin));
    double const speed = speed_of(run.task);
    schedule kept;
    kept.slots.resize(total);
    for (auto const& [no, step] : run.steps)
        kept.slots.at(no) = {scaled(step.started_at.value_or(begin) - begin, speed),
                             scaled(step.finished_at.value_or(begin) - begin, speed)};
    return kept;
}

} // namespace wfrun
