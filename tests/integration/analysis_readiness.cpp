#include <tasker/plan/apply_command.hpp>
#include <tasker/plan/settle.hpp>

#include "support/analysed_store.hpp"
#include "support/step_records.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <vector>

// The same cases as tests/unit/plan/readiness.cpp, asked of the databases.

using namespace tasker;
using namespace std::chrono_literals;
using namespace steps;
using support::analysed_bench;
using support::on_each_database;

namespace {

constexpr retry_policy plain{.max_attempts = 10, .jitter = jitter::none};

using records = std::vector<step_record>;

std::vector<std::string> ready_of(std::vector<step_readiness_row> const& rows)
{
    std::vector<std::string> names;
    for (auto const& row : rows)
        if (row.ready)
            names.push_back(row.name);
    return names;
}

/// Stores a task of its own workflow for each question.
class questioner {
public:
    explicit questioner(analysed_bench& on) : on_{on} {}

    std::vector<step_readiness_row> rows(graph const& shape, records const& steps, time_point now = noon)
    {
        return on_.readiness(on_.put(on_.add(shape, "flow-" + std::to_string(++count_)), steps), now);
    }

    step_readiness_row only(step_record const& record, retry_policy const& policy = {}, time_point now = noon)
    {
        auto const found = rows(steps::single({.retry = policy}), {record}, now);
        REQUIRE(found.size() == 1);
        return found.front();
    }

    /// The instant from which on the step is ready, found by looking at both sides of `next_retry_at`.
    duration ready_after(step_record const& record, retry_policy const& policy)
    {
        time_point const due = only(record, policy).next_retry_at.value();
        auto const early = only(record, policy, due - 1us);
        CHECK_FALSE(early.ready);
        CHECK(early.reason == "backoff_not_elapsed");
        CHECK(only(record, policy, due).ready);
        return due - noon;
    }

private:
    analysed_bench& on_;
    int count_ = 0;
};

/// A step that failed at noon after `earlier` failures before, the waits by its policy.
step_record fails_at_noon(int earlier, retry_policy const& policy, std::optional<duration> asked = {})
{
    step_record record;
    record.attempts = earlier;
    begin_attempt(record, noon);
    settle(record, policy, {attempt_outcome::kind::failed, {}, {failure_kind::transient, "it broke", "x"}, asked}, noon, 0.5);
    return record;
}

template <class Check>
void ask_each_database(Check check)
{
    on_each_database([&](analysed_bench& on) {
        questioner ask{on};
        check(ask);
    });
}

} // namespace

TEST_CASE("in SQL a new task has one row a step, and its roots alone are ready [D01][D17]", "[D01][D17]")
{
    ask_each_database([](questioner& ask) {
        auto const rows = ask.rows(steps::dummy(), {});
        REQUIRE(rows.size() == 4);
        CHECK(ready_of(rows) == std::vector<std::string>{"one", "two"});
        CHECK(rows[0].total_parents == 0);
        CHECK(rows[1].total_parents == 0);
        CHECK(rows[2].reason == "dependencies_not_satisfied");
        CHECK(rows[3].reason == "dependencies_not_satisfied");
        for (auto const& row : rows) {
            CHECK(row.state == step_state::pending);
            CHECK(row.attempts == 0);
            CHECK(row.max_attempts == 3);
            CHECK(row.retry_eligible);
        }
    });
}

TEST_CASE("in SQL the first step alone of a new diamond is ready [D02]", "[D02]")
{
    ask_each_database([](questioner& ask) {
        auto const rows = ask.rows(steps::diamond(), {});
        CHECK(ready_of(rows) == std::vector<std::string>{"start_workflow"});
        CHECK(rows.at(0).dependencies_satisfied);
        CHECK(rows.at(0).attempts == 0);
        CHECK(rows.at(0).retry_eligible);
    });
}

TEST_CASE("in SQL steps become ready one after another as their parents complete [D03]", "[D03]")
{
    ask_each_database([](questioner& ask) {
        records steps(4);
        steps[0] = steps[1] = in_state(step_state::complete);
        CHECK(ready_of(ask.rows(steps::dummy(), steps)) == std::vector<std::string>{"three"});
        steps[2] = in_state(step_state::complete);
        CHECK(ready_of(ask.rows(steps::dummy(), steps)) == std::vector<std::string>{"four"});
    });
}

