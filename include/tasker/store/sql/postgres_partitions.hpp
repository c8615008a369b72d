#pragma once

#include <tasker/base/time.hpp>
#include <tasker/store/sql/postgres_storage.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tasker::sql {

/// The rows of `steps` and `transitions` lie in partitions by the time in their task's id, each of `partition_span()`
/// milliseconds (zero: none), called `steps_<start in milliseconds since 1970>`. What belongs to none is in `steps_rest`.
/// `tasks` stays one table: claims lock its rows, and an identity key is unique among all.
///
/// `make_partition` and `keep_partitions` act with their owner's rights, so that a mere user of the tables may call them.
/// Their search path ends with `pg_temp`, lest a caller's temporary tables stand before ours.
/// Neither waits long for a lock, since everybody would wait behind it: what cannot be done now is left to the next call.
inline constexpr char partition_functions[] = R"sql(
create or replace function partition_bound(p_start bigint) returns uuid language sql immutable as $function$
    select cast(rpad(lpad(to_hex(p_start), 12, '0'), 32, '0') as uuid)
$function$;

create or replace function partition_start(p_task uuid) returns bigint language plpgsql immutable as $function$
begin
    return cast(cast('x' || left(replace(cast(p_task as text), '-', ''), 12) as bit(48)) as bigint)
        / partition_span() * partition_span();
end $function$;

create or replace function make_partition(p_start bigint)
returns void language plpgsql security definer $pinned$ set lock_timeout = '100ms' as $function$
declare
    v_table text;
    v_part text;
begin
    if to_regclass(format('%I.%I', current_schema(), 'steps_' || p_start)) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('tasker partitions ' || current_schema()));
    foreach v_table in array array['transitions', 'steps'] loop -- in the order in which commits lock them
        v_part = v_table || '_' || p_start;
        if to_regclass(format('%I.%I', current_schema(), v_part)) is null then
            execute format('create table %I (like %I including all) with (%s)', v_part, v_table,
                           case v_table when 'steps' then '$steps_storage$' else 'fillfactor = 100' end);
            execute format('alter table %I attach partition %I for values from (%L) to (%L)', v_table, v_part,
                           partition_bound(p_start), partition_bound(p_start + partition_span()));
        end if;
    end loop;
exception when check_violation or lock_not_available or deadlock_detected then
    return; -- the rest holds rows of this time, which stay there, or somebody reads it for long
end $function$;

create or replace function keep_partitions(p_before bigint)
returns void language plpgsql security definer $pinned$ set lock_timeout = '100ms' as $function$
declare
    v_span bigint default partition_span();
    v_now bigint default $clock$ / 1000;
    v_start bigint;
begin
    if v_span = 0 then
        return;
    end if;
    for v_ahead in 0 .. 3 loop
        perform make_partition((v_now / v_span + v_ahead) * v_span);
    end loop;
    if not pg_try_advisory_xact_lock(hashtext('tasker partitions ' || current_schema())) then
        return;
    end if;
    for v_start in
        select cast(substring(part.relname from '_([0-9]+)$') as bigint) as start
        from pg_inherits join pg_class as part on part.oid = inhrelid
        where inhparent = cast('steps' as regclass) and part.relname ~ '_[0-9]+$' order by start
    loop
        exit when (v_start + v_span) * 1000 > p_before;
        if not has_tasks(v_start, v_start + v_span) then
            lock table transitions, steps in access exclusive mode;
            if not has_tasks(v_start, v_start + v_span) then
                execute format('drop table %I, %I', 'transitions_' || v_start, 'steps_' || v_start);
            end if;
        end if;
    end loop;
exception when lock_not_available or deadlock_detected then
    return;
end $function$;

create or replace function has_tasks(p_from bigint, p_to bigint)
returns boolean language plpgsql $by_index$ as $function$
begin
    return (select true from tasks where id >= partition_bound(p_from) and id < partition_bound(p_to) limit 1) is true;
end $function$;

create or replace function rows_to_purge(p_tasks uuid[], p_before bigint)
returns uuid[] language plpgsql as $function$
begin
    if partition_span() = 0 then
        return p_tasks;
    end if;
    return array(select id from unnest(p_tasks) as old (id)
                 where to_regclass('steps_' || partition_start(id)) is null
                    or (partition_start(id) + partition_span()) * 1000 > p_before);
end $function$)sql";

/// Parts `table`, which has just been made, by the time in its tasks' ids.
inline std::vector<std::string> partitioned(std::string const& table, std::string const& storage)
{
    return {"alter table " + table + " rename to whole_" + table,
            "create table " + table + " (like whole_" + table + " including all) partition by range (task_id)",
            "create table " + table + "_rest partition of " + table + " default" + storage,
            "insert into " + table + " select * from whole_" + table, "drop table whole_" + table};
}

/// Lays out `steps` and `transitions`, as one table each or in partitions.
inline std::vector<std::string> lay_out(duration span)
{
    auto const milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
    std::vector<std::string> sql{"create function partition_span() returns bigint language sql immutable as $$ select cast(" +
                                 std::to_string(milliseconds) + " as bigint) $$"};
    if (milliseconds == 0) {
        sql.push_back(set_storage("steps", steps_storage));
        return sql;
    }
    sql.emplace_back("drop view present_steps");
    for (std::string& one : partitioned("transitions", ""))
        sql.push_back(std::move(one));
    for (std::string& one : partitioned("steps", " with (" + std::string{steps_storage} + ")"))
        sql.push_back(std::move(one));
    sql.emplace_back("create view present_steps as select task_id, step_no, state from steps "
                     "where exists (select from tasks where tasks.id = steps.task_id)");
    return sql;
}

} // namespace tasker::sql
