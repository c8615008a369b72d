#pragma once

#include <tasker/store/sql/analysis_fragments.hpp>

#include <string>

/// The questions about single tasks.
namespace tasker::sql {

namespace fragment {

/// The steps that are not the workflow's own, but checkpoints of the one task: nothing stands before them.
inline std::string checkpoint_facts()
{
    return R"(select asked.id as task_id, steps.step_no, coalesce(steps.name, '') as name, steps.state,
 0 as total_parents, 0 as completed_parents, steps.attempts, )" +
           std::to_string(retry_policy{}.max_attempts) + R"( as max_attempts, 1 as retryable,
 steps.failure_kind, steps.finished_at, steps.next_retry_at,
 )" + may_retry() + R"( as retry_eligible
from asked join tasks on tasks.id = asked.id
join steps on steps.task_id = asked.id
left join workflow_steps as defined on defined.workflow_id = tasks.workflow_id and defined.step_no = steps.step_no
where defined.step_no is null)";
}

/// The steps of the tasks asked for, with all that readiness depends on.
inline std::string step_facts()
{
    return R"(select asked.id as task_id, defined.step_no, defined.name, coalesce(steps.state, )" +
           quoted(step_state::pending) + R"() as state,
 coalesce(parents.total, 0) as total_parents, coalesce(parents.completed, 0) as completed_parents,
 coalesce(steps.attempts, 0) as attempts, defined.max_attempts, defined.retryable,
 steps.failure_kind, steps.finished_at, steps.next_retry_at,
 )" + may_retry() + R"( as retry_eligible
from asked join tasks on tasks.id = asked.id
join workflow_steps as defined on defined.workflow_id = tasks.workflow_id
left join steps on steps.task_id = asked.id and steps.step_no = defined.step_no
left join (select asked.id, edges.child_no, count(*) as total, sum()" +
           satisfies_children("parent.state") + R"() as completed
 from asked join tasks on tasks.id = asked.id
 join workflow_edges as edges on edges.workflow_id = tasks.workflow_id
 left join steps as parent on parent.task_id = asked.id and parent.step_no = edges.parent_no
 group by asked.id, edges.child_no) as parents on parents.id = asked.id and parents.child_no = defined.step_no
union all )" + checkpoint_facts();
}

/// The first reason that keeps a step of `facts` from starting.
inline std::string blocking_reason()
{
    std::string const in_error = "facts.state = " + quoted(step_state::error);
    return "case when not (facts.state = " + quoted(step_state::pending) + " or " + in_error + R"() then 'invalid_state'
 when facts.completed_parents < facts.total_parents then 'dependencies_not_satisfied'
 when )" + in_error + R"( and facts.retry_eligible = 0
 then case when facts.retryable = 0 or facts.failure_kind = )" +
           quoted(failure_kind::permanent) + R"( then 'not_retryable' else 'retry_not_eligible' end
 when facts.next_retry_at > (select now from given) then 'backoff_not_elapsed'
 else 'none' end)";
}

/// Needs `given` and `asked`.
inline std::string readiness()
{
    std::string const error = quoted(step_state::error);
    return R"(select assessed.*, case when assessed.reason = 'none' then 1 else 0 end as ready
from (select facts.task_id, facts.step_no, facts.name, facts.state, facts.total_parents, facts.completed_parents,
 case when facts.completed_parents = facts.total_parents then 1 else 0 end as dependencies_satisfied,
 case when facts.total_parents = 0 then 'no_dependencies'
 when facts.completed_parents = facts.total_parents then 'all_satisfied'
 else cast(facts.completed_parents as text) || '/' || cast(facts.total_parents as text) || '_satisfied'
 end as dependency_text,
 facts.attempts, facts.max_attempts, facts.retry_eligible,
 case when facts.state = )" + error + R"( then facts.finished_at end as last_failure_at,
 case when facts.state = )" + error + " or facts.state = " + quoted(step_state::pending) + R"( then facts.next_retry_at
 end as next_retry_at,
 )" + blocking_reason() + R"( as reason
from ()" + step_facts() + R"() as facts) as assessed)";
}