TEST_CASE("in SQL a child waits for all its parents, done or resolved by hand [D04][D05][D06][D30]", "[D04][D05][D06][D30]")
{
    ask_each_database([](questioner& ask) {
        auto const child = [&](step_state left, step_state right) {
            return ask.rows(steps::join(), {in_state(left), in_state(right), {}}).at(2);
        };
        auto const both = child(step_state::complete, step_state::resolved_manually);
        CHECK(both.ready);
        CHECK(both.completed_parents == 2);
        CHECK(both.dependency_text == "all_satisfied");
        for (step_state const other : {step_state::pending, step_state::in_progress, step_state::error, step_state::cancelled}) {
            CAPTURE(other);
            auto const half = child(step_state::complete, other);
            CHECK_FALSE(half.ready);
            CHECK_FALSE(half.dependencies_satisfied);
            CHECK(half.completed_parents == 1);
            CHECK(half.total_parents == 2);
            CHECK(half.reason == "dependencies_not_satisfied");
            CHECK(half.dependency_text == "1/2_satisfied");
        }
        CHECK(child(step_state::pending, step_state::pending).dependency_text == "0/2_satisfied");
        CHECK(ask.only({}).dependency_text == "no_dependencies");
    });
}

TEST_CASE("in SQL a step that runs or is over is never ready [D07][D08][D09]", "[D07][D08][D09]")
{
    ask_each_database([](questioner& ask) {
        for (step_state const state :
             {step_state::in_progress, step_state::complete, step_state::cancelled, step_state::resolved_manually}) {
            CAPTURE(state);
            auto const row = ask.only(in_state(state));
            CHECK(row.state == state);
            CHECK_FALSE(row.ready);
            CHECK(row.reason == "invalid_state");
            CHECK_FALSE(row.next_retry_at);
        }
    });
}

TEST_CASE("in SQL a pending step with a back-off of 30 s is ready after exactly 30 s [D10][D11]", "[D10][D11]")
{
    ask_each_database([](questioner& ask) {
        step_record record;
        record.backoff_request = 30s;
        record.next_retry_at = noon + 30s;
        CHECK(ask.ready_after(record, {}) == 30s);
    });
}

TEST_CASE("in SQL a failed step is ready when its back-off is over, up to the configured cap [D12][D13][D14]",
          "[D12][D13][D14]")
{
    ask_each_database([](questioner& ask) {
        CHECK(ask.ready_after(fails_at_noon(0, plain), plain) == 1s);
        CHECK(ask.ready_after(fails_at_noon(1, plain), plain) == 2s);
        CHECK(ask.ready_after(fails_at_noon(2, plain), plain) == 4s);
        CHECK(ask.ready_after(fails_at_noon(3, plain), plain) == 8s);
        CHECK(ask.ready_after(fails_at_noon(8, plain), plain) == 256s);
        retry_policy capped = plain;
        capped.backoff.cap = 100s;
        CHECK(ask.ready_after(fails_at_noon(8, capped), capped) == 100s);
        CHECK(ask.only(failed(1, 250ms)).last_failure_at == noon);
        CHECK(ask.ready_after(failed(1, 250ms), {}) == 250ms);
    });
}

TEST_CASE("in SQL a step without attempts left is never ready again [D15][D16]", "[D15][D16]")
{
    ask_each_database([](questioner& ask) {
        auto const row = ask.only(failed_for_good(3), {}, noon + std::chrono::days{1000});
        CHECK_FALSE(row.ready);
        CHECK_FALSE(row.retry_eligible);
        CHECK(row.reason == "retry_not_eligible");
        CHECK(ask.only(failed(2, 1s), {}, noon + 1s).ready);
        CHECK_FALSE(ask.only(failed(3, 1s), {}, noon + 1s).ready);
    });
}

TEST_CASE("in SQL a step that must not be retried runs once and its failure is final [D19][D20]", "[D19][D20]")
{
    ask_each_database([](questioner& ask) {
        retry_policy const once{.max_attempts = 5, .retryable = false};
        CHECK(ask.only({}, once).ready);
        auto const row = ask.only(fails_at_noon(0, once), once, noon + 24h);
        CHECK_FALSE(row.ready);
        CHECK_FALSE(row.retry_eligible);
        CHECK(row.reason == "not_retryable");
    });
}

TEST_CASE("in SQL an explicit wait wins alone, and for one failure only [D21][D27]", "[D21][D27]")
{
    ask_each_database([](questioner& ask) {
        step_record record = fails_at_noon(3, plain, 1s);
        CHECK(ask.ready_after(record, plain) == 1s);
        begin_attempt(record, noon);
        settle(record, plain, {attempt_outcome::kind::failed, {}, {}, {}}, noon, 0.5);
        CHECK(ask.ready_after(record, plain) == 16s);
    });
}

