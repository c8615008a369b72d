#include <tasker/plan/execution_context.hpp>
#include <tasker/plan/readiness.hpp>

#include "support/analysed_store.hpp"
#include "support/step_records.hpp"

#include <chrono>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using steps::noon;
using support::analysed_bench;
using support::on_each_database;

namespace {

/// Graphs and states of their steps, also such as no engine would write: the databases and `plan/` must agree on all.
class random_source {
public:
    explicit random_source(std::uint64_t seed) : random_{seed} {}

    std::size_t below(std::size_t limit) { return random_() % limit; }

    template <class Value>
    Value pick(std::initializer_list<Value> from)
    {
        return from.begin()[below(from.size())];
    }

    /// Children may be declared before their parents.
    graph make_graph()
    {
        std::size_t const size = below(9);
        std::vector<step_definition> definitions;
        for (std::size_t at = 0; at < size; ++at)
            definitions.push_back({"step \"" + std::to_string(at) + "' \xc3\xb6", {.retry = make_policy()}});
        std::vector<step_no> order(size);
        std::iota(order.begin(), order.end(), 0U);
        for (std::size_t at = size; at > 1; --at)
            std::swap(order[at - 1], order[below(at)]);
        std::vector<edge> edges;
        for (std::size_t count = size < 2 ? 0 : below(2 * size); count > 0; --count) {
            auto const child = 1 + below(size - 1);
            edges.push_back({order[below(child)], order[child]});
        }
        return {std::move(definitions), std::move(edges)};
    }

    std::vector<step_record> make_records(std::size_t size)
    {
        bool const mostly_done = below(2) == 0;
        std::vector<step_record> records;
        for (std::size_t at = 0; at < size; ++at)
            records.push_back(below(4) == 0 ? step_record{} : make_record(mostly_done && below(3) != 0));
        return records;
    }

private:
    retry_policy make_policy()
    {
        retry_policy policy;
        policy.max_attempts = pick({1, 2, 3, 10, std::numeric_limits<int>::max()});
        policy.retryable = below(4) != 0;
        return policy;
    }

    step_record make_record(bool done)
    {
        step_record record;
        record.state = done ? pick({step_state::complete, step_state::resolved_manually})
                            : static_cast<step_state>(below(state_names.size()));
        record.attempts = pick({0, 1, 2, 3, 9, 10, 44, 63, std::numeric_limits<int>::max()});
        record.started_at = make_time();
        record.finished_at = make_time();
        record.next_retry_at = make_time();
        if (below(3) != 0)
            record.last_failure = failure{static_cast<failure_kind>(below(failure_names.size())), "it's broken", "x"};
        return record;
    }

    std::optional<time_point> make_time()
    {
        if (below(3) == 0)
            return std::nullopt;
        return noon + pick<duration>({-24h, -1us, 0us, 1us, 999'999us, 24h, std::chrono::days{36'525}});
    }

    std::mt19937_64 random_;
};

std::vector<step_readiness_row> expected_rows(task_id task, std::vector<step_readiness> const& pure)
{
    std::vector<step_readiness_row> rows;
    for (step_readiness const& from : pure)
        rows.push_back({task, from.step, from.name, from.state, from.total_parents, from.completed_parents,
                        from.dependencies_satisfied, from.dependency_text(), from.attempts, from.max_attempts,
                        from.retry_eligible, from.last_failure_at, from.next_retry_at, from.ready,
                        std::string{name(from.reason)}});
    return rows;
}

execution_context_row expected_context(task_id task, execution_context const& pure)
{
    return {task, pure.total_steps, pure.pending_steps, pure.in_progress_steps, pure.completed_steps, pure.failed_steps,
            pure.cancelled_steps, pure.ready_steps, pure.waiting_steps, pure.completion_percentage,
            std::string{name(pure.status)}, std::string{name(pure.action)}, std::string{name(pure.health)}};
}

std::string spelled(step_readiness_row const& row)
{
    auto const at = [](std::optional<time_point> const& time) { return time ? to_text(*time) : "never"; };
    return row.name + ' ' + std::string{name(row.state)} + ' ' + row.dependency_text + " attempts " +
           std::to_string(row.attempts) + '/' + std::to_string(row.max_attempts) + (row.retry_eligible ? " eligible" : "") +
           " failed " + at(row.last_failure_at) + " next " + at(row.next_retry_at) + ' ' + row.reason;
}

