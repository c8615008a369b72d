#pragma once

#include <tasker/store/sql/array_literal.hpp>
#include <tasker/store/sql/query.hpp>
#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/store.hpp>
#include <tasker/store/store_rules.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker::sql {

/// A row of `tasks` made of place `$i$` of the arrays, and what such a place changes.
inline constexpr std::string_view task_row =
    "n_id[$i$], n_workflow[$i$], n_state[$i$], n_input[$i$], n_priority[$i$], n_key[$i$], n_initiator[$i$], n_system[$i$], "
    "n_reason[$i$], n_created[$i$], n_started[$i$], n_finished[$i$], n_wake[$i$], n_status[$i$], n_worker[$i$], n_epoch[$i$], "
    "n_recoveries[$i$], n_kind[$i$], n_step[$i$], n_result[$i$], n_why[$i$], n_parent[$i$]";
inline constexpr std::string_view task_changes =
    "state = w_state[$i$], status_reason = w_status[$i$], started_at = w_started[$i$], finished_at = w_finished[$i$], "
    "wake_at = case when w_release[$i$] and mail > coalesce(w_seen[$i$], 0) then null else w_wake[$i$] end, recoveries = w_recoveries[$i$], worker_id = case when w_release[$i$] then null else worker_id end, "
    "request_kind = case when w_clear[$i$] then null else request_kind end, "
    "request_step = case when w_clear[$i$] then null else request_step end, "
    "request_result = case when w_clear[$i$] then null else request_result end, "
    "request_reason = case when w_clear[$i$] then null else request_reason end";
/// Whether the task is for whoever claims it next, and nobody knows: a command or a message came too late for its owner.
inline constexpr std::string_view task_is_left =
    "worker_id is null and (request_kind is not null or (wake_at is null and w_wake[$i$] is not null))";

/// `commit_batch` writes a whole batch: one statement, so one round trip and one commit. Rows come as arrays; those of
/// known tasks name the lease they are written under by its place in `l_task` and `l_epoch`, counted from 1.
///
/// It first locks the worker's own row. So a second try of a batch waits for the end of the first, and finds its number;
/// and nobody can take a task from a worker between the look at its leases and the end of its commit: whoever takes over
/// from a dead worker locks that row, too (see `claim_tasks`). It waits for no lock for long: what holds it up, such as a
/// user's transaction with the same identity key, must not hold up the worker's heartbeat, and with it its lease. Each of its statements sees what was committed before it.
///
/// Rows are made by subscripts: plpgsql keeps arrays taken apart, so that each costs the same however long they are, while
/// `unnest` of many arrays makes an intermediate table of each. One task is written by itself, since it is what most batches
/// of an idle engine hold, and making it the only element of a set takes half as long again.
///
/// Rows of `tasks` are locked in the order of their ids, whoever does so, since a batch with messages locks rows of other
/// workers' tasks, and theirs lock its own. New ones are inserted in the order of their identity keys, since whoever inserts a
/// key that another has inserted waits for the end of the other's transaction.
///
/// All leases are looked up by one statement, at a third of the cost of one for each. Where Citus spreads transitions by task
/// each has one of its own, which names the task, and goes where its rows are.
inline constexpr char commit_function[] = R"sql(
create or replace function duplicates_of(n_id uuid[], n_key text[], p_fresh uuid[])
returns table (o_number bigint, o_task uuid)
language plpgsql stable $by_index$ as $function$
begin
    if exists (select from unnest(n_id, n_key) as n (id, key) where n.id <> all (p_fresh)
               and not exists (select from tasks where tasks.id = n.id)
               and not exists (select from tasks where tasks.identity_key = n.key)) then
        raise exception 'a task with the same identity was purged this moment' using errcode = 'serialization_failure';
    end if;
    return query
        select n.no, coalesce((select tasks.id from tasks where tasks.id = n.id),
                              (select tasks.id from tasks where tasks.identity_key = n.key))
        from unnest(n_id, n_key) with ordinality as n (id, key, no) where n.id <> all (p_fresh);