/// How many of a task's steps are what. Each task adds a row without a step, so that it is counted even if it has none.
inline std::string step_counts()
{
    auto const in_state = [](step_state state) { return "count(*) filter (where step.state = " + quoted(state) + ")"; };
    return R"(select step.task_id, count(step.step_no) as total_steps,
 )" + in_state(step_state::pending) + R"( as pending_steps,
 )" + in_state(step_state::in_progress) + R"( as in_progress_steps,
 count(*) filter (where )" + satisfies_children("step.state") + R"( = 1) as completed_steps,
 )" + in_state(step_state::error) + R"( as failed_steps,
 )" + in_state(step_state::cancelled) + R"( as cancelled_steps,
 count(*) filter (where step.reason = 'none') as ready_steps,
 count(*) filter (where step.reason = 'backoff_not_elapsed') as waiting_steps
from (select assessed.task_id, assessed.step_no, assessed.state, assessed.reason from ()" + readiness() + R"() as assessed
union all select tasks.id, null, null, null from asked join tasks on tasks.id = asked.id) as step
group by step.task_id)";
}

} // namespace fragment

inline analysis_operation step_readiness_operation(analysis_form form)
{
    using enum column_kind;
    return {"step_readiness",
            "Whether each step of the tasks can start, and the first reason why not: none, invalid_state (it runs or is over), "
            "dependencies_not_satisfied, not_retryable, retry_not_eligible (no attempts left), backoff_not_elapsed.",
            {{"tasks", id}, {"now", instant, "statement_timestamp()"}},
            {{"task_id", id}, {"step_no", integer}, {"name", text}, {"state", text}, {"total_parents", integer},
             {"completed_parents", integer}, {"dependencies_satisfied", flag}, {"dependency_text", text}, {"attempts", integer},
             {"max_attempts", integer}, {"retry_eligible", flag}, {"last_failure_at", instant}, {"next_retry_at", instant},
             {"ready", flag}, {"reason", text}},
            "with " + fragment::asked(form) + ",\n" + fragment::given(form, {"now"}) + "\n" + fragment::readiness(),
            "answer.task_id, answer.step_no"};
}

inline analysis_operation execution_context_operation(analysis_form form)
{
    using enum column_kind;
    return {"task_execution_context",
            "What each of the tasks can do next, seen from its steps. Precedence: a step is ready, runs, is in back-off, all are "
            "complete; blocked_by_failures only when nothing can ever progress again.",
            {{"tasks", id}, {"now", instant, "statement_timestamp()"}},
            {{"task_id", id}, {"total_steps", integer}, {"pending_steps", integer}, {"in_progress_steps", integer},
             {"completed_steps", integer}, {"failed_steps", integer}, {"cancelled_steps", integer}, {"ready_steps", integer},
             {"waiting_steps", integer}, {"completion_percentage", decimal}, {"execution_status", text},
             {"recommended_action", text}, {"health_status", text}},
            "with " + fragment::asked(form) + ",\n" + fragment::given(form, {"now"}) + R"(
select judged.*,
 case judged.execution_status when 'has_ready_steps' then 'execute_ready_steps' when 'processing' then 'wait_for_completion'
 when 'waiting_for_dependencies' then 'wait_for_dependencies' when 'blocked_by_failures' then 'handle_failures'
 else 'finalize_task' end as recommended_action,
 case when judged.execution_status = 'blocked_by_failures' then 'blocked' when judged.failed_steps > 0 then 'recovering'
 else 'healthy' end as health_status
from (select counted.*,
 )" + fragment::percentage("counted.completed_steps", "counted.total_steps") + R"( as completion_percentage,
 case when counted.ready_steps > 0 then 'has_ready_steps' when counted.in_progress_steps > 0 then 'processing'
 when counted.waiting_steps > 0 then 'waiting_for_dependencies'
 when counted.completed_steps < counted.total_steps then 'blocked_by_failures' else 'all_complete' end as execution_status
from ()" + fragment::step_counts() + R"() as counted) as judged)",
            "answer.task_id"};
}

} // namespace tasker::sql
