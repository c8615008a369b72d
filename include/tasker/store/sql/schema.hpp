#pragma once

#include <tasker/model/states.hpp>
#include <tasker/store/sql/dialect.hpp>
#include <tasker/store/sql/statements.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace tasker::sql {

/// One step of the schema's history: it brings a database from `version - 1` to `version`. Never changed once released, and
/// nothing is as yet.
struct migration {
    int version = 0;
    std::vector<std::string> sql;
};

/// A text that is one of some names. Where there are domains, the condition belongs to one: PostgreSQL reads that of a column
/// anew for every statement that writes it, which took a seventh of a small commit.
struct enumeration {
    std::string_view domain;
    std::vector<std::string_view> names;

    std::string column(schema_words const& is, std::string const& name) const
    {
        if (is.has_domains)
            return name + " " + std::string{domain};
        return name + " " + std::string{is.text} + " check (" + name + " is null or " + one_of(name, names) + ")";
    }

    std::string create_domain(schema_words const& is) const
    {
        return "create domain " + std::string{domain} + " as " + std::string{is.text} + " check (" + one_of("value", names) + ")";
    }
};

inline enumeration const states{"state_name", {state_names.begin(), state_names.end()}};
inline enumeration const former_states = [] { // not of `states`, which may be initialised later
    enumeration all{"former_state_name", {""}};
    all.names.insert(all.names.end(), state_names.begin(), state_names.end());
    return all;
}();
inline enumeration const commands{"command_name", {command_names.begin(), command_names.end()}};
inline enumeration const failures{"failure_name", {failure_names.begin(), failure_names.end()}};

inline std::vector<std::string> definition_tables(schema_words const& is)
{
    std::string const integer{is.integer};
    std::string const text{is.text};
    std::string const clustered{is.clustered};
    return {
        "create table workflows (id " + std::string{is.serial_key} + ", name_space " + text + " not null, name " + text +
            " not null, version " + text + " not null, unique (name_space, name, version))",
        "create table workflow_steps (workflow_id " + integer + " not null, step_no " + integer + " not null, name " + text +
            " not null, max_attempts " + integer + " not null, retryable " + integer +
            " not null, primary key (workflow_id, step_no))" + clustered,
        "create table workflow_edges (workflow_id " + integer + " not null, parent_no " + integer + " not null, child_no " +
            integer + " not null, primary key (workflow_id, parent_no, child_no))" + clustered,
    };
}

inline std::string tasks_table(schema_words const& is)
{
    std::string const integer{is.integer};
    std::string const text{is.text};
    std::string const id{is.id};
    return "create table tasks (id " + id + " not null primary key, workflow_id " + integer + " not null, " +
           states.column(is, "state") + " not null, input " + text + " not null, priority " + integer +
           " not null, identity_key " + text + " not null unique, initiator " + text + " not null, source_system " + text +
           " not null, reason " + text + " not null, created_at " + integer + " not null, started_at " + integer +
           ", finished_at " + integer + ", wake_at " + integer + ", status_reason " + text + " not null, worker_id " + id +
           ", epoch " + integer + " not null, recoveries " + integer + " not null, " +
           commands.column(is, "request_kind") + ", request_step " + text + ", request_result " + text + ", request_reason " + text + ")";
}

inline std::string steps_table(schema_words const& is)
{
    std::string const integer{is.integer};
    std::string const text{is.text};
    return "create table steps (task_id " + std::string{is.id} + " not null, step_no " + integer + " not null, " +
           states.column(is, "state") + " not null, attempts " + integer + " not null, backoff_request " +
           integer + ", started_at " + integer + ", finished_at " + integer + ", next_retry_at " + integer + ", result " +
           text + " not null, " + failures.column(is, "failure_kind") + ", failure_what " + text + ", failure_type " + text +
           ", primary key (task_id, step_no))" + std::string{is.clustered};
}

inline std::string transitions_table(schema_words const& is)
{
    std::string const integer{is.integer};
    std::string const text{is.text};
    return "create table transitions (task_id " + std::string{is.id} + " not null, sequence " + integer +
           " not null, step_no " + integer + ", " + former_states.column(is, "from_state") + " not null, " +
           states.column(is, "to_state") + " not null, at " + integer + " not null, attempt " + integer + " not null, detail " + text +
           " not null, primary key (task_id, sequence))" + std::string{is.clustered};
}