TEST_CASE("in SQL no number of attempts overflows [D22]", "[D22]")
{
    ask_each_database([](questioner& ask) {
        constexpr int most = std::numeric_limits<int>::max();
        retry_policy const endless{.max_attempts = most, .jitter = jitter::none};
        for (int const earlier : {43, 63, 64, 1'100, most - 2})
            CHECK(ask.ready_after(fails_at_noon(earlier, endless), endless) == 5min);
        auto const row = ask.only(failed_for_good(most), endless);
        CHECK(row.attempts == most);
        CHECK(row.reason == "retry_not_eligible");
    });
}

TEST_CASE("in SQL a failed step that was reset is ready at once, unless it has a wait of its own [D23]", "[D23]")
{
    ask_each_database([](questioner& ask) {
        step_record record = fails_at_noon(2, plain);
        CHECK_FALSE(ask.only(record, plain).ready);
        apply_move(record, step_state::pending, {}, noon);
        CHECK(ask.only(record, plain).ready);
        record.next_retry_at = noon + 7s;
        CHECK(ask.ready_after(record, plain) == 7s);
    });
}

TEST_CASE("in SQL an edge that is declared twice counts once [D24]", "[D24]")
{
    ask_each_database([](questioner& ask) {
        graph const shape = steps::graph_of({"parent", "child"}, {{"parent", "child"}, {"parent", "child"}});
        auto const row = ask.rows(shape, {in_state(step_state::complete), {}}).at(1);
        CHECK(row.ready);
        CHECK(row.total_parents == 1);
    });
}

TEST_CASE("one query tells of any number of tasks, each once, and of none [D25][E12]", "[D25][E12]")
{
    on_each_database([](analysed_bench& on) {
        auto const dummy = on.add(steps::dummy(), "dummy");
        auto const join = on.add(steps::join(), "join");
        std::vector<task_id> const tasks{on.put(dummy), on.put(join), on.put(dummy)};
        on.put(dummy);
        task_id const unknown{1, 2};
        std::vector<std::pair<task_id, std::string>> expected;
        for (auto const& [task, names] : std::vector<std::pair<task_id, std::vector<std::string>>>{
                 {tasks[0], {"one", "two", "three", "four"}},
                 {tasks[1], {"left", "right", "child"}},
                 {tasks[2], {"one", "two", "three", "four"}}})
            for (auto const& name : names)
                expected.emplace_back(task, name);
        auto const asked = [&](std::vector<task_id> const& ids) {
            std::vector<std::pair<task_id, std::string>> rows;
            for (auto const& row : on->step_readiness(ids, noon))
                rows.emplace_back(row.task, row.name);
            return rows;
        };
        CHECK(asked(tasks) == expected);
        CHECK(asked({tasks[2], unknown, tasks[0], tasks[1], tasks[0]}) == expected);
        CHECK(asked({}).empty());
        CHECK(asked({unknown}).empty());
        CHECK(on->task_execution_context(std::vector{tasks[1], unknown, tasks[1]}, noon).size() == 1);
        CHECK(on->task_execution_context({}, noon).empty());
    });
}

TEST_CASE("a query on a small task takes less than 10 ms, among a thousand others [D26]", "[D26]")
{
    on_each_database([](analysed_bench& on) {
        auto const workflow = on.add(steps::diamond());
        for (int at = 0; at < 1'000; ++at)
            on.put(workflow, {in_state(step_state::complete), failed(1, 1s)});
        auto const task = on.put(workflow, {in_state(step_state::complete), failed(1, 1s)});
        auto const best_of_five = [](auto ask) {
            auto best = std::chrono::steady_clock::duration::max();
            for (int at = 0; at < 5; ++at) {
                auto const start = std::chrono::steady_clock::now();
                ask();
                best = std::min(best, std::chrono::steady_clock::now() - start);
            }
            return best;
        };
        CHECK(best_of_five([&] { on.readiness(task, noon); }) < 10ms);
        CHECK(best_of_five([&] { on.context(task, noon); }) < 10ms);
    });
}

TEST_CASE("in SQL each reason for not being ready has a name of its own [D29]", "[D29]")
{
    ask_each_database([](questioner& ask) {
        CHECK(ask.only(in_state(step_state::cancelled)).reason == "invalid_state");
        CHECK(ask.rows(steps::join(), {}).at(2).reason == "dependencies_not_satisfied");
        CHECK(ask.only(failed_for_good(3)).reason == "retry_not_eligible");
        CHECK(ask.only(failed_for_good(1, failure_kind::permanent)).reason == "not_retryable");
        CHECK(ask.only(failed(1, 1s)).reason == "backoff_not_elapsed");
        CHECK(ask.only({}).reason == "none");
    });
}