std::string spelled(execution_context_row const& row)
{
    return row.status + ' ' + row.action + ' ' + row.health + " done " + std::to_string(row.completed_steps) + '/' +
           std::to_string(row.total_steps) + " ready " + std::to_string(row.ready_steps) + " waiting " +
           std::to_string(row.waiting_steps) + ' ' + std::to_string(row.completion_percentage) + " %";
}

template <class Row>
void check_same(std::vector<Row> const& told, std::vector<Row> const& expected)
{
    REQUIRE(told.size() == expected.size());
    for (std::size_t at = 0; at < told.size(); ++at) {
        INFO("told " << spelled(told[at]) << "\nbut is " << spelled(expected[at]));
        CHECK((told[at] == expected[at]));
    }
}

/// What a workflow written as a coroutine left behind: steps that bear their names, and edges between none.
graph checkpoints(std::vector<step_record>& records)
{
    std::vector<step_definition> steps;
    for (std::size_t no = 0; no < records.size(); ++no) {
        records[no].name = "send[" + std::to_string(no) + ']';
        steps.push_back({records[no].name, {}});
    }
    return {std::move(steps), {}};
}

/// What all tasks of a test come to, counted purely.
class tally {
public:
    void add(graph const& shape, std::vector<step_record> const& records)
    {
        ++expected_.total_tasks;
        expected_.total_steps += shape.size();
        for (step_no no = 0; no < shape.size(); ++no) {
            step_record const& record = records[no];
            ++expected_.steps[record.state];
            if (record.state != step_state::error)
                continue;
            bool const may = may_retry(record, shape.step(no).options.retry);
            ++(may ? expected_.retryable_errors : expected_.exhausted_errors);
            expected_.in_backoff += may && record.next_retry_at && *record.next_retry_at > noon ? 1 : 0;
        }
    }

    void check(store_health const& told) const
    {
        CHECK(told.total_tasks == expected_.total_tasks);
        CHECK(told.total_steps == expected_.total_steps);
        for (auto const& [state, count] : expected_.steps) {
            CAPTURE(state);
            CHECK(told.steps.at(state) == count);
        }
        check_failures(told);
    }

    void check(store_statistics const& told) const
    {
        CHECK(told.steps == expected_.steps);
        check_failures(told);
    }

private:
    template <class Counts>
    void check_failures(Counts const& told) const
    {
        CHECK(told.retryable_errors == expected_.retryable_errors);
        CHECK(told.exhausted_errors == expected_.exhausted_errors);
        CHECK(told.in_backoff == expected_.in_backoff);
    }

    store_health expected_;
};

} // namespace

TEST_CASE("the databases answer as the pure layer does, in 600 tasks of 200 random graphs, a third of which grew as they ran "
          "[D01][D15][D19][D20][D22][D29][D30][E01][E03][E04][E06][E07][E08][E09][E10][E11]",
          "[property]")
{
    on_each_database([](analysed_bench& on) {
        tally counted;
        workflow_id const grown = on.add(graph{}, "coroutine");
        std::vector<task_id> tasks;
        std::vector<step_readiness_row> all_rows;
        std::vector<execution_context_row> all_contexts;
        for (std::uint64_t seed = 1; seed <= 200; ++seed) {
            CAPTURE(seed);
            random_source random{seed};
            graph const shape = random.make_graph();
            workflow_id const workflow = on.add(shape, "flow-" + std::to_string(seed));
            for (auto const& [step, name, level] : on->dependency_levels(workflow))
                CHECK(level == shape.level(step));
            for (int count = 0; count < 3; ++count) {
                bool const is_declared = count < 2;
                auto records = random.make_records(shape.size());
                graph const own = is_declared ? shape : checkpoints(records);
                task_id const task = on.put(is_declared ? workflow : grown, records);
                auto const pure = assess_all(own, records, noon);
                auto const rows = expected_rows(task, pure);
                check_same(on.readiness(task, noon), rows);
                check_same({on.context(task, noon)}, std::vector{expected_context(task, summarize(pure))});
                counted.add(own, records);
                tasks.push_back(task);
                all_rows.insert(all_rows.end(), rows.begin(), rows.end());
                all_contexts.push_back(expected_context(task, summarize(pure)));
            }
        }
        check_same(on->step_readiness(tasks, noon), all_rows);
        check_same(on->task_execution_context(tasks, noon), all_contexts);
        counted.check(on->system_health_counts(noon));
        counted.check(on->statistics(noon, noon));
    });
}
