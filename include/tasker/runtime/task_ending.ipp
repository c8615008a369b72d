#pragma once

#include <tasker/flow/workflow.hpp>
#include <tasker/model/records.hpp>
#include <tasker/runtime/task_ending.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tasker {

TASKER_INLINE payload result_of(workflow const& flow, step_records records)
{
    if (flow.output())
        return records[*flow.output()].result;
    std::string text;
    for (step_no no = 0; no < flow.shape().size(); ++no)
        if (flow.shape().children(no).empty()) {
            text += text.empty() ? "{" : ",";
            text += boost::json::serialize(boost::json::string{flow.shape().step(no).name}) + ":" +
                    std::string{records[no].result.text()};
        }
    return text.empty() ? payload{} : payload{text + "}"};
}

TASKER_INLINE std::string failure_text(workflow const& flow, task_record const& task, step_records records)
{
    if (!task.status_reason.empty() && task.status_reason != steps_in_error_state)
        return task.status_reason;
    std::string text;
    std::size_t more = 0;
    for (step_no no = 0; no < flow.shape().size(); ++no) {
        step_record const& record = records[no];
        if (record.state != step_state::error && record.state != step_state::cancelled)
            continue;
        if (!text.empty()) {
            ++more;
            continue;
        }
        text = "step \"" + flow.shape().step(no).name + "\" ";
        text += record.state == step_state::cancelled ? "was cancelled"
                                                      : "failed after " + std::to_string(record.attempts) +
                                                            (record.attempts == 1 ? " attempt: " : " attempts: ") +
                                                            (record.last_failure ? record.last_failure->what : "");
    }
    if (more > 0)
        text += ", and " + std::to_string(more) + " more";
    return text.empty() ? task.status_reason : text;
}

TASKER_INLINE task_outcome outcome_of_task(workflow const& flow, task_record const& task, step_records records)
{
    task_outcome outcome{task.id, task.state, {}, {}};
    if (task.state == task_state::error)
        outcome.what = failure_text(flow, task, records);
    else if (task.state == task_state::cancelled)
        outcome.what = task.status_reason.empty() ? "it was cancelled" : "it was cancelled: " + task.status_reason;
    else
        outcome.result = result_of(flow, records);
    return outcome;
}

} // namespace tasker
