#include "support/analysed_store.hpp"
#include "support/step_records.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using namespace steps;
using support::analysed_bench;
using support::on_each_database;

namespace {

graph chain(std::size_t length)
{
    std::vector<std::string> names;
    steps::links edges;
    for (std::size_t at = 0; at < length; ++at) {
        names.push_back("step " + std::to_string(at));
        if (at > 0)
            edges.emplace_back(names[at - 1], names[at]);
    }
    return steps::graph_of(names, edges);
}

/// `rungs` pairs of steps, each step below both of the pair above it: 2 to the power of `rungs` paths.
graph ladder(step_no rungs)
{
    std::vector<step_definition> definitions;
    std::vector<edge> edges;
    for (step_no rung = 0; rung < rungs; ++rung)
        for (step_no side = 0; side < 2; ++side) {
            definitions.push_back({"step " + std::to_string(rung) + (side == 0 ? "l" : "r")});
            if (rung > 0)
                for (step_no above = 0; above < 2; ++above)
                    edges.push_back({2 * (rung - 1) + above, 2 * rung + side});
        }
    return {std::move(definitions), std::move(edges)};
}

/// A chain whose steps also depend on the last but one, declared from its end.
graph braid(step_no length)
{
    std::vector<step_definition> definitions;
    std::vector<edge> edges;
    for (step_no at = 0; at < length; ++at) {
        definitions.push_back({"step " + std::to_string(at)});
        for (step_no ahead = 1; ahead <= 2; ++ahead)
            if (at >= ahead)
                edges.push_back({at, at - ahead});
    }
    return {std::move(definitions), std::move(edges)};
}

std::vector<step_level> levels_of(graph const& shape)
{
    std::vector<step_level> levels;
    for (step_no no = 0; no < shape.size(); ++no)
        levels.push_back({no, shape.step(no).name, shape.level(no)});
    return levels;
}

step_record took(step_state state, time_point from, duration length, int attempts = 1)
{
    step_record record = in_state(state);
    record.attempts = attempts;
    record.started_at = from;
    record.finished_at = from + length;
    return record;
}

/// Created at noon.
task_record task_in(task_state state, std::optional<time_point> started = {}, std::optional<time_point> finished = {})
{
    task_record task;
    task.state = state;
    task.created_at = noon;
    task.started_at = started;
    task.finished_at = finished;
    return task;
}

} // namespace

