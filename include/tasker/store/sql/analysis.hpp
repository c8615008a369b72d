#pragma once

#include <tasker/model/graph.hpp>
#include <tasker/store/analysis_rows.hpp>
#include <tasker/store/sql/analysis_functions.hpp>
#include <tasker/store/sql/lookup.hpp>
#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/sql/session_pool.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tasker::sql {

/// The texts of the analysis in one form.
struct analysis_texts {
    explicit analysis_texts(analysis_form chosen)
        : form{chosen}, step_readiness{text_of(step_readiness_operation(chosen))},
          execution_context{text_of(execution_context_operation(chosen))}, analytics{text_of(analytics_operation(chosen))},
          slowest_steps{text_of(slowest_steps_operation(chosen))}, slowest_tasks{text_of(slowest_tasks_operation(chosen))},
          health_counts{text_of(health_counts_operation(chosen))}
    {
    }

    analysis_form form;
    statement_text step_readiness;
    statement_text execution_context;
    statement_text analytics;
    statement_text slowest_steps;
    statement_text slowest_tasks;
    statement_text health_counts;
    statement_text dependency_levels{"select step_no, name, level from dependency_levels(cast(:workflow as bigint))", "i", "iti"};

private:
    statement_text text_of(analysis_operation const& of) const
    {
        auto const as_it_is = [](analysis_column const&, std::string const& column) { return column; };
        return {form == analysis_form::stored_function ? call_text(of) : whole_query(of, as_it_is), parameter_types(of),
                column_types(of)};
    }
};

namespace answer {

inline double decimal(query& row) { return static_cast<double>(row.integer()) / 100.0; }

inline step_readiness_row read_readiness(query& row)
{
    step_readiness_row step;
    step.task = row.id<task_id>();
    step.step = row.integer_as<step_no>();
    step.name = row.text();
    step.state = enumerator<step_state>(state_names, row.text());
    step.total_parents = row.integer_as<std::size_t>();
    step.completed_parents = row.integer_as<std::size_t>();
    step.dependencies_satisfied = row.integer() != 0;
    step.dependency_text = row.text();
    step.attempts = row.integer_as<int>();
    step.max_attempts = row.integer_as<int>();
    step.retry_eligible = row.integer() != 0;
    step.last_failure_at = row.optional_time<time_point>();
    step.next_retry_at = row.optional_time<time_point>();
    step.ready = row.integer() != 0;
    step.reason = row.text();
    return step;
}

inline execution_context_row read_context(query& row)
{
    execution_context_row task;
    task.task = row.id<task_id>();
    for (auto count : {&execution_context_row::total_steps, &execution_context_row::pending_steps,
                       &execution_context_row::in_progress_steps, &execution_context_row::completed_steps,
                       &execution_context_row::failed_steps, &execution_context_row::cancelled_steps,
                       &execution_context_row::ready_steps, &execution_context_row::waiting_steps})
        task.*count = row.integer_as<std::size_t>();
    task.completion_percentage = decimal(row);
    task.status = row.text();
    task.action = row.text();
    task.health = row.text();
    return task;
}

inline step_level read_level(query& row)
{
    step_level step;
    step.step = row.integer_as<step_no>();
    step.name = row.text();
    step.level = row.integer_as<std::size_t>();
    return step;
}

inline store_activity read_analytics(query& row)
{
    store_activity metrics;
    for (auto count : {&store_activity::namespaces, &store_activity::workflows, &store_activity::active_tasks,
                       &store_activity::tasks_created, &store_activity::tasks_finished,
                       &store_activity::tasks_completed, &store_activity::tasks_failed,
                       &store_activity::steps_completed, &store_activity::steps_failed})
        metrics.*count = row.integer_as<std::size_t>();
    for (auto rate : {&store_activity::completion_rate, &store_activity::error_rate, &store_activity::tasks_per_hour,
                      &store_activity::steps_per_hour})
        metrics.*rate = decimal(row);
    metrics.average_task_duration = row.optional_time<duration>();
    metrics.average_step_duration = row.optional_time<duration>();
    return metrics;
}

/// The columns in which slow steps and slow tasks are alike.
template <class Slow>
void read_rest(query& row, Slow& slow)
{
    slow.name_space = row.text();
    slow.name = row.text();
    slow.version = row.text();
    slow.attempts = row.integer_as<decltype(slow.attempts)>();
    slow.started_at = row.time();
    slow.finished_at = row.time();
    slow.took = duration{row.integer()};
}

inline slow_step read_slow_step(query& row)
{
    slow_step slow;
    slow.task = row.id<task_id>();
    slow.step = row.integer_as<step_no>();
    slow.step_name = row.text();
    read_rest(row, slow);
    return slow;
}

inline slow_task read_slow_task(query& row)
{
    slow_task slow;
    slow.task = row.id<task_id>();
    read_rest(row, slow);
    return slow;
}

inline store_health read_health(query& row)
{
    store_health counts;
    auto const number = [&] { return row.integer_as<std::size_t>(); };
    auto const optional_number = [&] {
        return part_of(row.optional_integer(), [](std::int64_t value) { return static_cast<std::size_t>(value); });
    };
    counts.total_tasks = number();
    for (std::size_t at = 0; at < state_names.size(); ++at)
        counts.tasks[static_cast<task_state>(at)] = number();
    counts.total_steps = number();
    for (std::size_t at = 0; at < state_names.size(); ++at)
        counts.steps[static_cast<step_state>(at)] = number();
    counts.retryable_errors = number();
    counts.exhausted_errors = number();
    counts.in_backoff = number();
    counts.active_connections = optional_number();
    counts.max_connections = optional_number();
    return counts;
}

} // namespace answer

