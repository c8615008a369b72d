#pragma once

#include <tasker/model/records.hpp>
#include <tasker/policy/retry_policy.hpp>
#include <tasker/store/sql/query.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tasker::sql {

/// `(state = 'pending' or state = ...)`. SQLite builds a table for every IN list of more than two, at every row.
inline std::string one_of(std::string_view column, std::span<std::string_view const> names)
{
    std::string condition;
    for (std::string_view const name : names)
        condition.append(condition.empty() ? "(" : " or ").append(column).append(" = '").append(name).append("'");
    return condition + ")";
}

// Partial indexes serve only queries that repeat their condition word for word.

/// The task is not finished.
inline std::string is_live()
{
    std::vector<std::string_view> names;
    for (std::size_t at = 0; at < state_names.size(); ++at)
        if (!is_finished(static_cast<task_state>(at)))
            names.push_back(state_names[at]);
    return one_of("state", names);
}
inline std::string is_over() { return "not " + is_live(); }
/// The task is over and may not go on by an operator's command: it takes no messages.
inline std::string is_closed()
{
    std::vector<std::string_view> names;
    for (std::size_t at = 0; at < state_names.size(); ++at)
        if (auto const state = static_cast<task_state>(at); is_finished(state) && state != task_state::error)
            names.push_back(state_names[at]);
    return one_of("state", names);
}
inline constexpr std::string_view is_unusual = "state <> 'complete'";

inline constexpr char task_columns[] =
    "id, workflow_id, state, input, priority, identity_key, initiator, source_system, reason, created_at, started_at, "
    "finished_at, wake_at, status_reason, worker_id, epoch, recoveries, request_kind, request_step, request_result, "
    "request_reason, parent_id, mail";
inline constexpr char task_types[] = "titt" "itttt" "iiii" "ttii" "tttt" "ti";
/// What is written of a new task, which has no mail.
inline constexpr std::string_view new_task_columns{task_columns, sizeof task_columns - sizeof ", mail"};
inline constexpr std::string_view new_task_types{task_types, sizeof task_types - sizeof "i"};

inline constexpr char step_columns[] = "step_no, state, attempts, backoff_request, started_at, finished_at, next_retry_at, "
                                       "result, failure_kind, failure_what, failure_type, name, finish_order";
inline constexpr char step_types[] = "itiiiiitttt" "ti";

inline constexpr char message_columns[] = "sequence, name, body, message_key";
inline constexpr char message_types[] = "ittt";

inline constexpr char transition_columns[] = "sequence, step_no, from_state, to_state, at, attempt, detail";
inline constexpr char transition_types[] = "iittiit";

// The time of the database's machine: microseconds since 1970, UTC.
inline constexpr char postgres_clock[] = "select cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)";
/// SQLite counts milliseconds; within one statement, 'now' is one moment.
inline constexpr char sqlite_clock[] = "select cast(strftime('%s', 'now') as integer) * 1000000 + "
                                       "cast(substr(strftime('%f', 'now'), 4) as integer) * 1000";

/// Every SQL text of the store, but for those of the schema.
struct statements {
    // ---- definitions
    statement_text find_workflow{"select id from workflows where name_space = :ns and name = :name and version = :version",
                                 "ttt", "i"};
    statement_text insert_workflow{"insert into workflows (name_space, name, version) values (:ns, :name, :version) "
                                   "on conflict do nothing",
                                   "ttt", ""};
    statement_text all_workflows{"select id, name_space, name, version from workflows", "", "ittt"};
    statement_text workflow_steps{"select name, max_attempts, retryable from workflow_steps where workflow_id = :workflow "
                                  "order by step_no",
                                  "i", "tii"};
    statement_text workflow_edges{"select parent_no, child_no from workflow_edges where workflow_id = :workflow", "i", "ii"};
    statement_text put_workflow_step{
        "insert into workflow_steps (workflow_id, step_no, name, max_attempts, retryable) "
        "values (:workflow, :step, :name, :attempts, :retryable) on conflict (workflow_id, step_no) "
        "do update set max_attempts = excluded.max_attempts, retryable = excluded.retryable "
        "where workflow_steps.max_attempts <> excluded.max_attempts or workflow_steps.retryable <> excluded.retryable",
        "iitii", ""};
    statement_text insert_workflow_edge{
        "insert into workflow_edges (workflow_id, parent_no, child_no) values (:workflow, :parent, :child)", "iii", ""};

