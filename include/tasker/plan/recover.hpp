#pragma once

#include <tasker/model/records.hpp>

#include <string>
#include <vector>

namespace tasker {

/// The failure of an attempt whose worker died or lost its lease.
inline failure abandoned_attempt()
{
    return {failure_kind::abandoned, "the worker that ran this attempt is gone", "abandoned"};
}

/// The steps of a claimed task that its former owner left running: their attempts are over.
inline std::vector<step_no> abandoned_steps(task_snapshot const& snapshot)
{
    std::vector<step_no> steps;
    for (auto const& [no, record] : snapshot.steps)
        if (record.state == step_state::in_progress)
            steps.push_back(no);
    return steps;
}

/// Whether the task has killed, or lost, so many workers without progress that it must not be tried again.
inline bool exceeds_recoveries(task_record const& task, int max_recoveries) { return task.recoveries > max_recoveries; }

inline std::string recoveries_exceeded_text(task_record const& task)
{
    return "claimed " + std::to_string(task.recoveries) +
           " times from workers that died without progress; look at what its steps do to their process, then retry the task";
}

} // namespace tasker