end $function$;

create or replace function commit_batch(
    p_worker uuid, p_number bigint, p_channel text, p_announcement text,
    n_id uuid[], n_workflow bigint[], n_state text[], n_input text[], n_priority bigint[], n_key text[], n_initiator text[],
    n_system text[], n_reason text[], n_created bigint[], n_started bigint[], n_finished bigint[], n_wake bigint[],
    n_status text[], n_worker uuid[], n_epoch bigint[], n_recoveries bigint[], n_kind text[], n_step text[], n_result text[],
    n_why text[],
    l_task uuid[], l_epoch bigint[], l_new boolean[],
    w_lease bigint[], w_state text[], w_status text[], w_started bigint[], w_finished bigint[], w_wake bigint[],
    w_recoveries bigint[], w_release boolean[], w_clear boolean[],
    s_lease bigint[], s_step bigint[], s_state text[], s_attempts bigint[], s_backoff bigint[], s_started bigint[],
    s_finished bigint[], s_retry bigint[], s_result text[], s_kind text[], s_what text[], s_type text[],
    x_lease bigint[], x_place bigint[], x_step bigint[], x_from text[], x_to text[], x_at bigint[], x_attempt bigint[],
    x_detail text[],
    n_parent uuid[], w_seen bigint[], s_name text[], s_order bigint[],
    r_lease bigint[], r_input text[], t_lease bigint[], t_sequence bigint[],
    m_lease bigint[], m_task uuid[], m_name text[], m_body text[], m_key text[])
returns table (o_kind text, o_number bigint, o_task uuid)
language plpgsql $by_index$ set lock_timeout = '2s' as $function$
declare
    v_fresh uuid[] default '{}';
    v_is_left boolean;
    v_last bigint[] default '{}'; -- of each lease: the sequence of the last transition there is, or -1 when it does not hold
