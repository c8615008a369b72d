#pragma once

#include <tasker/store/sql/analysis_fragments.hpp>

#include <string>
#include <string_view>

/// The questions about the store as a whole, and about what it did lately.
namespace tasker::sql {

namespace fragment {

/// `count(*) as total_tasks, count(*) filter (where state = 'pending') as pending_tasks, ...`
inline std::string counts_by_state(std::string const& what)
{
    std::string columns = "count(*) as total_" + what;
    for (std::string_view const state : state_names)
        columns.append(", count(*) filter (where state = '").append(state).append("') as ").append(state).append("_" + what);
    return columns;
}

/// What the steps of all tasks come to by their definitions, whether they have a row or not.
inline std::string defined_steps()
{
    return R"((select cast(coalesce(sum(tasks_of.number * steps_of.number), 0) as bigint) as number
 from (select workflow_id, count(*) as number from tasks group by workflow_id) as tasks_of
 join (select workflow_id, count(*) as number from workflow_steps group by workflow_id) as steps_of
 on steps_of.workflow_id = tasks_of.workflow_id) as defined)";
}

/// The steps by state, those without a row included. Those with names are checkpoints, which no definition knows.
inline std::string all_steps()
{
    std::string const unwritten = " + case when defined.number > rows.declared then defined.number - rows.declared else 0 end";
    std::string columns = "rows.total_steps" + unwritten + " as total_steps";
    for (std::string_view const state : state_names) {
        std::string const column = std::string{state} + "_steps";
        columns += ", rows." + column + (state == name(step_state::pending) ? unwritten : "") + " as " + column;
    }
    return columns + "\n from (select " + counts_by_state("steps") + ", count(*) - count(name) as declared from present_steps) as rows cross join " + defined_steps();
}

inline std::string failed_steps()
{
    return R"((select count(*) filter (where failed.retry_eligible = 1) as retryable_error_steps,
 count(*) filter (where failed.retry_eligible = 0) as exhausted_error_steps,
 count(*) filter (where failed.retry_eligible = 1 and failed.next_retry_at > (select now from given)) as in_backoff_steps
 from (select steps.next_retry_at, )" + may_retry() + R"( as retry_eligible
 from steps join tasks on tasks.id = steps.task_id
 left join workflow_steps as defined on defined.workflow_id = tasks.workflow_id and defined.step_no = steps.step_no
 where steps.state = )" + quoted(step_state::error) + R"() as failed) as errors)";
}

/// The server's connections, of whatever program; those that a file does not have are null.
inline std::string connections(analysis_form form)
{
    return form == analysis_form::plain_statement
               ? "null as active_connections, null as max_connections"
               : "(select cast(sum(numbackends) as bigint) from pg_stat_database where datid <> 0) as active_connections, "
                 "cast(current_setting('max_connections') as bigint) as max_connections";
}

inline std::string recent_tasks()
{
    auto const finished_as = [](task_state state) { return "count(*) filter (where state = " + quoted(state) + ")"; };
    return "(select count(*) filter (where " + is_live() + R"() as active_tasks,
 count(*) filter (where created_at >= (select since from given)) as tasks_created,
 count(*) filter (where )" + is_over() + R"() as tasks_finished,
 )" + finished_as(task_state::complete) + R"( as tasks_completed,
 )" + finished_as(task_state::error) + R"( as tasks_failed,
 cast(round(avg(case when state = )" + quoted(task_state::complete) + R"( then finished_at - started_at end)) as bigint)
 as average_task_duration from recent) as task)";
}

inline std::string recent_steps()
{
    std::string const completed = "steps.state = " + quoted(step_state::complete);
    return "(select count(*) filter (where " + completed + R"() as steps_completed,
 count(*) filter (where steps.state = )" + quoted(step_state::error) + R"() as steps_failed,
 cast(round(avg(case when )" + completed + R"( then steps.finished_at - steps.started_at end)) as bigint)
 as average_step_duration
 from recent join steps on steps.task_id = recent.id where steps.finished_at >= (select since from given)) as step)";
}

inline std::vector<analysis_column> slow_columns(std::initializer_list<analysis_column> own)
{
    using enum column_kind;
    std::vector<analysis_column> columns{{"task_id", id}};
    columns.insert(columns.end(), own);
    columns.insert(columns.end(), {{"name_space", text}, {"name", text}, {"version", text}, {"attempts", integer},
                                   {"started_at", instant}, {"finished_at", instant}, {"took", length}});
    return columns;
}

} // namespace fragment

