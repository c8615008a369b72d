#pragma once

#include <tasker/flow/workflow.hpp>
#include <tasker/model/records.hpp>
#include <tasker/plan/readiness.hpp>
#include <tasker/runtime/inspection.hpp>

#include <utility>
#include <vector>

namespace tasker::detail {

/// A task at one instant. `flow` has the steps that the task has.
template <class = void>
inline task_view make_view(workflow const& flow, task_record task, std::vector<step_record> records, task_whereabouts where, time_point now)
{
    auto rows = assess_all(flow.shape(), records, now);
    return {flow, std::move(task), std::move(records), std::move(rows), now, where};
}

/// A task as it is stored.
template <class = void>
inline task_view stored_view(workflow const& of, task_snapshot snapshot, time_point now)
{
    auto const flow = of.with_steps_of(snapshot.steps);
    std::vector<step_record> records(flow.shape().size());
    for (auto& [no, record] : snapshot.steps)
        if (no < records.size())
            records[no] = std::move(record);
    auto const where = snapshot.task.worker ? task_whereabouts::elsewhere : task_whereabouts::stored;
    return make_view(flow, std::move(snapshot.task), std::move(records), where, now);
}

} // namespace tasker::detail