begin
    if p_number > 0 then
        update workers set batch = p_number where id = p_worker and batch < p_number;
        if not found then
            insert into workers (id, expires_at, host, process, process_started, batch, takeovers)
            values (p_worker, 0, '', 0, 0, p_number, -1)
            on conflict (id) do update set batch = excluded.batch where workers.batch < excluded.batch;
            if not found then
                return query select 'was_committed', 0::bigint, null::uuid;
                return;
            end if;
        end if;
    else
        insert into workers (id, expires_at, host, process, process_started, batch, takeovers)
        select p_worker, 0, '', 0, 0, 0, -1 where p_worker is not null
        on conflict (id) do update set batch = workers.batch;
        perform set_config('idle_in_transaction_session_timeout', '5000', true); -- nothing but the commit is to come
    end if;

    if cardinality(n_id) = 1 then
        insert into tasks ($task_columns$) values ($task_row(1)$) on conflict do nothing;
        v_fresh = case when found then n_id else '{}' end;
    elsif cardinality(n_id) > 1 then
        with fresh as (
            insert into tasks ($task_columns$) select $task_row(i)$ from generate_series(1, cardinality(n_id)) as i
            order by n_key[i] on conflict do nothing returning id)
        select coalesce(array_agg(fresh.id), '{}') into v_fresh from fresh;
    end if;
    if cardinality(v_fresh) < cardinality(n_id) then
        return query select 'duplicate', d.o_number, d.o_task from duplicates_of(n_id, n_key, v_fresh) as d;
    end if;

    -- `is true`, lest an index serve it: as long as the table was never analysed, the index of all that a worker owns looks as good as the key
    if to_regclass('pg_dist_partition') is not null then
        for i in 1 .. coalesce(cardinality(l_task), 0) loop
            perform from tasks where not l_new[i] and id = l_task[i] and epoch = l_epoch[i] and (worker_id = p_worker) is true;
            v_last[i] = case when found then coalesce((select max(sequence) from transitions where task_id = l_task[i]), 0) else -1 end;
        end loop;
    elsif cardinality(l_task) > 0 then
        select array_agg(coalesce((
            select coalesce((select max(sequence) from transitions where task_id = l_task[i]), 0) from tasks
            where not l_new[i] and id = l_task[i] and epoch = l_epoch[i] and (worker_id = p_worker) is true), -1) order by i)
        into v_last from generate_series(1, cardinality(l_task)) as i;
    end if;
    for i in 1 .. coalesce(cardinality(l_task), 0) loop
        if l_new[i] then
            v_last[i] = case when cardinality(v_fresh) = cardinality(n_id) or l_task[i] = any (v_fresh) then 0 else -1 end;
        elsif v_last[i] < 0 then
            return query select 'lease_lost', i::bigint, null::uuid;
        end if;
    end loop;

    if cardinality(m_task) > 0 then
        perform from tasks where id = any (m_task || array(select l_task[no] from unnest(w_lease) as w (no))) order by id for no key update;
    end if;
    if cardinality(w_lease) = 1 then
        update tasks set $changes(1)$ where id = l_task[w_lease[1]] and v_last[w_lease[1]] >= 0
        returning $left(1)$ into v_is_left;
    elsif cardinality(w_lease) > 1 then
        with written as (
            update tasks set $changes(i)$ from generate_series(1, cardinality(w_lease)) as i
            where id = l_task[w_lease[i]] and v_last[w_lease[i]] >= 0
            returning $left(i)$ as is_left)
        select bool_or(is_left) into v_is_left from written;
    end if;
    if v_is_left then
        perform pg_notify(coalesce(nullif(p_channel, ''), 'tasker_' || current_schema()), 'due 0 00000000-0000-0000-0000-000000000000');
    end if;

    if cardinality(r_lease) > 0 then
        update tasks set input = r_input[i] from generate_series(1, cardinality(r_lease)) as i
        where id = l_task[r_lease[i]] and v_last[r_lease[i]] >= 0;
        delete from steps using generate_series(1, cardinality(r_lease)) as i
        where task_id = l_task[r_lease[i]] and v_last[r_lease[i]] >= 0;
    end if;

    if cardinality(s_lease) > 0 then
        insert into steps (task_id, step_no, state, attempts, backoff_request, started_at, finished_at, next_retry_at, result,
            failure_kind, failure_what, failure_type, name, finish_order)
        select l_task[s_lease[i]], s_step[i], s_state[i], s_attempts[i], s_backoff[i], s_started[i], s_finished[i], s_retry[i],
            s_result[i], s_kind[i], s_what[i], s_type[i], s_name[i], s_order[i]
        from generate_series(1, cardinality(s_lease)) as i
        where v_last[s_lease[i]] >= 0
        on conflict (task_id, step_no) do update set state = excluded.state, attempts = excluded.attempts,
            backoff_request = excluded.backoff_request, started_at = excluded.started_at, finished_at = excluded.finished_at,
            next_retry_at = excluded.next_retry_at, result = excluded.result, failure_kind = excluded.failure_kind,
            failure_what = excluded.failure_what, failure_type = excluded.failure_type, name = excluded.name,
            finish_order = excluded.finish_order;
    end if;

    if cardinality(x_lease) > 0 then
        insert into transitions (task_id, sequence, step_no, from_state, to_state, at, attempt, detail)
        select l_task[x_lease[i]], v_last[x_lease[i]] + x_place[i], x_step[i], x_from[i], x_to[i], x_at[i], x_attempt[i], x_detail[i]
        from generate_series(1, cardinality(x_lease)) as i
        where v_last[x_lease[i]] >= 0;
    end if;

    if cardinality(t_lease) > 0 then
        update messages set taken = 1 from generate_series(1, cardinality(t_lease)) as i
        where task_id = l_task[t_lease[i]] and sequence = t_sequence[i] and v_last[t_lease[i]] >= 0;
    end if;
    for i in 1 .. coalesce(cardinality(m_task), 0) loop
        if v_last[m_lease[i]] >= 0 then
            perform store_message(m_task[i], m_name[i], m_body[i], m_key[i], p_channel);
        end if;
    end loop;

    if p_announcement <> '' then
        perform pg_notify(coalesce(nullif(p_channel, ''), 'tasker_' || current_schema()), line) from unnest(string_to_array(p_announcement, chr(10))) as line;
    end if;
