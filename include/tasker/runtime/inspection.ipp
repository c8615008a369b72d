#pragma once

#include <tasker/flow/workflow.hpp>
#include <tasker/plan/execution_context.hpp>
#include <tasker/plan/readiness.hpp>
#include <tasker/runtime/inspection.hpp>
#include <tasker/runtime/task_ending.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

namespace detail {

inline std::string quoted(std::vector<std::string> const& names)
{
    std::string text;
    for (std::string const& one : names)
        text += (text.empty() ? "\"" : ", \"") + one + '"';
    return text;
}

/// Whether the step is over without letting its children start.
inline bool is_dead_end(task_view const& view, step_no no)
{
    step_record const& record = view.records[no];
    return !satisfies_children(record.state) && record.state != step_state::in_progress &&
           !may_start(record, view.flow.shape().step(no).options.retry);
}

/// Steps that can never run because of a step above them.
inline std::vector<char> dead_steps(task_view const& view)
{
    graph const& shape = view.flow.shape();
    std::vector<char> dead(shape.size(), 0);
    for (step_no const no : shape.topological_order())
        if ((dead[no] != 0 && !satisfies_children(view.records[no].state)) || is_dead_end(view, no))
            for (step_no const child : shape.children(no))
                dead[child] = 1;
    return dead;
}

inline wait_reason blocked_by_parents(task_view const& view, step_no no, std::vector<char> const& dead)
{
    graph const& shape = view.flow.shape();
    wait_reason reason{shape.step(no).name, dead[no] != 0 ? wait_kind::dead_parents : wait_kind::parents, {}, {}, {}};
    for (step_no const parent : shape.parents(no)) {
        bool const stops = dead[parent] != 0 || is_dead_end(view, parent);
        if (!satisfies_children(view.records[parent].state) && (dead[no] == 0 || stops))
            reason.parents.push_back(shape.step(parent).name);
    }
    reason.text = "step \"" + reason.step + (dead[no] != 0 ? "\" can never run, because of " : "\" waits for ") + quoted(reason.parents);
    return reason;
}

inline wait_reason why_step(task_view const& view, step_no no, std::vector<char> const& dead)
{
    step_readiness const& row = view.readiness[no];
    std::string const subject = "step \"" + row.name + "\" ";
    if (row.state == step_state::in_progress)
        return {row.name, wait_kind::running, {}, {}, subject + "is running its attempt " + std::to_string(row.attempts + 1)};
    if (is_finished(view.task.state))
        return {row.name, wait_kind::task_finished, {}, {}, subject + "will not run: the task is " + std::string{name(view.task.state)}};
    switch (row.reason) {
    case blocking_reason::dependencies_not_satisfied: return blocked_by_parents(view, no, dead);
    case blocking_reason::backoff_not_elapsed:
        return {row.name, wait_kind::due_time, {}, row.next_retry_at,
                subject + "waits until " + to_text(*row.next_retry_at) + ", " + to_text(*row.next_retry_at - view.now) + " from now"};
    case blocking_reason::none: break;
    default: return {row.name, wait_kind::nothing_more, {}, {}, subject + "is " + std::string{name(row.state)} + " for good (" +
                                                                     std::string{name(row.reason)} + "); an operator can reset or resolve it"};
    }
    if (view.where == task_whereabouts::resident)
        return {row.name, wait_kind::concurrency, {}, {}, subject + "is ready and waits for a free place among the running steps"};
    return {row.name, wait_kind::not_claimed, {}, view.task.wake_at,
            subject + (view.where == task_whereabouts::elsewhere ? "is ready; another worker owns the task"
                                                                 : "is ready; no worker has claimed the task yet")};
}

} // namespace detail