inline analysis_operation health_counts_operation(analysis_form form)
{
    using enum column_kind;
    std::vector<analysis_column> columns;
    for (std::string_view const name :
         {"total_tasks", "pending_tasks", "in_progress_tasks", "complete_tasks", "error_tasks", "cancelled_tasks",
          "resolved_manually_tasks", "total_steps", "pending_steps", "in_progress_steps", "complete_steps", "error_steps",
          "cancelled_steps", "resolved_manually_steps", "retryable_error_steps", "exhausted_error_steps", "in_backoff_steps",
          "active_connections", "max_connections"})
        columns.push_back({name, integer});
    return {"system_health_counts",
            "Tasks and steps by state, in the whole store; a step without a row counts as pending. Reads all of it, so it takes "
            "seconds where there are millions. Connections are those of the whole server.",
            {{"now", instant, "statement_timestamp()"}},
            std::move(columns),
            "with " + fragment::given(form, {"now"}) + R"(
select task.*, step.*, errors.*, )" + fragment::connections(form) + R"(
from (select )" + fragment::counts_by_state("tasks") + R"( from tasks) as task
cross join (select )" + fragment::all_steps() + R"() as step
cross join )" + fragment::failed_steps(),
            "answer.total_tasks"};
}

inline analysis_operation analytics_operation(analysis_form form)
{
    using enum column_kind;
    return {"analytics_metrics",
            "What happened since an instant, the last hour by default. Rates are percent of the tasks that finished since; "
            "durations are those of completed tasks, and of the last attempts of completed steps.",
            {{"since", instant, "statement_timestamp() - interval '1 hour'"}, {"now", instant, "statement_timestamp()"}},
            {{"namespaces", integer}, {"workflows", integer}, {"active_tasks", integer}, {"tasks_created", integer},
             {"tasks_finished", integer}, {"tasks_completed", integer}, {"tasks_failed", integer}, {"steps_completed", integer},
             {"steps_failed", integer}, {"completion_rate", decimal}, {"error_rate", decimal}, {"tasks_per_hour", decimal},
             {"steps_per_hour", decimal}, {"average_task_duration", length}, {"average_step_duration", length}},
            "with " + fragment::given(form, {"since", "now"}) + ",\n" + fragment::recent(form) + R"(
select task.*, step.*,
 (select count(distinct name_space) from workflows) as namespaces,
 (select count(*) from (select distinct name_space, name from workflows) as known) as workflows,
 )" + fragment::percentage("task.tasks_completed", "task.tasks_finished") + R"( as completion_rate,
 )" + fragment::percentage("task.tasks_failed", "task.tasks_finished") + R"( as error_rate,
 )" + fragment::an_hour("task.tasks_completed") + R"( as tasks_per_hour,
 )" + fragment::an_hour("step.steps_completed") + R"( as steps_per_hour
from given cross join )" + fragment::recent_tasks() + "\ncross join " + fragment::recent_steps(),
            "answer.active_tasks"};
}

inline analysis_operation slowest_steps_operation(analysis_form form)
{
    using enum column_kind;
    return {"slowest_steps",
            "The steps completed since an instant, the last day by default, whose last attempts took longest; 1,000 at most.",
            {{"since", instant, "statement_timestamp() - interval '24 hours'"}, {"at_most", integer, "10"}},
            fragment::slow_columns({{"step_no", integer}, {"step_name", text}}),
            "with " + fragment::given(form, {"since"}) + ",\n" + fragment::recent(form) + R"(
select slow.*, coalesce(defined.name, slow.checkpoint) as step_name, workflows.name_space, workflows.name, workflows.version
from (select steps.task_id, steps.step_no, steps.name as checkpoint, recent.workflow_id, steps.attempts, steps.started_at, steps.finished_at,
 steps.finished_at - steps.started_at as took
 from recent join steps on steps.task_id = recent.id
 where steps.state = )" + fragment::quoted(step_state::complete) + R"( and steps.started_at is not null
 and steps.finished_at >= (select since from given)
 order by took desc, steps.task_id, steps.step_no limit )" + fragment::at_most(form) + R"() as slow
join workflows on workflows.id = slow.workflow_id
left join workflow_steps as defined on defined.workflow_id = slow.workflow_id and defined.step_no = slow.step_no)",
            "answer.took desc, answer.task_id, answer.step_no"};
}

inline analysis_operation slowest_tasks_operation(analysis_form form)
{
    using enum column_kind;
    return {"slowest_tasks",
            "The tasks completed since an instant, the last day by default, that took longest from start to end; 1,000 at most.",
            {{"since", instant, "statement_timestamp() - interval '24 hours'"}, {"at_most", integer, "10"}},
            fragment::slow_columns({}),
            "with " + fragment::given(form, {"since"}) + ",\n" + fragment::recent(form) + R"(
select slow.*, workflows.name_space, workflows.name, workflows.version,
 (select cast(coalesce(sum(steps.attempts), 0) as bigint) from steps where steps.task_id = slow.task_id) as attempts
from (select recent.id as task_id, recent.workflow_id, recent.started_at, recent.finished_at,
 recent.finished_at - recent.started_at as took
 from recent where recent.state = )" + fragment::quoted(task_state::complete) + R"( and recent.started_at is not null
 order by took desc, recent.id limit )" + fragment::at_most(form) + R"() as slow
join workflows on workflows.id = slow.workflow_id)",
            "answer.took desc, answer.task_id"};
}

} // namespace tasker::sql