TEST_CASE("levels are lengths of longest paths, found without following every path [J10]", "[J10]")
{
    on_each_database([](analysed_bench& on) {
        auto const expect_levels = [&](graph const& shape, std::string const& name, auto limit) {
            auto const workflow = on.add(shape, name);
            auto const expected = levels_of(shape);
            auto best = std::chrono::steady_clock::duration::max();
            for (int at = 0; at < 3; ++at) {
                auto const start = std::chrono::steady_clock::now();
                auto const told = on->dependency_levels(workflow);
                best = std::min(best, std::chrono::steady_clock::now() - start);
                CHECK((told == expected));
            }
            CHECK(best < limit);
        };
        expect_levels(ladder(40), "ladder", 50ms);
        expect_levels(braid(1'000), "braid", 500ms);
        expect_levels(steps::diamond(), "diamond", 50ms);
        expect_levels(graph{}, "empty", 50ms);
        CHECK(on->dependency_levels(1'000'000).empty());
    });
}

TEST_CASE("health counts see every step of every task, and agree with the statistics [J11]", "[J11]")
{
    on_each_database([](analysed_bench& on) {
        auto const linear = on.add(chain(6), "linear");
        std::vector<step_record> const done(6, in_state(step_state::complete));
        on.put(linear, done, task_in(task_state::complete, noon, noon));
        on.put(linear, done, task_in(task_state::complete, noon, noon));
        on.put(linear);
        on.put(linear, {failed(1, 1s)});
        auto const agrees_with_statistics = [&](store_health const& counts, time_point now) {
            auto const statistics = on->statistics(now, noon);
            for (auto const& [state, count] : statistics.tasks)
                CHECK(counts.tasks.at(state) == count);
            for (auto const& [state, count] : statistics.steps)
                CHECK(counts.steps.at(state) == count);
            CHECK(counts.retryable_errors == statistics.retryable_errors);
            CHECK(counts.exhausted_errors == statistics.exhausted_errors);
            CHECK(counts.in_backoff == statistics.in_backoff);
        };
        auto counts = on->system_health_counts(noon);
        CHECK(counts.total_tasks == 4);
        CHECK(counts.tasks.at(task_state::complete) == 2);
        CHECK(counts.tasks.at(task_state::pending) == 2);
        CHECK(counts.total_steps == 24);
        CHECK(counts.steps.at(step_state::complete) == 12);
        CHECK(counts.steps.at(step_state::pending) == 11);
        CHECK(counts.steps.at(step_state::error) == 1);
        CHECK(counts.retryable_errors == 1);
        CHECK(counts.exhausted_errors == 0);
        CHECK(counts.in_backoff == 1);
        agrees_with_statistics(counts, noon);
        CHECK(on->system_health_counts(noon + 1s).in_backoff == 0);

        on.put(linear,
               {failed_for_good(3), failed_for_good(1, failure_kind::permanent), failed(2, 0s, failure_kind::timeout),
                in_state(step_state::cancelled), in_state(step_state::in_progress), in_state(step_state::resolved_manually)},
               task_in(task_state::error, noon, noon));
        counts = on->system_health_counts(noon);
        CHECK(counts.retryable_errors == 2);
        CHECK(counts.exhausted_errors == 2);
        CHECK(counts.in_backoff == 1);
        CHECK(counts.total_steps == 30);
        CHECK(counts.tasks.at(task_state::error) == 1);
        agrees_with_statistics(counts, noon);
    });
}

TEST_CASE("an empty store counts zeros, and nothing happened in it [J12]", "[J12]")
{
    on_each_database([](analysed_bench& on) {
        auto const counts = on->system_health_counts(noon);
        CHECK(counts.total_tasks + counts.total_steps == 0);
        CHECK(counts.tasks.size() == state_names.size());
        CHECK(counts.steps.size() == state_names.size());
        for (auto const& [state, count] : counts.tasks)
            CHECK(count == 0);
        for (auto const& [state, count] : counts.steps)
            CHECK(count == 0);
        CHECK(counts.retryable_errors + counts.exhausted_errors + counts.in_backoff == 0);
        CHECK(counts.active_connections.has_value() == counts.max_connections.has_value());
        if (counts.active_connections) {
            CHECK(*counts.active_connections > 0);
            CHECK(*counts.max_connections >= *counts.active_connections);
        }
        CHECK((on->analytics_metrics(noon, noon + 1h) == store_activity{}));
        CHECK(on->slowest_steps(noon, 10).empty());
        CHECK(on->slowest_tasks(noon, 10).empty());
    });
}

TEST_CASE("the analytics count what happened since an instant, that instant included, and average how long it took")
{
    on_each_database([](analysed_bench& on) {
        auto const flow = on.add(chain(2), "flow");
        on.add(chain(2), "flow", "2.0.0");
        on.add(chain(1), "other");
        time_point const since = noon + 1h;
        auto early = task_in(task_state::complete, noon, since - 1us); // and its step: before the window
        on.put(flow, {took(step_state::complete, noon, 59min)}, early);
        auto straddling = task_in(task_state::complete, since - 10min, since);
        on.put(flow, {took(step_state::complete, since - 20min, 20min - 1us), took(step_state::complete, since - 10min, 10min)},
               straddling);
        auto inside = task_in(task_state::complete, since, since + 5min);
        inside.created_at = since;
        on.put(flow, {took(step_state::complete, since, 2min), took(step_state::complete, since + 2min, 3min)}, inside);
        auto broken = task_in(task_state::error, since, since + 1s);
        on.put(flow, {took(step_state::error, since, 1s, 3)}, broken);
        on.put(flow, {}, task_in(task_state::cancelled, {}, since + 1s));
        auto live = task_in(task_state::in_progress, noon);
        live.created_at = since + 1min;
        on.put(flow, {took(step_state::complete, since, 1min), took(step_state::error, since + 1min, 1s)}, live);

        store_activity expected;
        expected.namespaces = 1;
        expected.workflows = 2;
        expected.active_tasks = 1;
        expected.tasks_created = 2;
        expected.tasks_finished = 4;
        expected.tasks_completed = 2;
        expected.tasks_failed = 1;
        expected.steps_completed = 4;
        expected.steps_failed = 2;
        expected.completion_rate = 50.0;
        expected.error_rate = 25.0;
        expected.tasks_per_hour = 0.67; // in three hours
        expected.steps_per_hour = 1.33;
        expected.average_task_duration = 7min + 30s;
        expected.average_step_duration = 4min;
        CHECK((on->analytics_metrics(since, since + 3h) == expected));

        auto const nothing = on->analytics_metrics(noon + 24h, noon + 24h);
        CHECK(nothing.active_tasks == 1);
        CHECK(nothing.tasks_finished == 0);
        CHECK(nothing.completion_rate == 0.0);
        CHECK(nothing.steps_per_hour == 0.0);
        CHECK_FALSE(nothing.average_task_duration);
        auto const ever = on->analytics_metrics(time_point::min(), time_point::max());
        CHECK(ever.tasks_created == 6);
        CHECK(ever.tasks_finished == 5);
        CHECK(ever.steps_completed == 6);
    });
}

TEST_CASE("the slowest steps come first, with their workflow and their attempts, as many as asked for")
{
    on_each_database([](analysed_bench& on) {
        auto const flow = on.add(chain(4), "flow", "1.2.3");
        auto const first = on.put(flow, {took(step_state::complete, noon, 3s, 2), took(step_state::complete, noon, 5s),
                                         took(step_state::error, noon, 1h), took(step_state::cancelled, noon, 1h)});
        auto const other = on.put(flow, {took(step_state::complete, noon, 3s), took(step_state::complete, noon - 1h, 1h - 1us)},
                                  task_in(task_state::complete, noon, noon + 1min));

        auto const slowest = on->slowest_steps(noon, 10);
        std::vector<slow_step> const expected{
            {first, 1, "step 1", "shop", "flow", "1.2.3", 1, noon, noon + 5s, 5s},
            {first, 0, "step 0", "shop", "flow", "1.2.3", 2, noon, noon + 3s, 3s},
            {other, 0, "step 0", "shop", "flow", "1.2.3", 1, noon, noon + 3s, 3s},
        };
        CHECK((slowest == expected));
        CHECK((on->slowest_steps(noon, 2) == std::vector<slow_step>{expected[0], expected[1]}));
        CHECK(on->slowest_steps(noon, 0).empty());
        CHECK(on->slowest_steps(noon + 4s, 10).size() == 1);
        auto const of_all_time = on->slowest_steps(time_point{}, static_cast<std::size_t>(-1));
        REQUIRE(of_all_time.size() == 4);
        CHECK(of_all_time[0].took == 1h - 1us);
        CHECK(of_all_time[0].task == other);
    });
}

TEST_CASE("the slowest tasks come first, with the attempts of all their steps, a thousand at most")
{
    on_each_database([](analysed_bench& on) {
        auto const flow = on.add(chain(2), "flow", "1.2.3");
        auto const slow = on.put(flow, {took(step_state::complete, noon, 1s, 2), took(step_state::complete, noon, 1s, 3)},
                                 task_in(task_state::complete, noon, noon + 2min));
        auto const quick = on.put(flow, {}, task_in(task_state::complete, noon + 1s, noon + 2s));
        on.put(flow, {}, task_in(task_state::complete, noon - 24h, noon - 1us));
        on.put(flow, {}, task_in(task_state::error, noon, noon + 1h));
        on.put(flow, {}, task_in(task_state::in_progress, noon));
        on.put(flow, {}, task_in(task_state::complete, {}, noon + 1h));

        std::vector<slow_task> const expected{
            {slow, "shop", "flow", "1.2.3", 5, noon, noon + 2min, 2min},
            {quick, "shop", "flow", "1.2.3", 0, noon + 1s, noon + 2s, 1s},
        };
        CHECK((on->slowest_tasks(noon, 10) == expected));
        CHECK((on->slowest_tasks(noon, 1) == std::vector<slow_task>{expected[0]}));

        for (std::size_t at = 0; at < slowest_limit_cap; ++at)
            on.put(flow, {}, task_in(task_state::complete, noon, noon + 1us));
        CHECK(on->slowest_tasks(noon, slowest_limit_cap * 2).size() == slowest_limit_cap);
    });
}