namespace detail {

/// What a payload says, however deeply it is nested within reason. Throws `error{bad_payload}` when it is no JSON.
inline boost::json::value parsed(payload const& encoded)
{
    boost::json::error_code problem;
    boost::json::parse_options options;
    options.max_depth = 1'000;
    auto value = boost::json::parse(encoded.text(), problem, {}, options);
    if (problem)
        throw error{errc::bad_payload, "a payload of the task is not JSON: " + problem.message()};
    return value;
}

inline boost::json::value time_or_null(std::optional<time_point> at)
{
    return at ? boost::json::value(to_text(*at)) : boost::json::value{};
}

inline boost::json::object step_json(task_view const& view, step_no no)
{
    step_record const& record = view.records[no];
    step_readiness const& row = view.readiness[no];
    boost::json::object json{{"name", row.name},
                             {"state", name(record.state)},
                             {"attempts", record.attempts},
                             {"max_attempts", row.max_attempts},
                             {"ready", row.ready},
                             {"blocking_reason", name(row.reason)},
                             {"dependencies", row.dependency_text()},
                             {"started_at", time_or_null(record.started_at)},
                             {"finished_at", time_or_null(record.finished_at)},
                             {"next_retry_at", time_or_null(row.next_retry_at)},
                             {"result", parsed(record.result)}};
    boost::json::array parents;
    for (step_no const parent : view.flow.shape().parents(no))
        parents.push_back(boost::json::value(view.flow.shape().step(parent).name));
    json["parents"] = std::move(parents);
    if (record.last_failure)
        json["last_failure"] = {{"kind", name(record.last_failure->kind)},
                                {"what", record.last_failure->what},
                                {"type", record.last_failure->type}};
    return json;
}

} // namespace detail

TASKER_INLINE std::string_view name(wait_kind kind)
{
    switch (kind) {
    case wait_kind::nothing_more: return "nothing_more";
    case wait_kind::dead_parents: return "dead_parents";
    case wait_kind::parents: return "parents";
    case wait_kind::due_time: return "due_time";
    case wait_kind::running: return "running";
    case wait_kind::concurrency: return "concurrency";
    case wait_kind::not_claimed: return "not_claimed";
    case wait_kind::task_finished: return "task_finished";
    }
    return "unknown";
}

TASKER_INLINE std::string to_text(wait_reason const& reason)
{
    return reason.text;
}

TASKER_INLINE std::vector<wait_reason> why_waiting(task_view const& view)
{
    std::vector<wait_reason> reasons;
    auto const dead = detail::dead_steps(view);
    for (step_no no = 0; no < view.records.size(); ++no)
        if (!satisfies_children(view.records[no].state))
            reasons.push_back(detail::why_step(view, no, dead));
    return reasons;
}

TASKER_INLINE std::string to_json_text(task_view const& view)
{
    execution_context const context = summarize(view.readiness);
    boost::json::object json{{"id", to_text(view.task.id)},
                             {"workflow", view.flow.full_name()},
                             {"state", name(view.task.state)},
                             {"status_reason", view.task.status_reason},
                             {"priority", view.task.priority},
                             {"identity_key", view.task.identity_key},
                             {"initiator", view.task.initiator},
                             {"source_system", view.task.source_system},
                             {"reason", view.task.reason},
                             {"created_at", to_text(view.task.created_at)},
                             {"started_at", detail::time_or_null(view.task.started_at)},
                             {"finished_at", detail::time_or_null(view.task.finished_at)},
                             {"wake_at", detail::time_or_null(view.task.wake_at)},
                             {"input", detail::parsed(view.task.input)}};
    json["execution"] = {{"status", name(context.status)},
                         {"recommended_action", name(context.action)},
                         {"health", name(context.health)},
                         {"total_steps", context.total_steps},
                         {"pending_steps", context.pending_steps},
                         {"in_progress_steps", context.in_progress_steps},
                         {"completed_steps", context.completed_steps},
                         {"failed_steps", context.failed_steps},
                         {"ready_steps", context.ready_steps},
                         {"completion_percentage", context.completion_percentage}};
    boost::json::array steps;
    for (step_no no = 0; no < view.records.size(); ++no)
        steps.push_back(detail::step_json(view, no));
    json["steps"] = std::move(steps);
    return boost::json::serialize(json);
}

} // namespace tasker
