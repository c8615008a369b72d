#include <tasker/plan/apply_command.hpp>
#include <tasker/plan/readiness.hpp>
#include <tasker/plan/settle.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using namespace steps;

namespace {

constexpr retry_policy plain{.max_attempts = 10, .jitter = jitter::none};

using records = std::vector<step_record>;

std::vector<std::string> ready_at(graph const& shape, records const& steps, time_point now = noon)
{
    std::vector<std::string> names;
    for (step_readiness const& row : assess_all(shape, steps, now))
        if (row.ready)
            names.push_back(row.name);
    return names;
}

step_readiness only(step_record const& record, retry_policy const& policy = {}, time_point now = noon)
{
    return assess(steps::single({.retry = policy}), std::vector{record}, 0, now);
}

/// A step that failed at noon after `earlier` failures before, the waits by its policy.
step_record fails_at_noon(int earlier, retry_policy const& policy, std::optional<duration> asked = {})
{
    step_record record;
    record.attempts = earlier;
    begin_attempt(record, noon);
    settle(record, policy, {attempt_outcome::kind::failed, {}, {failure_kind::transient, "it broke", "x"}, asked}, noon, 0.5);
    return record;
}

/// The instant from which on the step is ready, found by looking at both sides of `next_retry_at`.
duration ready_after(step_record const& record, retry_policy const& policy)
{
    time_point const due = only(record, policy).next_retry_at.value();
    CHECK_FALSE(only(record, policy, due - 1us).ready);
    CHECK(only(record, policy, due).ready);
    return due - noon;
}

} // namespace

TEST_CASE("a new task has one row a step, and its roots alone are ready [D01]", "[D01]")
{
    auto const rows = assess_all(steps::dummy(), records(4), noon);
    REQUIRE(rows.size() == 4);
    CHECK(ready_at(steps::dummy(), records(4)) == std::vector<std::string>{"one", "two"});
    CHECK(rows[0].total_parents == 0);
    CHECK(rows[1].total_parents == 0);
    CHECK(rows[2].total_parents == 1);
    CHECK(rows[3].total_parents == 1);
    CHECK(rows[2].reason == blocking_reason::dependencies_not_satisfied);
}

TEST_CASE("of a new diamond only the first step is ready, with no attempts and all its retries [D02]", "[D02]")
{
    CHECK(ready_at(steps::diamond(), records(7)) == std::vector<std::string>{"start_workflow"});
    auto const row = assess(steps::diamond(), records(7), 0, noon);
    CHECK(row.dependencies_satisfied);
    CHECK(row.attempts == 0);
    CHECK(row.retry_eligible);
}

TEST_CASE("steps become ready one after another as their parents complete [D03]", "[D03]")
{
    records steps(4);
    steps[0] = steps[1] = in_state(step_state::complete);
    CHECK(ready_at(steps::dummy(), steps) == std::vector<std::string>{"three"});
    steps[2] = in_state(step_state::complete);
    CHECK(ready_at(steps::dummy(), steps) == std::vector<std::string>{"four"});
}

TEST_CASE("a child of a complete and a resolved parent is ready [D04]", "[D04]")
{
    records const steps{in_state(step_state::complete), in_state(step_state::resolved_manually), {}};
    CHECK(ready_at(steps::join(), steps) == std::vector<std::string>{"child"});
    CHECK(assess(steps::join(), steps, 2, noon).completed_parents == 2);
}

TEST_CASE("a child of a complete and a pending parent is not ready [D05]", "[D05]")
{
    auto const row = assess(steps::join(), records{in_state(step_state::complete), {}, {}}, 2, noon);
    CHECK_FALSE(row.ready);
    CHECK(row.completed_parents == 1);
    CHECK(row.total_parents == 2);
}

TEST_CASE("a child of a cancelled parent is not ready [D06]", "[D06]")
{
    auto const row = assess(steps::join(), records{in_state(step_state::complete), in_state(step_state::cancelled), {}}, 2, noon);
    CHECK_FALSE(row.ready);
    CHECK(row.reason == blocking_reason::dependencies_not_satisfied);
}

TEST_CASE("a step that runs or is over is never ready [D07][D08][D09]", "[D07][D08][D09]")
{
    auto const state = GENERATE(step_state::in_progress, step_state::complete, step_state::cancelled, step_state::resolved_manually);
    CAPTURE(state);
    auto const row = only(in_state(state));
    CHECK_FALSE(row.ready);
    CHECK(row.reason == blocking_reason::invalid_state);
    CHECK_FALSE(row.next_retry_at);
}

TEST_CASE("a pending step with a back-off of 30 s is ready after exactly 30 s [D10][D11]", "[D10][D11]")
{
    step_record record;
    record.backoff_request = 30s;
    record.next_retry_at = noon + 30s;
    auto const row = only(record);
    CHECK_FALSE(row.ready);
    CHECK(row.next_retry_at == noon + 30s);
    CHECK(row.reason == blocking_reason::backoff_not_elapsed);
    CHECK(ready_after(record, {}) == 30s);
}

TEST_CASE("a step that failed once is ready when its first back-off is over, to the microsecond [D12]", "[D12]")
{
    CHECK(ready_after(fails_at_noon(0, plain), plain) == 1s);
}

TEST_CASE("each further failure doubles the wait [D13]", "[D13]")
{
    CHECK(ready_after(fails_at_noon(1, plain), plain) == 2s);
    CHECK(ready_after(fails_at_noon(2, plain), plain) == 4s);
    CHECK(ready_after(fails_at_noon(3, plain), plain) == 8s);
}

