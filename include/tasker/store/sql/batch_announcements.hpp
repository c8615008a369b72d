#pragma once

#include <tasker/store/announcements.hpp>
#include <tasker/store/store.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace tasker::sql {

/// What others should hear of a batch, a line each: when the earliest task is due that anybody may take now, and that
/// tasks are over whose submitters wait elsewhere. One NOTIFY of each at most, since they make commits wait for each other.
inline std::string announcements_of(commit_batch const& batch)
{
    std::optional<time_point> due;
    auto const offer = [&](std::optional<time_point> at) { due = std::min(due.value_or(time_point::max()), at.value_or(time_point{})); };
    for (task_record const& task : batch.created)
        if (!task.worker && !is_finished(task.state))
            offer(task.wake_at);
    bool is_over = false;
    for (task_write const& task : batch.tasks) {
        if (task.release && !is_finished(task.state))
            offer(task.wake_at);
        is_over = is_over || (task.taken_over && is_finished(task.state));
    }
    std::string lines;
    if (due)
        lines = to_text(announcement{announcement::kind::work_due, *due, batch.worker});
    if (is_over)
        lines += (lines.empty() ? "" : "\n") + to_text(announcement{announcement::kind::tasks_over, {}, batch.worker});
    return lines;
}

} // namespace tasker::sql
