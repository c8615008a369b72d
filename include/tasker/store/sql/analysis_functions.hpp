#pragma once

#include <tasker/store/sql/analysis_of_store.hpp>
#include <tasker/store/sql/analysis_of_tasks.hpp>

#include <string>
#include <string_view>
#include <vector>

/// The analysis as functions of a PostgreSQL schema.
namespace tasker::sql {

/// All questions that one body answers.
inline std::vector<analysis_operation> analysis_operations(analysis_form form)
{
    return {step_readiness_operation(form), execution_context_operation(form), analytics_operation(form),
            slowest_steps_operation(form),  slowest_tasks_operation(form),     health_counts_operation(form)};
}

inline std::string argument_type(analysis_argument const& argument)
{
    return std::string{column_type(argument.kind)} + (argument.kind == column_kind::id ? "[]" : "");
}

/// A text of PostgreSQL that holds `promise`.
inline std::string comment_on(std::string const& function, std::string_view promise)
{
    std::string text;
    for (char const c : promise)
        text.append(c == '\'' ? 2 : 1, c);
    return "comment on function " + function + " is '" + text + "'";
}

/// What a stored function makes of a column of its body.
inline std::string readable(analysis_column const& column, std::string const& of)
{
    switch (column.kind) {
    case column_kind::flag: return "(" + of + " <> 0)";
    case column_kind::instant: return "time_of(" + of + ")";
    case column_kind::length: return "length_of(" + of + ")";
    case column_kind::decimal: return "round(" + of + " / 100.0, 2)";
    case column_kind::integer:
    case column_kind::text:
    case column_kind::id: break;
    }
    return of;
}

/// The body's number again, from a column of a stored function.
inline std::string countable(analysis_column const& column)
{
    std::string const name{column.name};
    switch (column.kind) {
    case column_kind::flag: return "cast(" + name + " as integer)";
    case column_kind::instant:
    case column_kind::length: return "micros_of(" + name + ")";
    case column_kind::decimal: return "cast(" + name + " * 100 as bigint)";
    case column_kind::integer:
    case column_kind::text:
    case column_kind::id: break;
    }
    return name;
}

/// Calls the function of the operation from our side.
inline std::string call_text(analysis_operation const& of)
{
    auto const cast = [](analysis_argument const& argument) {
        bool const is_instant = argument.kind == column_kind::instant;
        std::string const number = "cast(:" + std::string{argument.name} + " as " +
                                   (is_instant ? std::string{"bigint"} : argument_type(argument)) + ")";
        return is_instant ? "time_of(" + number + ")" : number;
    };
    return "select " + listed(of.columns, countable) + " from " + std::string{of.name} + "(" + listed(of.arguments, cast) + ")";
}

namespace stored {

/// `step_readiness(uuid[], timestamptz)`
inline std::string signature(analysis_operation const& of)
{
    return std::string{of.name} + "(" + listed(of.arguments, argument_type) + ")";
}

/// Its names are looked up now, whatever the search path of its callers, and its body becomes part of their queries: it is
/// planned for their very arguments.
inline std::string create_function(analysis_operation const& of)
{
    auto const declare = [](analysis_argument const& argument) {
        return std::string{argument.name} + " " + argument_type(argument) +
               (argument.otherwise.empty() ? "" : " default " + std::string{argument.otherwise});
    };
    auto const result = [](analysis_column const& column) {
        return std::string{column.name} + " " + std::string{column_type(column.kind)};
    };
    return "create or replace function " + std::string{of.name} + "(" + listed(of.arguments, declare) + ")\nreturns table (" +
           listed(of.columns, result) + ")\nlanguage sql stable\nbegin atomic\n" + whole_query(of, readable) + ";\nend";
}

/// Between the tables' microseconds and PostgreSQL's own types. Times that no timestamp can spell, and those after the year
/// 9999, are infinite. Nothing here depends on the session's time zone: `epoch` is UTC, and these intervals hold no days.
/// In seconds first, because intervals are multiplied as floating-point numbers.
inline std::vector<std::string> time_functions()
{
    return {
        R"(create or replace function time_of(micros bigint) returns timestamptz language sql stable as $$
select case when micros >= 253402300800000000 then timestamptz 'infinity'
 when micros < -210866803200000000 then timestamptz '-infinity'
 else timestamptz 'epoch' + micros / 1000000 * interval '1 second' + micros % 1000000 * interval '1 microsecond' end
$$)",
        comment_on("time_of(bigint)", "The instant of a time in the tables, which is in microseconds since 1970, UTC."),
        R"(create or replace function micros_of(instant timestamptz) returns bigint language sql stable as $$
select case when isfinite(instant) then cast(extract(epoch from instant) * 1000000 as bigint)
 when instant = 'infinity' then 9223372036854775807 when instant = '-infinity' then -9223372036854775807 end
$$)",
        comment_on("micros_of(timestamptz)", "The instant as the tables hold it, in microseconds since 1970, UTC."),
        R"(create or replace function length_of(micros bigint) returns interval language sql immutable as $$
select micros * interval '1 microsecond'
$$)",
        comment_on("length_of(bigint)", "The length of a time that is given in microseconds."),
        R"(create or replace function micros_of(length interval) returns bigint language sql immutable as $$
select cast(extract(epoch from length) * 1000000 as bigint)
$$)",
        comment_on("micros_of(interval)", "The length in microseconds."),
    };
}