end $function$)sql";

/// Calls `commit_batch` with a batch's rows as columns.
class array_writer {
    template <std::size_t Size>
    using columns = std::array<array_literal, Size>;
    static constexpr std::size_t total_columns = 21 + 3 + 9 + 12 + 8 + 1 + 1 + 2 + 2 + 2 + 5;

    template <std::size_t Size>
    static auto ties(columns<Size>& of)
    {
        return std::apply([](auto&... column) { return std::tie(column...); }, of);
    }

public:
    explicit array_writer(commit_batch const& batch) : batch_{batch}
    {
        for (task_record const& task : batch.created)
            add(task);
        for (task_write const* write : in_order_of_ids(batch.tasks))
            add(*write);
        for (step_write const& write : batch.steps)
            add(write);
        for (std::size_t at = 0; at < batch.transitions.size(); ++at)
            add(batch.transitions[at], batch.transition_epochs[at]);
        for (message_take const& take : batch.taken)
            add_row(taken_, lease_of(take.task, take.epoch), take.sequence);
        for (message_write const& write : batch.sent)
            add_row(sent_, lease_of(write.from, write.epoch), write.what.task, std::string_view{write.what.name}, write.what.body,
                    std::string_view{write.what.key});
    }

    static statement_text const& text()
    {
        static statement_text const call = [] {
            std::string sql = "select o_kind, o_number, o_task from commit_batch(";
            std::string const types = "titt" + std::string(total_columns, 't');
            for (std::size_t at = 0; at < types.size(); ++at)
                sql.append(at == 0 ? ":p" : ", :p").append(std::to_string(at));
            return statement_text{sql + ")", types, "tit"};
        }();
        return call;
    }

    commit_result write(query& call, std::string_view channel, std::string_view announcement)
    {
        commit_result result;
        bool more = std::apply([&](auto&... column) { return call.run(batch_.worker, batch_.number, channel, announcement, column.text_unless_empty()...); },
                               std::tuple_cat(ties(created_), ties(leases_), ties(tasks_), ties(steps_), ties(transitions_), ties(parents_), ties(seen_),
                                              ties(checkpoints_), ties(renewals_), ties(taken_), ties(sent_)));
        for (; more; more = call.next()) {
            std::string const kind = call.text();
            auto const at = static_cast<std::size_t>(call.integer() - 1);
            if (kind == "was_committed")
                result.was_committed = true;
            else if (kind == "duplicate")
                result.duplicates.push_back({batch_.created[at].id, call.id<task_id>()});
            else
                result.lease_lost.push_back(held_[at]);
        }
        tasker::detail::drop_repetitions(result.lease_lost);
        return result;
    }

private:
    enum class row_of { known_task, new_task };

    template <std::size_t Size, class... Values>
    static void add_row(columns<Size>& to, Values const&... values)
    {
        static_assert(sizeof...(values) == Size);
        std::size_t at = 0;
        (to[at++].add(values), ...);
    }

    template <class Part>
    static auto part(std::optional<command> const& of, Part member)
    {
        using value = std::remove_cvref_t<decltype((*of).*member)>;
        return of ? std::optional<value>{(*of).*member} : std::nullopt;
    }

    static std::vector<task_write const*> in_order_of_ids(std::vector<task_write> const& writes)
    {
        std::vector<task_write const*> sorted;
        sorted.reserve(writes.size());
        for (task_write const& write : writes)
            sorted.push_back(&write);
        std::sort(sorted.begin(), sorted.end(), [](auto const* a, auto const* b) { return a->id < b->id; });
        return sorted;
    }

