#pragma once

#include <tasker/model/records.hpp>
#include <tasker/policy/retry_policy.hpp>
#include <tasker/store/analysis_rows.hpp>
#include <tasker/store/sql/analysis_operation.hpp>
#include <tasker/store/sql/postgres_storage.hpp>
#include <tasker/store/sql/statements.hpp>

#include <string>
#include <string_view>

/// What the bodies of the analysis are put together from.
namespace tasker::sql::fragment {

/// `'pending'`
template <class State>
std::string quoted(State state)
{
    return "'" + std::string{name(state)} + "'";
}

/// The arguments under the names of their columns, in one row: so that no parameter's name occurs twice.
inline std::string given(analysis_form form, std::initializer_list<std::string_view> instants)
{
    auto const as_number = [&](std::string_view name) {
        std::string const text{name};
        return (form == analysis_form::plain_statement ? ":" + text : "micros_of(" + text + ")") + " as " + text;
    };
    return "given as (select " + listed(instants, as_number) + ")";
}

/// The ids of the tasks asked for, each once.
inline std::string asked(analysis_form form)
{
    return form == analysis_form::plain_statement ? "asked as (select distinct value as id from json_each(:tasks))"
                                                  : "asked as (select distinct unnest(tasks) as id)";
}

/// How many rows at most; a plain statement's caller sees to the cap himself.
inline std::string at_most(analysis_form form)
{
    return form == analysis_form::plain_statement
               ? ":at_most"
               : "least(greatest(at_most, 0), " + std::to_string(slowest_limit_cap) + ")";
}

/// The tasks that are live or have finished since `since`: two look-ups, however many finished before. Whatever was
/// created, or had a step finish, since then is among them. A function names its argument, so that the planner sees how
/// far back it lies.
inline std::string recent(analysis_form form)
{
    bool const is_plain = form == analysis_form::plain_statement;
    std::string const columns = "select id, workflow_id, state, created_at, started_at, finished_at from tasks where ";
    std::string const live = is_plain ? is_live() + " and " + std::string{is_unusual} : std::string{is_live_on_postgres};
    std::string const since = is_plain ? "(select since from given)" : "micros_of(since)";
    return "recent as (" + columns + live + "\nunion all " + columns + "finished_at >= " + since +
           " and finished_at is not null and " + (is_plain ? is_over() : std::string{is_over_on_postgres}) + ")";
}

/// 1 when the step may run again after the failure that its row tells of, as `may_retry` says; else 0. `steps` is its row,
/// `defined` its definition, each of which may be missing.
inline std::string may_retry()
{
    return "case when steps.failure_kind = " + quoted(failure_kind::abandoned) +
           " then 1\n when steps.failure_kind = " + quoted(failure_kind::permanent) +
           " then 0\n when coalesce(steps.attempts, 0) = 0 then 1\n"
           " when coalesce(defined.retryable, 1) <> 0 and steps.attempts < coalesce(defined.max_attempts, " +
           std::to_string(retry_policy{}.max_attempts) + ") then 1\n else 0 end";
}

/// 1 when a step in this state lets its children start.
inline std::string satisfies_children(std::string const& state)
{
    return "case when " + state + " = " + quoted(step_state::complete) + " or " + state + " = " +
           quoted(step_state::resolved_manually) + " then 1 else 0 end";
}

/// Hundredths of a percent, rounded half up; 0 of nothing is 0.
inline std::string percentage(std::string const& part, std::string const& whole)
{
    return "case when " + whole + " = 0 then 0 else (20000 * " + part + " + " + whole + ") / (2 * " + whole + ") end";
}

/// Hundredths of `number` an hour, over the time from `given.since` to `given.now`. Not in whole numbers: either may be
/// as far away as a number goes.
inline std::string an_hour(std::string const& number)
{
    return "case when given.now > given.since then cast(round(360000000000.0 * " + number +
           " / (1.0 * given.now - given.since)) as bigint) else 0 end";
}

} // namespace tasker::sql::fragment