    // ---- commit
    statement_text note_batch{"insert into workers (id, expires_at, host, process, process_started, batch, takeovers) "
                              "values (:worker, 0, '', 0, 0, :number, -1) on conflict (id) do update set batch = excluded.batch "
                              "where workers.batch < excluded.batch",
                              "ti", ""};
    statement_text insert_task{"insert into tasks (" + std::string{new_task_columns} +
                                   ") values (:id, :workflow, :state, :input, :priority, :key, :initiator, :system, "
                                   ":reason, :created, :started, :finished, :wake, :status, :worker, :epoch, :recoveries, "
                                   ":kind, :step, :result, :why, :parent) on conflict do nothing",
                               std::string{new_task_types}, ""};
    statement_text find_twin{"select id from tasks where id = :id or identity_key = :key order by id = :same desc limit 1", "ttt",
                             "t"};
    statement_text fence{"select epoch, (select max(sequence) from transitions where task_id = tasks.id) from tasks "
                         "where id = :id and worker_id = :worker",
                         "tt", "ii"};
    statement_text update_task{"update tasks set state = :state, status_reason = :status, started_at = :started, "
                               "finished_at = :finished, wake_at = :wake, recoveries = :recoveries where id = :id",
                               "ttiiiit", ""};
    /// After `update_task`: a task with news is due at once.
    statement_text wake_with_news{"update tasks set wake_at = null where id = :id and mail > :seen", "ti", ""};
    statement_text renew_input{"update tasks set input = :input where id = :id", "tt", ""};
    statement_text release_task{"update tasks set worker_id = null where id = :id", "t", ""};
    statement_text clear_request{"update tasks set request_kind = null, request_step = null, request_result = null, "
                                 "request_reason = null where id = :id",
                                 "t", ""};
    statement_text put_step{
        std::string{"insert into steps (task_id, "} + step_columns +
            ") values (:task, :step, :state, :attempts, :backoff, :started, :finished, :retry, :result, :kind, :what, :type, "
            ":name, :order) "
            "on conflict (task_id, step_no) do update set state = excluded.state, attempts = excluded.attempts, "
            "backoff_request = excluded.backoff_request, started_at = excluded.started_at, "
            "finished_at = excluded.finished_at, next_retry_at = excluded.next_retry_at, result = excluded.result, "
            "failure_kind = excluded.failure_kind, failure_what = excluded.failure_what, "
            "failure_type = excluded.failure_type, name = excluded.name, finish_order = excluded.finish_order",
        std::string{"t"} + step_types, ""};
    statement_text insert_transition{std::string{"insert into transitions (task_id, "} + transition_columns +
                                         ") values (:task, :sequence, :step, :from, :to, :at, :attempt, :detail)",
                                     std::string{"t"} + transition_types, ""};

    /// The birth of tasks, as the rows tell it that a `from` supplies.
    statement_text insert_birth{std::string{"insert into transitions (task_id, "} + transition_columns +
                                    ") select id, 1, null, '', state, created_at, 0, ''",
                                "", ""};

