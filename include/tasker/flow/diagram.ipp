#pragma once

#include <tasker/flow/diagram.hpp>
#include <tasker/flow/workflow.hpp>
#include <tasker/model/diagram.ipp>

#include <string>
#include <utility>
#include <vector>

namespace tasker {

namespace detail {

/// One record a step, from a snapshot that has only those of steps that began.
inline std::vector<step_record> all_records(workflow const& flow, task_snapshot const& snapshot)
{
    std::vector<step_record> records(flow.shape().size());
    for (auto const& [no, record] : snapshot.steps) {
        if (no >= records.size())
            throw error{errc::unknown_step,
                        "the task has a record of step " + std::to_string(no) + ", but workflow " +
                            std::string{flow.full_name()} + " has only " + std::to_string(records.size()) +
                            " steps, numbered from 0; pass the workflow and version that the task runs"};
        records[no] = record;
    }
    return records;
}

inline std::string title_of(workflow const& flow, task_snapshot const& snapshot)
{
    return std::string{flow.full_name()} + ": " + spaced(name(snapshot.task.state));
}

} // namespace detail

TASKER_INLINE std::string to_dot(workflow const& flow)
{
    return to_dot(flow.shape(), flow.full_name());
}

TASKER_INLINE std::string to_mermaid(workflow const& flow)
{
    return to_mermaid(flow.shape(), flow.full_name());
}

TASKER_INLINE std::string to_dot(workflow const& flow, task_snapshot const& snapshot)
{
    auto const grown = flow.with_steps_of(snapshot.steps);
    return to_dot(grown.shape(), detail::title_of(flow, snapshot), detail::all_records(grown, snapshot));
}

TASKER_INLINE std::string to_mermaid(workflow const& flow, task_snapshot const& snapshot)
{
    auto const grown = flow.with_steps_of(snapshot.steps);
    return to_mermaid(grown.shape(), detail::title_of(flow, snapshot), detail::all_records(grown, snapshot));
}

} // namespace tasker