TEST_CASE("the configured cap bounds the wait, and nothing else does [D14]", "[D14]")
{
    CHECK(ready_after(fails_at_noon(4, plain), plain) == 16s);
    CHECK(ready_after(fails_at_noon(8, plain), plain) == 256s);
    retry_policy capped = plain;
    capped.backoff.cap = 100s;
    CHECK(ready_after(fails_at_noon(8, capped), capped) == 100s);
}

TEST_CASE("a step without attempts left is not ready however long ago it failed [D15]", "[D15]")
{
    auto const row = only(failed_for_good(3), {}, noon + std::chrono::days{1000});
    CHECK_FALSE(row.ready);
    CHECK_FALSE(row.retry_eligible);
    CHECK(row.reason == blocking_reason::retry_not_eligible);
}

TEST_CASE("unless said otherwise a step has three attempts [D16]", "[D16]")
{
    CHECK(only(failed(2, 1s), {}, noon + 1s).ready);
    CHECK_FALSE(only(failed(3, 1s), {}, noon + 1s).ready);
    CHECK(only({}).max_attempts == 3);
}

TEST_CASE("a step without a row has made no attempts and is eligible [D17]", "[D17]")
{
    auto const row = only({});
    CHECK(row.attempts == 0);
    CHECK(row.retry_eligible);
    CHECK(row.ready);
}

TEST_CASE("a limit of no attempts is refused, so that no step can wedge [D18]", "[D18]")
{
    CHECK_THAT(problem_of(step_options{.retry = {.max_attempts = 0}}).value_or(""), support::contains("at least one attempt"));
}

TEST_CASE("a step that must not be retried runs once and its failure is final [D19][D20]", "[D19][D20]")
{
    retry_policy const once{.max_attempts = 5, .retryable = false};
    CHECK(only({}, once).ready);
    auto const row = only(fails_at_noon(0, once), once, noon + 24h);
    CHECK_FALSE(row.ready);
    CHECK_FALSE(row.retry_eligible);
    CHECK(row.reason == blocking_reason::not_retryable);
    CHECK_FALSE(row.next_retry_at);
}

TEST_CASE("an explicit wait wins alone, and readiness and next_retry_at agree [D21]", "[D21]")
{
    step_record const record = fails_at_noon(3, plain, 1s);
    CHECK(record.attempts == 4);
    CHECK(ready_after(record, plain) == 1s);
}

TEST_CASE("no number of attempts overflows the back-off [D22]", "[D22]")
{
    retry_policy const endless{.max_attempts = 1'000'000, .jitter = jitter::none};
    for (int const earlier : {43, 63, 64, 1'100, 999'998})
        CHECK(ready_after(fails_at_noon(earlier, endless), endless) == 5min);
}

TEST_CASE("a failed step that was reset is ready at once, unless it has a wait of its own [D23]", "[D23]")
{
    step_record record = fails_at_noon(2, plain);
    CHECK_FALSE(only(record, plain).ready);
    apply_move(record, step_state::pending, {}, noon);
    CHECK(only(record, plain).ready);
    record.next_retry_at = noon + 7s;
    CHECK(ready_after(record, plain) == 7s);
}

TEST_CASE("an edge that is declared twice counts once [D24]", "[D24]")
{
    graph const shape = steps::graph_of({"parent", "child"}, {{"parent", "child"}, {"parent", "child"}});
    auto const row = assess(shape, records{in_state(step_state::complete), {}}, 1, noon);
    CHECK(row.ready);
    CHECK(row.dependency_text() == "all_satisfied");
}

TEST_CASE("an explicit wait holds for one failure only [D27]", "[D27]")
{
    step_record record = fails_at_noon(0, plain, 30s);
    CHECK(record.backoff_request == duration{30s});
    begin_attempt(record, noon + 30s);
    CHECK_FALSE(record.backoff_request);
    settle(record, plain, {attempt_outcome::kind::failed, {}, {}, {}}, noon + 30s, 0.5);
    CHECK_FALSE(record.backoff_request);
    CHECK(record.next_retry_at == noon + 32s);
}

TEST_CASE("each reason for not being ready has a name of its own [D29]", "[D29]")
{
    CHECK(name(only(in_state(step_state::cancelled)).reason) == "invalid_state");
    CHECK(name(assess(steps::join(), records(3), 2, noon).reason) == "dependencies_not_satisfied");
    CHECK(name(only(failed_for_good(3)).reason) == "retry_not_eligible");
    CHECK(name(only(failed_for_good(1, failure_kind::permanent)).reason) == "not_retryable");
    CHECK(name(only(failed(1, 1s)).reason) == "backoff_not_elapsed");
    CHECK(name(only({}).reason) == "none");
}

TEST_CASE("the dependency text counts the parents that are done [D30]", "[D30]")
{
    records steps(3);
    auto const text = [&](step_no no) { return assess(steps::join(), steps, no, noon).dependency_text(); };
    CHECK(text(0) == "no_dependencies");
    CHECK(text(2) == "0/2_satisfied");
    steps[0] = in_state(step_state::resolved_manually);
    CHECK(text(2) == "1/2_satisfied");
    steps[1] = in_state(step_state::complete);
    CHECK(text(2) == "all_satisfied");
}

TEST_CASE("an abandoned attempt leaves the step eligible even when it was the last allowed one")
{
    retry_policy const once{.max_attempts = 1, .retryable = false};
    CHECK(only(failed(1, 0s, failure_kind::abandoned), once).ready);
    CHECK(only(failed_for_good(0, failure_kind::permanent), once).reason == blocking_reason::not_retryable);
}

TEST_CASE("the time of the last failure is told while the step is in error only")
{
    CHECK(only(failed(1, 1s)).last_failure_at == noon);
    step_record done = in_state(step_state::complete);
    done.finished_at = noon;
    CHECK_FALSE(only(done).last_failure_at);
}