    // ---- messages
    /// Counts a message that the task takes and does not have, and has the task claimed, when it waits in the store.
    statement_text count_message{"update tasks set mail = coalesce(mail, 0) + 1, told = 1, wake_at = case when worker_id is null and "
                                 "started_at is not null and " + is_live() + " then null else wake_at end where id = :id and not " +
                                     is_closed() + " and not exists "
                                     "(select 1 from messages where task_id = tasks.id and message_key = :key and message_key is not null)",
                                 "tt", ""};
    statement_text insert_message{"insert into messages (task_id, sequence, name, body, message_key) "
                                  "select id, mail, :name, :body, :key from tasks where id = :id",
                                  "tttt", ""};
    statement_text is_closed_task{"select 1 from tasks where id = :id and " + is_closed(), "t", "i"};
    statement_text take_message{"update messages set taken = 1 where task_id = :task and sequence = :sequence", "ti", ""};
    statement_text messages_after{std::string{"select "} + message_columns + " from messages where task_id = :task and "
                                      "sequence > :after and taken is null order by sequence",
                                  "ti", message_types};
    /// Left to itself, SQLite looks through the messages that were taken, too.
    statement_text mail_of{"select id, mail from tasks where worker_id = :id and told is not null and exists "
                           "(select 1 from messages indexed by messages_waiting where task_id = tasks.id and taken is null) order by id",
                           "t", "ti"};
    statement_text delete_messages{"delete from messages where task_id = :id", "t", ""};

    // ---- claim; each gives `workflow`'s tasks, best first
    statement_text due{"select priority, id from tasks where workflow_id = :workflow and worker_id is null and "
                       "wake_at is null and " + is_live() + " order by priority desc, id limit :limit",
                       "ii", "it"};
    statement_text woken{"select priority, id from tasks where workflow_id = :workflow and worker_id is null and "
                         "wake_at is not null and wake_at <= :now and " + is_live() +
                             " order by priority desc, id limit :limit",
                         "iii", "it"};
    statement_text owned{"select priority, id from tasks where workflow_id = :workflow and worker_id = :owner and "
                         "worker_id is not null order by priority desc, id limit :limit",
                         "iti", "it"};
    statement_text requested{"select priority, id from tasks where workflow_id = :workflow and worker_id is null and "
                             "request_kind is not null order by priority desc, id limit :limit",
                             "ii", "it"};
    statement_text requested_and_owned{
        "select priority, id from tasks where workflow_id = :workflow and worker_id = :owner and "
        "request_kind is not null order by priority desc, id limit :limit",
        "iti", "it"};
    statement_text next_wake{"select min(wake_at) from tasks where workflow_id = :workflow and worker_id is null and "
                             "wake_at is not null and " + is_live(),
                             "i", "i"};
    statement_text find_owner{"select workflow_id, worker_id from tasks where id = :id", "t", "it"};
    /// Each worker that owns a task, by one look-up a worker, however many tasks it owns; with its heartbeat, if any.
    statement_text owners{
        "with recursive owners (id) as (select min(worker_id) from tasks where worker_id is not null union all "
        "select (select min(worker_id) from tasks where worker_id > owners.id and worker_id is not null) "
        "from owners where owners.id is not null) "
        "select owners.id, workers.expires_at, workers.host, workers.process, workers.process_started "
        "from owners left join workers on workers.id = owners.id where owners.id is not null and owners.id <> :worker",
        "t", "titii"};
    statement_text hand_over{"update tasks set worker_id = :worker, epoch = epoch + 1, wake_at = null, "
                             "recoveries = recoveries + :recovered where id = :id",
                             "tit", ""};

    // ---- presence
    statement_text put_worker{
        "insert into workers (id, expires_at, host, process, process_started) "
        "values (:id, :expires, :host, :process, :started) on conflict (id) do update set "
        "expires_at = excluded.expires_at, host = excluded.host, process = excluded.process, "
        "process_started = excluded.process_started",
        "titii", ""};
    statement_text takeovers{"select takeovers from workers where id = :id", "t", "i"};
    statement_text take_over{"update workers set takeovers = takeovers + 1 where id = :id", "t", ""};
    statement_text holdings{"select id, epoch from tasks where worker_id = :id and worker_id is not null order by id", "t", "ti"};
    statement_text delete_worker{"delete from workers where id = :id", "t", ""};
    statement_text free_tasks{"update tasks set worker_id = null where worker_id = :id", "t", ""};
    statement_text requests_of{"select id, request_kind, request_step, request_result, request_reason from tasks "
                               "where worker_id = :id and request_kind is not null order by id",
                               "t", "ttttt"};
    statement_text put_request{"update tasks set request_kind = :kind, request_step = :step, request_result = :result, "
                               "request_reason = :why where id = :id and request_kind is null",
                               "ttttt", ""};

