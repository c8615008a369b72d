#pragma once

#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/sql/statements.hpp>
#include <tasker/store/store.hpp>

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tasker::sql {

/// `claim_tasks` gives tasks to a worker: one statement. `claimed_tasks` then reads all that it needs to run them, as far as
/// they are still its own: another statement, since a worker that stands still while a long answer is on its way to it would
/// keep the locks of the first one, and its lease would never help anybody.
/// Before it takes tasks from dead workers it locks their rows, so that a commit of theirs that comes later finds its leases
/// gone; those with a commit under way are left for the next time, lest it holds up all claims.
/// Of the tasks that woke up, only those are looked at that are due the longest: sorting by priority what woke in a mass, at
/// each claim of a few, would take longer than the claims.
/// `dead_owners` are all that own tasks of these workflows and whose lease is over, or that are known to be gone.
inline constexpr char claim_functions[] = R"sql(
create or replace function dead_owners(p_worker uuid, p_now bigint, p_workflows bigint[], p_gone uuid[])
returns uuid[] language plpgsql stable $by_index$ as $function$
begin
    return (with recursive owners (id) as (
        (select worker_id from tasks where worker_id is not null order by worker_id limit 1)
        union all
        select (select worker_id from tasks where worker_id > owners.id order by worker_id limit 1)
        from owners where owners.id is not null)
    select coalesce(array_agg(owners.id), '{}') from owners left join workers on workers.id = owners.id
    where owners.id <> p_worker and (workers.id is null or workers.expires_at <= p_now or owners.id = any (p_gone))
      and (select true from tasks where worker_id = owners.id and workflow_id = any (p_workflows) limit 1));
end $function$;

create or replace function claimable_tasks(p_now bigint, p_limit bigint, p_workflows bigint[], p_dead uuid[])
returns uuid[] language plpgsql $by_index$ as $function$
declare
    v_tasks uuid[];
begin
    with found as (
        select w.id as workflow, t.priority, t.id from unnest(p_workflows) as w (id) cross join lateral (
            select tasks.id, tasks.priority from tasks
            where workflow_id = w.id and worker_id is null and wake_at is null and $live$
            order by priority desc, tasks.id limit p_limit for update skip locked) as t
        union
        select w.id, t.priority, t.id from unnest(p_workflows) as w (id) cross join lateral (
            select tasks.id, tasks.priority from (
                select s.id from tasks as s
                where s.workflow_id = w.id and s.worker_id is null and s.wake_at is not null and s.wake_at <= p_now and $live$
                order by s.wake_at limit greatest(1000, 4 * p_limit)) as longest_due join tasks on tasks.id = longest_due.id
            where worker_id is null and wake_at is not null
            order by priority desc, tasks.id limit p_limit for update of tasks skip locked) as t
        union
        select w.id, t.priority, t.id from unnest(p_workflows) as w (id) cross join lateral (
            select tasks.id, tasks.priority from tasks
            where workflow_id = w.id and worker_id is null and request_kind is not null
            order by priority desc, tasks.id limit p_limit for update skip locked) as t
        union
        select t.workflow_id, t.priority, t.id from unnest(p_dead) as d (id) cross join lateral (
            select tasks.id, tasks.priority, tasks.workflow_id from tasks
            where worker_id = d.id and workflow_id = any (p_workflows)
            order by priority desc, tasks.id limit p_limit for update skip locked) as t),
    in_turn as (
        select found.id, priority, row_number() over (partition by workflow, priority order by found.id) as turn from found)
    select array_agg(first.id order by first.priority desc, first.turn, first.id) into v_tasks
    from (select * from in_turn order by priority desc, turn, id limit p_limit) as first;
    return coalesce(v_tasks, '{}');
end $function$;

create or replace function claim_tasks(p_worker uuid, p_now bigint, p_limit bigint, p_workflows bigint[], p_gone uuid[],
                                       p_task uuid, p_reclaim boolean)
returns table (o_task uuid, o_recovered bigint)
language plpgsql $by_index$ as $function$
declare
    v_dead uuid[] default dead_owners(p_worker, p_now, p_workflows, p_gone);
    v_tasks uuid[];
begin
    perform pg_advisory_xact_lock(hashtextextended('tasker claim ' || p_worker, 0)); -- see `heartbeat`
    if cardinality(v_dead) > 0 then
        insert into workers (id, expires_at, host, process, process_started, batch, takeovers)
        select d.id, 0, '', 0, 0, 0, 0 from unnest(v_dead) as d (id)
        where not exists (select from workers where workers.id = d.id) on conflict do nothing;
        with dead as materialized (
            select workers.id from workers
            where workers.id = any (v_dead) and (expires_at <= p_now or workers.id = any (p_gone)) for update skip locked),
        counted as (update workers set takeovers = takeovers + 1 from dead where workers.id = dead.id returning workers.id)
        select coalesce(array_agg(counted.id), '{}') into v_dead from counted;
    end if;

    if p_task is null then
        v_tasks = claimable_tasks(p_now, p_limit, p_workflows, v_dead);
    else
        select array_agg(one.id) into v_tasks from (
            select tasks.id from tasks
            where tasks.id = p_task and workflow_id = any (p_workflows)
              and (worker_id is null or worker_id = any (v_dead) or (p_reclaim and worker_id = p_worker))
            for update) as one;
    end if;
    if v_tasks is null or cardinality(v_tasks) = 0 then
        return;
    end if;

    return query with before as materialized (
        select tasks.id, coalesce(worker_id <> p_worker, false) as recovered from tasks where tasks.id = any (v_tasks)),
    taken as (
        update tasks set worker_id = p_worker, epoch = epoch + 1, wake_at = null,
            recoveries = recoveries + case when before.recovered then 1 else 0 end
        from before where tasks.id = before.id returning tasks.id, before.recovered)
    select taken.id, case when taken.recovered then 1::bigint else 0::bigint end from taken order by array_position(v_tasks, taken.id);
end $function$;

create or replace function claimed_tasks(p_worker uuid, p_tasks uuid[])
returns table (o_task uuid, o_id uuid, o_workflow bigint, o_state text, o_input text, o_priority bigint, o_key text, o_initiator text,
    o_system text, o_reason text, o_created bigint, o_started bigint, o_finished bigint, o_wake bigint, o_status text,
    o_worker uuid, o_epoch bigint, o_recoveries bigint, o_kind text, o_step text, o_result text, o_why text,
    o_parent uuid, o_mail bigint,
    s_step bigint, s_state text, s_attempts bigint, s_backoff bigint, s_started bigint, s_finished bigint, s_retry bigint,
    s_result text, s_failure text, s_what text, s_type text, s_name text, s_order bigint,
    m_sequence bigint, m_name text, m_body text, m_key text)
language plpgsql stable $by_index$ as $function$ -- stable: its statements see one and the same state
begin
    return query
        select t.id, t.id, t.workflow_id, cast(t.state as text), t.input, t.priority, t.identity_key, t.initiator, t.source_system, t.reason,
            t.created_at, t.started_at, t.finished_at, t.wake_at, t.status_reason, t.worker_id, t.epoch, t.recoveries,
            cast(t.request_kind as text), t.request_step, t.request_result, t.request_reason,
            t.parent_id, t.mail, null::bigint, null, null::bigint,
            null::bigint, null::bigint, null::bigint, null::bigint, null, null, null, null, null, null::bigint, null::bigint, null, null, null
        from unnest(p_tasks) with ordinality as v (id, no) join tasks t on t.id = v.id
        where (t.worker_id = p_worker) is true
        order by v.no;
    return query
        select s.task_id, null::uuid, null::bigint, null, null, null::bigint, null, null, null, null, null::bigint, null::bigint,
            null::bigint, null::bigint, null, null::uuid, null::bigint, null::bigint, null, null, null, null, null::uuid, null::bigint,
            s.step_no, cast(s.state as text), s.attempts, s.backoff_request, s.started_at, s.finished_at, s.next_retry_at, s.result,
            cast(s.failure_kind as text), s.failure_what, s.failure_type, s.name, s.finish_order, null::bigint, null, null, null
        from steps s where s.task_id = any (p_tasks)
        order by s.task_id, s.step_no;
    return query
        select m.task_id, null::uuid, null::bigint, null, null, null::bigint, null, null, null, null, null::bigint, null::bigint,
            null::bigint, null::bigint, null, null::uuid, null::bigint, null::bigint, null, null, null, null, null::uuid, null::bigint,
            null::bigint, null, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, null, null, null, null,
            null, null::bigint, m.sequence, m.name, m.body, m.message_key
        from messages m where m.task_id = any (p_tasks) and m.taken is null
        order by m.task_id, m.sequence;
end $function$;

create or replace function next_due(p_worker uuid, p_now bigint, p_workflows bigint[], p_gone uuid[])
returns bigint language plpgsql stable $by_index$ as $function$
begin
    return (select case when min(due.at) < p_now then p_now else min(due.at) end from (
        select p_now where cardinality(dead_owners(p_worker, p_now, p_workflows, p_gone)) > 0
        union all
        select workers.expires_at from workers where id <> p_worker and expires_at > p_now and id <> all (p_gone)
            and (select true from tasks where worker_id = workers.id and workflow_id = any (p_workflows) limit 1)
        union all
        select p_now from unnest(p_workflows) as w (id) where
            (select true from tasks where workflow_id = w.id and worker_id is null and wake_at is null and $live$ limit 1)
            or (select true from tasks where workflow_id = w.id and worker_id is null and request_kind is not null limit 1)
        union all
        select (select min(wake_at) from tasks
                where workflow_id = w.id and worker_id is null and wake_at is not null and $live$)
        from unnest(p_workflows) as w (id)) as due (at)
    where due.at is not null);
end $function$)sql";

/// Reads what `claimed_tasks` returns: a row a task, then a row a step, then a row a message.
inline std::vector<claimed_task> read_claimed(query& call, worker_id worker, std::string_view tasks, std::unordered_set<task_id> const& recovered)
{
    constexpr std::size_t columns_of_a_task = sizeof task_types - 1;
    constexpr std::size_t columns_of_a_step = sizeof step_types - 1;
    std::vector<claimed_task> claimed;
    std::unordered_map<task_id, std::size_t> places;
    for (bool more = call.run(worker, tasks); more; more = call.next()) {
        auto const id = call.id<task_id>();
        if (call.has_value()) {
            places.emplace(id, claimed.size());
            claimed.push_back({{read_task(call), {}, {}}, recovered.contains(id)});
            continue;
        }
        auto const place = places.find(id);
        if (place == places.end()) // of a task that was taken from us since
            continue;
        task_snapshot& snapshot = claimed[place->second].snapshot;
        call.skip(columns_of_a_task);
        if (call.has_value()) {
            snapshot.steps.push_back(read_step(call));
        } else {
            call.skip(columns_of_a_step);
            snapshot.messages.push_back(read_message(call, id));
        }
    }
    return claimed;
}

} // namespace tasker::sql
