#pragma once

#include <tasker/model/graph.hpp>
#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/statements.hpp>
#include <tasker/store/store.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace tasker::sql {

/// The steps and edges of a workflow, without options; none when there is no such workflow.
inline graph load_shape(session& with, statements const& texts, workflow_id workflow)
{
    std::vector<step_definition> steps;
    query& step = with.get(texts.workflow_steps);
    for (bool more = step.run(workflow); more; more = step.next())
        steps.push_back({step.text()});
    std::vector<edge> edges;
    query& row = with.get(texts.workflow_edges);
    for (bool more = row.run(workflow); more; more = row.next()) {
        auto const parent = row.integer_as<step_no>();
        edges.push_back({parent, row.integer_as<step_no>()});
    }
    return {std::move(steps), std::move(edges)};
}

/// Finds one page of tasks within one transaction.
class task_finder {
public:
    task_finder(session& with, statements const& texts, task_filter const& filter, page const& wanted)
        : session_{with}, texts_{texts}, filter_{filter}, limit_{std::min(wanted.limit, page_limit_cap)},
          before_{wanted.before ? to_text(*wanted.before) : after_all_ids}
    {
    }

    std::vector<task_record> find()
    {
        if (filter_.identity_key)
            find_by_key();
        else if (names_a_workflow())
            for (workflow_id const workflow : workflows()) // an index each: no sort of what is not shown
                find_page(workflow);
        else
            find_page({});
        std::sort(found_.begin(), found_.end(), [](auto const& a, auto const& b) { return a.id > b.id; });
        found_.resize(std::min(found_.size(), limit_));
        return std::move(found_);
    }

private:
    static constexpr char after_all_ids[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

    bool names_a_workflow() const { return filter_.name_space || filter_.name || filter_.version; }

    std::vector<workflow_id> workflows()
    {
        std::vector<workflow_id> fitting;
        query& row = session_.get(texts_.all_workflows);
        for (bool more = row.run(); more; more = row.next()) {
            workflow_id const id = row.integer();
            bool fits = true;
            for (auto const* wanted : {&filter_.name_space, &filter_.name, &filter_.version}) {
                auto const present = row.text();
                fits = fits && wanted->value_or(present) == present;
            }
            if (fits)
                fitting.push_back(id);
        }
        return fitting;
    }

    void find_by_key()
    {
        query& row = session_.get(texts_.find_by_key);
        if (!row.run_once(*filter_.identity_key))
            return;
        task_record task = read_task(row);
        bool fits = (!filter_.state || *filter_.state == task.state) && to_text(task.id) < before_;
        if (names_a_workflow()) {
            auto const fitting = workflows();
            fits = fits && std::find(fitting.begin(), fitting.end(), task.workflow) != fitting.end();
        }
        if (fits)
            found_.push_back(std::move(task));
    }

    void find_page(std::optional<workflow_id> workflow)
    {
        auto const state = filter_.state ? std::optional{session_.of().in_state(*filter_.state)} : std::nullopt;
        query& row = session_.get(statements::find_page(workflow, state));
        auto const limit = static_cast<long long>(limit_);
        for (bool more = workflow ? row.run(before_, *workflow, limit) : row.run(before_, limit); more; more = row.next())
            found_.push_back(read_task(row));
    }

    session& session_;
    statements const& texts_;
    task_filter const& filter_;
    std::size_t limit_;
    std::string before_;
    std::vector<task_record> found_;
};

inline store_statistics count(session& with, statements const& texts, time_point now, time_point since)
{
    store_statistics counts;
    query& tasks = with.get(texts.count_tasks);
    for (bool more = tasks.run(since, since); more; more = tasks.next()) {
        auto const state = enumerator<task_state>(state_names, tasks.text());
        counts.tasks[state] = tasks.integer_as<std::size_t>();
        counts.created_since += tasks.integer_as<std::size_t>();
        counts.finished_since += tasks.integer_as<std::size_t>();
    }
    query& defined = with.get(texts.count_defined_steps);
    defined.run_once();
    auto unwritten = defined.integer_as<std::size_t>();
    query& steps = with.get(texts.count_steps);
    for (bool more = steps.run(); more; more = steps.next()) {
        auto const state = enumerator<step_state>(state_names, steps.text());
        auto const number = steps.integer_as<std::size_t>();
        auto const checkpoints = steps.integer_as<std::size_t>();
        counts.steps[state] = number;
        unwritten -= std::min(unwritten, number - checkpoints);
    }
    if (unwritten != 0)
        counts.steps[step_state::pending] += unwritten;
    query& errors = with.get(texts.count_errors);
    for (bool more = errors.run(now); more; more = errors.next()) {
        bool const is_final = errors.integer() != 0;
        auto const in_backoff = errors.integer_as<std::size_t>();
        (is_final ? counts.exhausted_errors : counts.retryable_errors) = errors.integer_as<std::size_t>();
        if (!is_final)
            counts.in_backoff = in_backoff;
    }
    return counts;
}

} // namespace tasker::sql