    // ---- look-ups
    statement_text load_task{std::string{"select "} + task_columns + " from tasks where id = :id", "t", task_types};
    statement_text load_steps{std::string{"select "} + step_columns + " from steps where task_id = :id order by step_no", "t",
                              step_types};
    statement_text history{std::string{"select "} + transition_columns +
                               " from tasks join transitions on transitions.task_id = tasks.id where tasks.id = :id order by sequence",
                           "t", transition_types};
    statement_text find_by_key{std::string{"select "} + task_columns + " from tasks where identity_key = :key", "t", task_types};

    /// A page of tasks, newest first, of one workflow or all, of those in a state (`dialect::in_state`) or all.
    static statement_text find_page(std::optional<workflow_id> workflow, std::optional<state_listing> const& state)
    {
        std::string sql = std::string{"select "} + task_columns + " from tasks where id < :before";
        std::string types = "t";
        if (workflow) {
            sql += " and workflow_id = :workflow";
            types += 'i';
        }
        if (state)
            sql += " and " + state->condition;
        return {sql + " order by " + (state ? state->order : "id desc") + " limit :limit", types + 'i', task_types};
    }

    // ---- statistics and purge
    statement_text count_tasks{"select state, count(*), sum(case when created_at >= :created then 1 else 0 end), "
                               "sum(case when finished_at >= :finished and " + is_over() +
                                   " then 1 else 0 end) from tasks group by state",
                               "ii", "tiii"};
    /// How many, and how many of them are checkpoints, which no definition knows.
    statement_text count_steps{"select state, count(*), count(name) from present_steps group by state", "", "tii"};
    statement_text count_defined_steps{
        "select coalesce(sum(tasks_of.number * steps_of.number), 0) "
        "from (select workflow_id, count(*) as number from tasks group by workflow_id) as tasks_of "
        "join (select workflow_id, count(*) as number from workflow_steps group by workflow_id) as steps_of "
        "on steps_of.workflow_id = tasks_of.workflow_id",
        "", "i"};
    statement_text count_errors{
        "select final, sum(case when next_retry_at > :now then 1 else 0 end), count(*) from (select steps.next_retry_at, "
        "case when steps.failure_kind = 'abandoned' then 0 "
        "when steps.failure_kind = 'permanent' or steps.attempts >= (case when defined.retryable = 0 then 1 "
        "else coalesce(defined.max_attempts, " + std::to_string(retry_policy{}.max_attempts) +
            ") end) then 1 else 0 end as final from steps join tasks on tasks.id = steps.task_id "
            "left join workflow_steps as defined on defined.workflow_id = tasks.workflow_id and "
            "defined.step_no = steps.step_no where steps.state = 'error') as failed group by final",
        "i", "iii"};
    statement_text finished_before{"select id from tasks where finished_at < :before and finished_at is not null and " + is_over() +
                                       " and worker_id is null and request_kind is null order by finished_at limit :limit",
                                   "ii", "t"};
    statement_text delete_task{"delete from tasks where id = :id", "t", ""};
    statement_text delete_steps{"delete from steps where task_id = :id", "t", ""};
    statement_text delete_transitions{"delete from transitions where task_id = :id", "t", ""};
    statement_text delete_dead_workers{"delete from workers where expires_at < :before and not exists "
                                       "(select 1 from tasks where worker_id = workers.id and worker_id is not null)",
                                       "i", ""};

    // ---- schema
    statement_text create_version_table{"create table if not exists schema_version (version integer not null primary key)", "", ""};
    statement_text schema_version{"select max(version) from schema_version", "", "i"};
    statement_text insert_version{"insert into schema_version (version) values (:version)", "i", ""};
};

} // namespace tasker::sql
