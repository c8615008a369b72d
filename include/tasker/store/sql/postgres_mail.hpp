#pragma once

#include <array>
#include <string_view>

namespace tasker::sql {

/// `store_message` stores a message for a task, and tells the task's owner, or whoever may claim it now. It locks the task's
/// row before it looks for an earlier message with the same key. A transaction is told of each thing once, however often it
/// was announced within.
inline constexpr char mail_functions[] = R"sql(
create or replace function store_message(p_task uuid, p_name text, p_body text, p_key text, p_channel text)
returns text language plpgsql $by_index$ as $function$
declare
    v_owner uuid;
    v_is_closed boolean;
    v_wakes boolean;
    v_sequence bigint;
begin
    select worker_id, $closed$, worker_id is null and started_at is not null and $live$ into v_owner, v_is_closed, v_wakes
    from tasks where id = p_task for no key update;
    if not found then
        return 'unknown';
    elsif v_is_closed then
        return 'over';
    elsif p_key <> '' and exists (select from messages where task_id = p_task and message_key = p_key) then
        return 'known';
    end if;
    update tasks set mail = coalesce(mail, 0) + 1, told = 1, wake_at = case when v_wakes then null else wake_at end
    where id = p_task returning mail into v_sequence;
    insert into messages (task_id, sequence, name, body, message_key) values (p_task, v_sequence, p_name, p_body, nullif(p_key, ''));
    if v_owner is not null or v_wakes then
        perform pg_notify(coalesce(nullif(p_channel, ''), 'tasker_' || current_schema()),
                          case when v_wakes then 'due 0 00000000-0000-0000-0000-000000000000' else 'ask ' || v_owner end);
    end if;
    return 'stored';
end $function$)sql";

/// What `store_message` answers, in the order of `send_answer`.
inline constexpr std::array<std::string_view, 4> send_answer_words{"stored", "known", "over", "unknown"};

/// Drops the functions of earlier versions whose parameters or columns were others.
inline constexpr std::string_view drop_changed_functions =
    "do $do$ declare v_function text; begin for v_function in select cast(cast(oid as regprocedure) as text) from pg_proc "
    "where pronamespace = (select oid from pg_namespace where nspname = current_schema()) and proname in ('commit_batch', 'claim_tasks') "
    "loop execute 'drop function ' || v_function; end loop; end $do$";

/// Where rows of purged tasks stay until their partition is dropped, the steps whose task is there. The planner knows the span.
inline constexpr std::string_view named_present_steps =
    "create or replace view present_steps as select task_id, step_no, state, name from steps "
    "where partition_span() = 0 or exists (select from tasks where tasks.id = steps.task_id)";

} // namespace tasker::sql
