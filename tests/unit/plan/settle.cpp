#include <tasker/plan/settle.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <string>

using namespace tasker;
using namespace std::chrono_literals;
using steps::noon;

namespace {

constexpr retry_policy plain{.max_attempts = 5, .jitter = jitter::none};

attempt_outcome failure_of(failure_kind kind, std::optional<duration> asked = {})
{
    return {attempt_outcome::kind::failed, {}, {kind, "it broke", "std::runtime_error"}, asked};
}

step_record running(int earlier = 0)
{
    step_record record;
    record.attempts = earlier;
    begin_attempt(record, noon);
    return record;
}

step_record settled(attempt_outcome outcome, retry_policy const& policy = plain, int earlier = 0, double random = 0.5)
{
    step_record record = running(earlier);
    settle(record, policy, std::move(outcome), noon + 1s, random);
    return record;
}

} // namespace

TEST_CASE("beginning an attempt notes its start and forgets what the last failure said")
{
    step_record record = steps::failed(2, 30s);
    record.backoff_request = 30s;
    begin_attempt(record, noon + 30s);
    CHECK(record.state == step_state::in_progress);
    CHECK(record.started_at == noon + 30s);
    CHECK(record.attempts == 2);
    CHECK_FALSE(record.backoff_request);
    CHECK_FALSE(record.last_failure);
}

TEST_CASE("a completed attempt counts, keeps its result and leaves no back-off")
{
    auto const record = settled({attempt_outcome::kind::completed, payload{"42"}, {}, {}}, plain, 1);
    CHECK(record.state == step_state::complete);
    CHECK(record.attempts == 2);
    CHECK(record.result == payload{"42"});
    CHECK(record.finished_at == noon + 1s);
    CHECK_FALSE(record.next_retry_at);
    CHECK_FALSE(record.last_failure);
}

TEST_CASE("a failed attempt counts, says why, and waits from its end on")
{
    auto const record = settled(failure_of(failure_kind::transient));
    CHECK(record.state == step_state::error);
    CHECK(record.attempts == 1);
    CHECK(record.last_failure == failure{failure_kind::transient, "it broke", "std::runtime_error"});
    CHECK(record.finished_at == noon + 1s);
    CHECK(record.next_retry_at == noon + 2s);
}

TEST_CASE("a timeout waits as any other failure does")
{
    auto const record = settled(failure_of(failure_kind::timeout), plain, 2);
    CHECK(record.next_retry_at == noon + 1s + 4s);
    CHECK(record.last_failure->kind == failure_kind::timeout);
}

TEST_CASE("a permanent failure has no next attempt, whatever it asks for [F22]", "[F22]")
{
    auto const record = settled(failure_of(failure_kind::permanent, 5s));
    CHECK(record.state == step_state::error);
    CHECK(record.attempts == 1);
    CHECK_FALSE(record.next_retry_at);
    CHECK_FALSE(record.backoff_request);
}

TEST_CASE("the last allowed attempt has no next one")
{
    CHECK(settled(failure_of(failure_kind::transient), plain, 3).next_retry_at == noon + 1s + 8s);
    CHECK_FALSE(settled(failure_of(failure_kind::transient), plain, 4).next_retry_at);
    CHECK_FALSE(settled(failure_of(failure_kind::retry_after, 5s), plain, 4).next_retry_at);
}

TEST_CASE("an explicit wait replaces the back-off and is kept with the record [D21]", "[D21]")
{
    auto const record = settled(failure_of(failure_kind::retry_after, 90s), plain, 3);
    CHECK(record.backoff_request == duration{90s});
    CHECK(record.next_retry_at == noon + 1s + 90s);
}

TEST_CASE("an explicit wait is neither negative nor longer than a century")
{
    auto record = settled(failure_of(failure_kind::retry_after, -5s));
    CHECK(record.backoff_request == duration::zero());
    CHECK(record.next_retry_at == noon + 1s);
    record = settled(failure_of(failure_kind::retry_after, duration::max()));
    CHECK(record.next_retry_at == noon + 1s + longest_wait);
}

TEST_CASE("an abandoned attempt counts for nothing and is repeated at once [F24]", "[F24]")
{
    auto const record = settled(failure_of(failure_kind::abandoned), {.max_attempts = 1, .retryable = false}, 0);
    CHECK(record.state == step_state::error);
    CHECK(record.attempts == 0);
    CHECK(record.next_retry_at == noon + 1s);
}

TEST_CASE("a cancelled attempt counts and leaves nothing to wait for")
{
    auto const record = settled({attempt_outcome::kind::cancelled, {}, {}, {}}, plain, 1);
    CHECK(record.state == step_state::cancelled);
    CHECK(record.attempts == 2);
    CHECK(record.finished_at == noon + 1s);
    CHECK_FALSE(record.next_retry_at);
    CHECK_FALSE(record.last_failure);
}

TEST_CASE("a failure without words is an unknown error [I05]", "[I05]")
{
    CHECK(settled({attempt_outcome::kind::failed, {}, {}, {}}).last_failure->what == "Unknown error");
}

TEST_CASE("the random draw spreads the wait within its jitter [H07]", "[H07]")
{
    retry_policy const policy{.max_attempts = 5};
    CHECK(settled(failure_of(failure_kind::transient), policy, 0, 0.0).next_retry_at == noon + 1s + 900ms);
    CHECK(settled(failure_of(failure_kind::transient), policy, 0, 0.5).next_retry_at == noon + 1s + 1s);
}

TEST_CASE("decorrelated jitter looks at the wait before this attempt")
{
    retry_policy const policy{.max_attempts = 5, .jitter = jitter::decorrelated};
    step_record record = running();
    settle(record, policy, failure_of(failure_kind::transient), noon, 0.5);
    CHECK(record.next_retry_at == noon + 1s); // no wait before: exactly the initial one
    begin_attempt(record, noon + 1s);
    settle(record, policy, failure_of(failure_kind::transient), noon + 1s, 0.5);
    CHECK(record.next_retry_at == noon + 1s + 2s); // half way from 1 s to 3 x 1 s
}