inline std::string workers_table(schema_words const& is)
{
    std::string const integer{is.integer};
    return "create table workers (id " + std::string{is.id} + " not null primary key, expires_at " + integer +
           " not null, host " + std::string{is.text} + " not null, process " + integer + " not null, process_started " +
           integer + " not null)" + std::string{is.clustered};
}

/// What claims, heartbeats and lists go by. Finished tasks stand in three of them alone: one that lists a workflow's
/// tasks, one for what ended in no success, one for purging.
inline std::vector<std::string> task_indexes()
{
    std::string const unowned = " where worker_id is null and ";
    return {
        "create index tasks_due on tasks (workflow_id, priority desc, id)" + unowned + "wake_at is null and " + is_live(),
        "create index tasks_asleep on tasks (workflow_id, wake_at)" + unowned + "wake_at is not null and " + is_live(),
        "create index tasks_owned on tasks (worker_id, workflow_id, priority desc, id) where worker_id is not null",
        "create index tasks_requested on tasks (worker_id, workflow_id, priority desc, id) where request_kind is not null",
        "create index tasks_of_workflow on tasks (workflow_id, id)",
        "create index tasks_unusual on tasks (state, id) where " + std::string{is_unusual},
        "create index tasks_over on tasks (finished_at) where finished_at is not null and " + is_over(),
        "create index steps_failed on steps (task_id, step_no) where state = 'error'",
    };
}

/// Version 2: a batch is known again by its number, and a worker learns that tasks were taken from it.
inline std::vector<std::string> worker_columns(schema_words const& is)
{
    std::string const column = "alter table workers add column ";
    std::string const number = " " + std::string{is.integer} + " not null default 0";
    return {column + "batch" + number, column + "takeovers" + number};
}

/// Version 2: the steps whose task is there. A database may keep rows of purged tasks until it can drop many at once; there
/// this view knows, and all who count steps ask it.
inline constexpr char present_steps[] = "create view present_steps as select task_id, step_no, state from steps";

/// Version 3: checkpoints of workflows that are written as coroutines, and messages to tasks. `told` is null until the first
/// message comes, and does not change any more: so messages touch no index of `tasks`.
inline std::vector<std::string> mail_tables(schema_words const& is)
{
    std::string const integer{is.integer};
    std::string const text{is.text};
    std::string const id{is.id};
    return {
        "alter table tasks add column parent_id " + id,
        "alter table tasks add column mail " + integer,
        "alter table tasks add column told " + integer,
        "alter table steps add column name " + text, // after tasks, as commits lock them, lest the two wait for each other
        "alter table steps add column finish_order " + integer,
        "create table messages (task_id " + id + " not null, sequence " + integer + " not null, name " + text + " not null, body " + text +
            " not null, message_key " + text + ", taken " + integer + ", primary key (task_id, sequence))" + std::string{is.clustered},
        "create unique index messages_once on messages (task_id, message_key) where message_key is not null",
        "create index messages_waiting on messages (task_id, sequence) where taken is null",
        "create index tasks_told on tasks (worker_id, id) where told is not null",
    };
}

/// All versions of the schema, oldest first.
inline std::vector<migration> migrations(dialect const& of)
{
    schema_words const is = of.words();
    migration first{1, definition_tables(is)};
    if (is.has_domains)
        for (enumeration const* const one : {&states, &former_states, &commands, &failures})
            first.sql.push_back(one->create_domain(is));
    for (auto table : {tasks_table, steps_table, transitions_table, workers_table})
        first.sql.push_back(table(is));
    for (std::string& index : task_indexes())
        first.sql.push_back(std::move(index));
    migration second{2, worker_columns(is)};
    second.sql.emplace_back(present_steps);
    migration third{3, mail_tables(is)};
    migration fourth{4, {}};
    for (auto* const one : {&second, &third, &fourth}) {
        auto own = of.own_schema(one->version);
        std::move(own.begin(), own.end(), std::back_inserter(one->sql));
    }
    return {std::move(first), std::move(second), std::move(third), std::move(fourth)};
}

} // namespace tasker::sql
