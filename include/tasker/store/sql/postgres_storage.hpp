#pragma once

#include <tasker/store/sql/statements.hpp>

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

/// How the tables lie in PostgreSQL: what makes hot rows cheap to change and finished ones cheap to have.
namespace tasker::sql {

/// An update that changes no indexed column and finds room in the row's own page touches no index (HOT). So `state`, which
/// changes most, is in no index; `ended_as` is in its place: the state of a finished task, null as long as it lives.
inline constexpr std::string_view ended_as_column =
    "alter table tasks add column ended_as text collate \"C\" generated always as (case when $live$ then null else state end) stored";

/// The task is not finished, or is, in the words of the partial indexes.
inline constexpr std::string_view is_live_on_postgres = "ended_as is null";
inline constexpr std::string_view is_over_on_postgres = "ended_as is not null";

/// The order names `ended_as`, which is the same in all that fit, lest a planner who takes live tasks to be as many among
/// the newest as among all looks for them one by one in the primary key.
inline state_listing listing_of(task_state state)
{
    std::string_view const word = name(state);
    if (state == task_state::complete)
        return {one_of("state", {&word, 1}), "id desc"};
    return {is_finished(state) ? one_of("ended_as", {&word, 1}) : one_of("state", {&word, 1}) + " and ended_as is null",
            "ended_as desc, id desc"};
}

/// What every function is planned with: once a session, for any arguments, and never by reading a table whole, however
/// small it seemed then. A plan outlives the table's first million rows, and nobody may have analyzed it before. Nor is it
/// compiled, which takes a second, whatever the session says.
inline constexpr std::string_view planned_by_index[] = {
    "plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_bitmapscan = off",
    "enable_hashjoin = off", "enable_mergejoin = off", "jit = off",
};

/// The same in a function's head.
inline std::string by_index()
{
    std::string text;
    for (std::string_view const setting : planned_by_index)
        text.append(text.empty() ? "set " : " set ").append(setting);
    return text;
}

/// The indexes that take the place of those of version 1 that name `state`. Lists by state hold the workflow, too, so that
/// one workflow's few rows are found without a look at the others' tasks.
inline constexpr std::string_view postgres_indexes[] = {
    "drop index tasks_due",
    "create index tasks_due on tasks (workflow_id, priority desc, id) where worker_id is null and wake_at is null and ended_as is null",
    "drop index tasks_asleep",
    "create index tasks_asleep on tasks (workflow_id, wake_at) where worker_id is null and wake_at is not null and ended_as is null",
    "drop index tasks_unusual",
    "create index tasks_unusual on tasks (ended_as, id, workflow_id) where ended_as is null or ended_as <> 'complete'",
    "drop index tasks_over",
    "create index tasks_over on tasks (finished_at) where finished_at is not null and ended_as is not null",
    "drop index steps_failed", // whoever counts failed steps counts all the others beside them
};

// Room for the next version of most rows beside the present one. Measured with 40,000 tasks of three steps, against full
// pages and the indexes of version 1: a tenth less time and a twelfth less WAL a commit, for 1 % more disk. With yet more
// room left there are more HOT updates, but disk is all that grows.
//
// Vacuumed by numbers of rows rather than by parts of the table: a fifth of ten million finished rows is too late for those
// few that every claim reads.
inline constexpr std::string_view tasks_storage =
    "fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000, "
    "autovacuum_vacuum_cost_limit = 2000, autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000";
inline constexpr std::string_view steps_storage =
    "fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000, "
    "autovacuum_vacuum_cost_limit = 2000, autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 1000";
/// One row a worker, written at each of its commits: all its versions should stay in one page.
inline constexpr std::string_view workers_storage =
    "fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000";

/// LZ4 reads and writes large inputs and results several times as fast as the default; a server may be built without it.
inline constexpr std::string_view lz4_columns =
    "do $do$ begin alter table tasks alter column input set compression lz4; "
    "alter table steps alter column result set compression lz4; "
    "exception when feature_not_supported then null; end $do$";

inline std::string set_storage(std::string_view table, std::string_view settings)
{
    return std::string{"alter table "}.append(table).append(" set (").append(settings).append(")");
}

/// All but the settings of `steps` and `transitions`, which may be partitioned (see `lay_out`).
inline std::vector<std::string> postgres_storage()
{
    std::vector<std::string> sql{std::string{ended_as_column}};
    sql.insert(sql.end(), std::begin(postgres_indexes), std::end(postgres_indexes));
    sql.push_back(set_storage("tasks", tasks_storage));
    sql.push_back(set_storage("workers", workers_storage));
    sql.emplace_back(lz4_columns);
    return sql;
}

} // namespace tasker::sql
