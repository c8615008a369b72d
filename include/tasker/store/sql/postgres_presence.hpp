#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/store/sql/worker_presence.hpp>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tasker::sql {

/// `heartbeat` extends a worker's lease by one row, whatever it owns, and tells it in rows of several kinds what it needs to
/// know. `retire_worker` frees its tasks. `leave_request` leaves a command in a task's row and tells the owner.
/// `purge_finished` deletes the oldest finished tasks whole, but for rows that `keep_partitions` will drop with many others.
inline constexpr char presence_functions[] = R"sql(
create or replace function heartbeat(p_worker uuid, p_expires bigint, p_takeovers bigint, p_host text, p_process bigint,
                                     p_started bigint)
returns table (o_kind text, o_id uuid, o_number bigint, o_started bigint, o_what text, o_step text, o_result text, o_why text)
language plpgsql $by_index$ as $function$
declare
    v_takeovers bigint;
begin
    if p_takeovers is null then -- what it holds is final only once no claim of its own, whose answer it lost, still runs
        perform pg_advisory_xact_lock(hashtextextended('tasker claim ' || p_worker, 0));
    end if;
    v_takeovers = (select takeovers from workers where id = p_worker for update);
    insert into workers (id, expires_at, host, process, process_started, batch, takeovers)
    values (p_worker, p_expires, p_host, p_process, p_started, 0, 0)
    on conflict (id) do update set expires_at = greatest(workers.expires_at, excluded.expires_at), host = excluded.host, process = excluded.process,
        process_started = excluded.process_started;
    return query select 'beat', null::uuid, coalesce(v_takeovers, 0), $clock$, null, null, null, null;
    return query select 'request', id, 0::bigint, 0::bigint, cast(request_kind as text), request_step, request_result, request_reason
        from tasks where worker_id = p_worker and request_kind is not null order by id;
    return query select 'mail', id, mail, 0::bigint, null, null, null, null from tasks where worker_id = p_worker and told is not null
        and exists (select from messages where task_id = tasks.id and taken is null) order by id;
    return query select 'neighbour', id, process, process_started, null, null, null, null
        from workers where host = p_host and host <> '' and id <> p_worker and expires_at > 0
          and exists (select from tasks where worker_id = workers.id);
    if v_takeovers is null or p_takeovers is distinct from v_takeovers then
        return query select 'held', id, epoch, 0::bigint, null, null, null, null
            from tasks where worker_id = p_worker and worker_id is not null order by id;
        return query select 'all_held', null::uuid, 0::bigint, 0::bigint, null, null, null, null;
    end if;
end $function$;

create or replace function retire_worker(p_worker uuid, p_channel text, p_announcement text)
returns bigint language plpgsql $by_index$ as $function$
declare
    v_freed bigint;
begin
    perform from workers where id = p_worker for update;
    perform from tasks where worker_id = p_worker order by id for no key update; -- as commits lock them
    update tasks set worker_id = null where worker_id = p_worker;
    get diagnostics v_freed = row_count;
    delete from workers where id = p_worker;
    if v_freed > 0 then
        perform pg_notify(coalesce(nullif(p_channel, ''), 'tasker_' || current_schema()), p_announcement);
    end if;
    return $clock$;
end $function$;

create or replace function leave_request(p_task uuid, p_kind text, p_step text, p_result text, p_reason text, p_channel text)
returns text language plpgsql $by_index$ as $function$
declare
    v_owner uuid;
begin
    update tasks set request_kind = p_kind, request_step = p_step, request_result = p_result, request_reason = p_reason
    where id = p_task and request_kind is null returning worker_id into v_owner;
    if found then
        perform pg_notify(coalesce(nullif(p_channel, ''), 'tasker_' || current_schema()), case when v_owner is null then 'due 0 00000000-0000-0000-0000-000000000000'
                                          else 'ask ' || v_owner end);
        return 'left';
    end if;
    return case when exists (select from tasks where id = p_task) then 'occupied' else 'unknown' end;
end $function$;

create or replace function purge_finished(p_before bigint, p_limit bigint)
returns bigint language plpgsql $by_index$ as $function$
declare
    v_tasks uuid[];
    v_rows uuid[];
begin
    select coalesce(array_agg(old.id), '{}') into v_tasks from (
        select id from tasks where finished_at < p_before and finished_at is not null and $over$
            and worker_id is null and request_kind is null
        order by finished_at limit p_limit for update skip locked) as old;
    v_rows = rows_to_purge(v_tasks, p_before);
    delete from transitions using unnest(v_rows) as old (id) where task_id = old.id; -- so that each looks into one partition
    delete from steps using unnest(v_rows) as old (id) where task_id = old.id;
    delete from messages using unnest(v_tasks) as old (id) where task_id = old.id;
    delete from tasks where id = any (v_tasks);
    delete from workers using (select id from workers where expires_at < p_before for update skip locked) as old
    where workers.id = old.id and not exists (select from tasks where worker_id = workers.id); -- one that commits waits for our rows
    return cardinality(v_tasks);
end $function$)sql";

inline constexpr char clock_expression[] = "(extract(epoch from clock_timestamp()) * 1000000)::bigint";

/// The workers of this machine that have ended, as far as the last heartbeats tell. Thread safety: any thread.
class neighbourhood {
public:
    explicit neighbourhood(worker_presence const& presence) : presence_{presence} {}

    void know(std::vector<std::pair<worker_id, process_identity>> neighbours)
    {
        std::scoped_lock const lock{mutex_};
        neighbours_ = std::move(neighbours);
    }

    std::vector<worker_id> gone() const
    {
        std::scoped_lock const lock{mutex_};
        std::vector<worker_id> found;
        for (auto const& [worker, process] : neighbours_)
            if (presence_.is_gone(process))
                found.push_back(worker);
        return found;
    }

private:
    worker_presence const& presence_;
    mutable std::mutex mutex_;
    std::vector<std::pair<worker_id, process_identity>> neighbours_;
};

} // namespace tasker::sql