    void add(task_record const& task)
    {
        add_row(created_, task.id, task.workflow, task.state, task.input, task.priority, std::string_view{task.identity_key},
                std::string_view{task.initiator}, std::string_view{task.source_system}, std::string_view{task.reason},
                task.created_at, task.started_at, task.finished_at, task.wake_at, std::string_view{task.status_reason},
                task.worker, task.epoch, task.recoveries, part(task.request, &command::kind), part(task.request, &command::step),
                part(task.request, &command::result), part(task.request, &command::reason));
        if (has_parents_)
            add_row(parents_, task.parent);
        lease_of(task.id, task.epoch, row_of::new_task);
    }

    void add(task_write const& write)
    {
        auto const lease = lease_of(write.id, write.epoch);
        add_row(tasks_, lease, write.state, std::string_view{write.status_reason}, write.started_at, write.finished_at, write.wake_at,
                write.recoveries, write.release, write.clear_request);
        if (has_readers_)
            add_row(seen_, write.mail_seen);
        if (write.renewed_input)
            add_row(renewals_, lease, *write.renewed_input);
    }

    void add(step_write const& write)
    {
        step_record const& step = write.record;
        auto const& last = step.last_failure;
        add_row(steps_, lease_of(write.task, write.epoch), write.step, step.state, step.attempts, step.backoff_request,
                step.started_at, step.finished_at, step.next_retry_at, step.result,
                last ? std::optional{last->kind} : std::nullopt, last ? std::optional<std::string_view>{last->what} : std::nullopt,
                last ? std::optional<std::string_view>{last->type} : std::nullopt);
        if (has_checkpoints_)
            add_row(checkpoints_, unless_default(std::string_view{step.name}), unless_default(step.order));
    }

    void add(transition_record const& line, std::int64_t epoch)
    {
        auto const lease = lease_of(line.task, epoch);
        add_row(transitions_, lease, ++lines_[lease - 1], line.step, std::string_view{line.from}, std::string_view{line.to},
                line.at, line.attempt, std::string_view{line.detail});
    }

    /// The number of a lease, from 1.
    std::size_t lease_of(task_id task, std::int64_t epoch, row_of kind = row_of::known_task)
    {
        auto const [at, is_first] = numbers_.try_emplace(task);
        for (std::size_t const number : at->second)
            if (held_[number - 1].epoch == epoch)
                return number;
        held_.push_back({task, epoch});
        lines_.push_back(0);
        add_row(leases_, task, epoch, kind == row_of::new_task);
        at->second.push_back(held_.size());
        return held_.size();
    }

    /// What most batches say of none of their rows is not said at all.
    template <class Rows, class Says>
    static bool any(Rows const& rows, Says says)
    {
        return std::any_of(rows.begin(), rows.end(), says);
    }

    commit_batch const& batch_;
    bool const has_parents_ = any(batch_.created, [](task_record const& task) { return bool{task.parent}; });
    bool const has_readers_ = any(batch_.tasks, [](task_write const& write) { return write.mail_seen != 0; });
    bool const has_checkpoints_ = any(batch_.steps, [](step_write const& write) { return !write.record.name.empty() || write.record.order != 0; });
    columns<21> created_;
    columns<3> leases_;
    columns<9> tasks_;
    columns<12> steps_;
    columns<8> transitions_;
    columns<1> parents_;
    columns<1> seen_;
    columns<2> checkpoints_;
    columns<2> renewals_;
    columns<2> taken_;
    columns<5> sent_;
    std::vector<task_lease> held_;                                   ///< of each lease
    std::vector<std::int64_t> lines_;                                ///< of each lease: transitions so far
    std::unordered_map<task_id, std::vector<std::size_t>> numbers_; ///< of each task's leases
};

} // namespace tasker::sql
