#pragma once

#include <tasker/base/time.hpp>

#include "support/audit.hpp"

#include <optional>
#include <string>

namespace support {

namespace detail {

inline std::string optional_text(std::optional<tasker::time_point> at) { return at ? tasker::to_text(*at) : "-"; }
inline std::string optional_text(std::optional<tasker::duration> length) { return length ? tasker::to_text(*length) : "-"; }

inline std::string full_text(tasker::task_record const& one)
{
    std::string text = "task " + to_text(one.id) + ' ' + std::string{name(one.state)} + ", workflow " + std::to_string(one.workflow) +
                       ", input " + std::string{one.input.text()} + ", priority " + std::to_string(one.priority) + ", key " + one.identity_key +
                       ", from " + one.initiator + '/' + one.source_system + '/' + one.reason + ", status " + one.status_reason;
    text += ", created " + tasker::to_text(one.created_at) + ", started " + optional_text(one.started_at) + ", finished " +
            optional_text(one.finished_at) + ", wakes " + optional_text(one.wake_at) + ", owner " + to_text(one.worker) + ", epoch " +
            std::to_string(one.epoch) + ", recoveries " + std::to_string(one.recoveries);
    return text + (one.request ? ", asked to " + std::string{name(one.request->kind)} + ' ' + one.request->step : "");
}

inline std::string full_text(tasker::step_record const& one)
{
    std::string const text = std::string{name(one.state)} + ", attempts " + std::to_string(one.attempts) + ", asked for " +
                             optional_text(one.backoff_request) + ", started " + optional_text(one.started_at) + ", finished " +
                             optional_text(one.finished_at) + ", again " + optional_text(one.next_retry_at) + ", result " +
                             std::string{one.result.text()};
    return text + (one.last_failure ? ", " + std::string{name(one.last_failure->kind)} + ' ' + one.last_failure->type + ": " + one.last_failure->what : "");
}

} // namespace detail

/// All that a store has of a task, in lines, so that a difference between two stores can be read. Left out are the numbers
/// of the trail's lines, which each store counts in its own way.
inline std::string full_text(tasker::graph const& shape, stored_task const& found)
{
    std::string text = detail::full_text(found.task) + '\n';
    for (tasker::step_no no = 0; no < shape.size(); ++no)
        text += "  " + shape.step(no).name + ' ' + detail::full_text(found.steps[no]) + '\n';
    for (tasker::transition_record const& row : found.history)
        text += "  " + tasker::to_text(row.at) + ' ' + (row.step ? shape.step(*row.step).name : "task") + ' ' + row.from + " > " + row.to + ", attempt " +
                std::to_string(row.attempt) + ' ' + row.detail + '\n';
    return text;
}

} // namespace support