/// Each edge is followed once, whatever the number of paths (Kahn, 1962): `missing` counts the parents of a step that have
/// no level yet, `reached` lists the steps that have one, each after its parents.
inline std::vector<std::string> dependency_levels_function()
{
    return {
        R"(create or replace function dependency_levels(workflow bigint) returns table (step_no bigint, name text, level bigint)
language plpgsql stable set search_path from current as $$
#variable_conflict use_column
declare
  missing bigint[]; levels bigint[]; reached bigint[]; next_free integer = 1; step bigint; child bigint;
begin
  select array_agg(coalesce(parents.number, 0) order by defined.step_no), array_agg(cast(0 as bigint))
  into missing, levels
  from workflow_steps as defined
  left join (select child_no, count(*) as number from workflow_edges where workflow_id = workflow group by child_no) as parents
  on parents.child_no = defined.step_no where defined.workflow_id = workflow;
  for at in 1 .. coalesce(array_length(missing, 1), 0) loop
    if missing[at] = 0 then reached[next_free] = at - 1; next_free = next_free + 1; end if;
  end loop;
  for at in 1 .. coalesce(array_length(missing, 1), 0) loop
    step = reached[at];
    for child in select child_no from workflow_edges where workflow_id = workflow and parent_no = step loop
      levels[child + 1] = greatest(levels[child + 1], levels[step + 1] + 1);
      missing[child + 1] = missing[child + 1] - 1;
      if missing[child + 1] = 0 then reached[next_free] = child; next_free = next_free + 1; end if;
    end loop;
  end loop;
  return query select defined.step_no, cast(defined.name as text), levels[defined.step_no + 1] from workflow_steps as defined
  where defined.workflow_id = workflow order by defined.step_no;
end
$$)",
        comment_on("dependency_levels(bigint)",
                   "How far each step of the workflow is from the roots, on the longest path; 0 for roots."),
    };
}

} // namespace stored

/// What makes the functions, in PostgreSQL's words (14 or newer): for a migration, in a session whose search path begins
/// with the schema. They hold on to the tables: a migration that replaces a table runs these again.
inline std::vector<std::string> analysis_functions()
{
    std::vector<std::string> texts = stored::time_functions();
    for (std::string& text : stored::dependency_levels_function())
        texts.push_back(std::move(text));
    for (analysis_operation const& of : analysis_operations(analysis_form::stored_function)) {
        texts.push_back(stored::create_function(of));
        texts.push_back(comment_on(stored::signature(of), of.promise));
    }
    return texts;
}

} // namespace tasker::sql