/// Answers questions about tasks and about the store, and changes nothing. Both forms answer the same, and the same as
/// `plan/`. Lifetime: no longer than the sessions. Thread safety: as the sessions'.
class analysis {
public:
    analysis(session_pool& sessions, analysis_form form) : sessions_{&sessions}, texts_{form} {}

    /// The steps of these tasks as they are at `now`, by task and step; none of a task that does not exist.
    std::vector<step_readiness_row> step_readiness(std::span<task_id const> tasks, time_point now)
    {
        return ask(texts_.step_readiness, answer::read_readiness, list(tasks), now);
    }

    /// These tasks as they are at `now`, in order of their ids; none for one that does not exist.
    std::vector<execution_context_row> task_execution_context(std::span<task_id const> tasks, time_point now)
    {
        return ask(texts_.execution_context, answer::read_context, list(tasks), now);
    }

    /// The steps of a workflow in order, each with its level; none when there is no such workflow.
    std::vector<step_level> dependency_levels(workflow_id workflow)
    {
        if (texts_.form == analysis_form::stored_function)
            return ask(texts_.dependency_levels, answer::read_level, workflow);
        return levels_of(sessions_->read([&](session& with) { return load_shape(with, statements_, workflow); }));
    }

    store_activity analytics_metrics(time_point since, time_point now)
    {
        return ask(texts_.analytics, answer::read_analytics, since, now).front();
    }

    /// The longest first; `limit` is cut to `slowest_limit_cap`.
    std::vector<slow_step> slowest_steps(time_point since, std::size_t limit)
    {
        return ask(texts_.slowest_steps, answer::read_slow_step, since, std::min(limit, slowest_limit_cap));
    }

    /// The longest first; `limit` is cut to `slowest_limit_cap`.
    std::vector<slow_task> slowest_tasks(time_point since, std::size_t limit)
    {
        return ask(texts_.slowest_tasks, answer::read_slow_task, since, std::min(limit, slowest_limit_cap));
    }

    store_health system_health_counts(time_point now) { return ask(texts_.health_counts, answer::read_health, now).front(); }

private:
    /// The rows of one statement, which sees one state of the database.
    template <class Row, class... Values>
    std::vector<Row> ask(statement_text const& text, Row (*read)(query&), Values const&... values)
    {
        return sessions_->use([&](session& with) {
            std::vector<Row> rows;
            query& row = with.get(text);
            for (bool more = row.run(values...); more; more = row.next())
                rows.push_back(read(row));
            return rows;
        });
    }

    /// As a list in the database's own words: `["..."]` or `{"..."}`.
    std::string list(std::span<task_id const> tasks) const
    {
        bool const is_json = texts_.form == analysis_form::plain_statement;
        auto const quoted = [](task_id task) { return '"' + to_text(task) + '"'; };
        return (is_json ? '[' : '{') + listed(tasks, quoted) + (is_json ? ']' : '}');
    }

    /// A database without functions of its own has the graph count: a query would follow paths.
    static std::vector<step_level> levels_of(graph const& shape)
    {
        std::vector<step_level> levels;
        for (step_no no = 0; no < shape.size(); ++no)
            levels.push_back({no, shape.step(no).name, shape.level(no)});
        return levels;
    }

    session_pool* sessions_;
    analysis_texts texts_;
    statements statements_;
};

} // namespace tasker::sql
