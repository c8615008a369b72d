#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/timeline.hpp"

#include <tasker/policy/http_retry.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/describe/class.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::timeline;
using testing::scripted_step;
using support::simulation;
using testing::task_report;

namespace {

struct response {
    int status = 0;
    std::map<std::string, std::string> headers = {};
    std::string body = {};

    friend bool operator==(response const&, response const&) = default;
};
BOOST_DESCRIBE_STRUCT(response, (), (status, headers, body))

constexpr retry_policy five_attempts{.max_attempts = 5, .jitter = jitter::none};
using durations = std::vector<duration>;

/// A step that gets these responses, one an attempt, and treats each as an HTTP client would.
workflow asking(std::vector<response> answers, retry_policy const& retry = five_attempts)
{
    workflow_builder flow{"test", "http"};
    flow.step(
        "ask",
        [answers = std::move(answers)](step_context& context) {
            response const& got = answers.at(static_cast<std::size_t>(context.attempt() - 1));
            throw_for_status(got.status, find_header(got.headers, "Retry-After"), context.now(), got.body);
            return got;
        },
        {.retry = retry});
    return std::move(flow).build();
}

response const ok{200, {}, "done"};

/// What the record of the step says between its first attempt and its second.
step_record after_first(simulation& sim, workflow const& flow)
{
    auto const id = sim.submit(flow);
    sim.settle();
    return sim.report(id).step("ask").record;
}

/// How long each wait between two attempts was.
durations waits(task_report const& report)
{
    durations found;
    auto const starts = timeline{report}.starts("ask");
    for (std::size_t at = 1; at < starts.size(); ++at)
        found.push_back(starts[at] - starts[at - 1]);
    return found;
}

} // namespace

TEST_CASE("a 429 with `Retry-After: 30` runs again after exactly 30 s [H10]", "[H10]")
{
    on_each_store([](simulation& sim) {
        auto const flow = asking({{429, {{"Retry-After", "30"}}, "slow down"}, ok});
        auto const id = sim.submit(flow);
        sim.settle();
        auto const record = sim.report(id).step("ask").record;
        CHECK(record.backoff_request == 30s);
        CHECK(record.next_retry_at == *record.finished_at + 30s);
        CHECK(record.last_failure == failure{failure_kind::retry_after, "HTTP_429: slow down", "tasker::retry_after"});
        sim.finish(id);
        CHECK(waits(sim.report(id)) == durations{30s});
        CHECK(sim.report(id).state == task_state::complete);
    });
}

TEST_CASE("a 429 with an HTTP date runs again at that date, also when the attempt ended between two seconds [H11]", "[H11]")
{
    on_each_store([](simulation& sim) { // the simulation begins at 2030-01-01T00:00:00Z
        auto const flow = asking({{429, {{"retry-after", "Tue, 01 Jan 2030 00:01:00 GMT"}}}, ok});
        auto const first = sim.run(flow);
        CHECK(waits(first) == durations{60s});
    });
    on_each_store([](simulation& sim) {
        sim.advance(250ms);
        auto const flow = asking({{429, {{"retry-after", "Tue, 01 Jan 2030 00:01:00 GMT"}}}, ok});
        auto const later = sim.run(flow);
        CHECK(waits(later) == durations{59s + 750ms});
    });
}

TEST_CASE("429s without a header wait 1, 2, 4 and 8 s, and ask for no wait of their own [H12]", "[H12]")
{
    on_each_store([](simulation& sim) {
        auto const record = after_first(sim, asking({{429}, ok}));
        CHECK_FALSE(record.backoff_request);
        CHECK(record.next_retry_at == *record.finished_at + 1s);
        workflow_builder flow{"test", "http-429"};
        flow.step("ask", [](step_context& context) { throw_for_status(context.attempt() < 5 ? 429 : 200, {}, context.now(), ""); },
                  {.retry = five_attempts});
        CHECK(waits(sim.run(std::move(flow).build())) == durations{1s, 2s, 4s, 8s});
    });
}

TEST_CASE("a 503 without a header waits 1 s [H13]", "[H13]")
{
    on_each_store([](simulation& sim) { CHECK(waits(sim.run(asking({{503}, ok}))) == durations{1s}); });
}

TEST_CASE("a 500 is retried by the step's own back-off, and asks for none [H14]", "[H14]")
{
    on_each_store([](simulation& sim) {
        auto const record = after_first(sim, asking({{500, {}, "oops"}, ok}));
        CHECK_FALSE(record.backoff_request);
        CHECK(record.last_failure == failure{failure_kind::transient, "HTTP_500: oops", "tasker::transient_error"});
        CHECK(record.next_retry_at == *record.finished_at + 1s);
    });
}

// There is always a back-off; one that does not grow is asked for with a factor of one.
TEST_CASE("with the exponential switched off each wait is the initial one, and none is an explicit request [H15]", "[H15]")
{
    on_each_store([](simulation& sim) {
        retry_policy const constant{.max_attempts = 4, .backoff = {.initial = 3s, .factor = 1.0}, .jitter = jitter::none};
        auto const report = sim.run(asking({{429}, {429}, {429}, ok}, constant));
        CHECK(waits(report) == durations{3s, 3s, 3s});
        for (step_failed const& one : report.all<step_failed>())
            CHECK(one.kind == failure_kind::transient);
    });
}

TEST_CASE("200, 201, 202 and 204 complete the step with status, headers and body stored, and that of 204 is empty [H16]", "[H16]")
{
    for (int const status : {200, 201, 202, 204})
        on_each_store([status](simulation& sim) {
            response const sent{status, {{"Content-Type", "text/plain"}}, status == 204 ? "" : "hello"};
            auto const report = sim.run(asking({sent}));
            CHECK(report.state == task_state::complete);
            CHECK(report.step("ask").result<response>() == sent);
            CHECK(report.result<response>() == sent);
        });
}

TEST_CASE("400, 401, 403, 404 and 422 end the step at once, with the code in the message [H17]", "[H17]")
{
    for (int const status : {400, 401, 403, 404, 422})
        on_each_store([status](simulation& sim) {
            auto const report = sim.run(asking({{status, {{"Retry-After", "1"}}, "no"}, ok}));
            CHECK(report.state == task_state::error);
            CHECK(report.elapsed == 0s);
            CHECK(report.step("ask").attempts() == 1);
            CHECK(report.step("ask").record.last_failure ==
                  failure{failure_kind::permanent, "HTTP_" + std::to_string(status) + ": no", "tasker::permanent_error"});
        });
}

TEST_CASE("302, 402, 409, 410, 418, 501 and 505 are never asked again, and 408, 425, 502 and 504 are [H18]", "[H18]")
{
    for (int const status : {302, 402, 409, 410, 418, 501, 505})
        on_each_store([status](simulation& sim) {
            CAPTURE(status);
            auto const report = sim.run(asking({{status}, ok}));
            CHECK(report.state == task_state::error);
            CHECK(report.step("ask").attempts() == 1);
        });
    for (int const status : {408, 425, 502, 504})
        on_each_store([status](simulation& sim) {
            CAPTURE(status);
            auto const report = sim.run(asking({{status}, ok}));
            CHECK(report.state == task_state::complete);
            CHECK(waits(report) == durations{1s});
        });
}

TEST_CASE("a response without a status is a mistake of the step's, and told as such [H23]", "[H23]")
{
    on_each_store([](simulation& sim) {
        auto const record = after_first(sim, asking({response{}, ok}));
        CHECK(record.state == step_state::error);
        REQUIRE(record.last_failure);
        CHECK(record.last_failure->type == "tasker::error");
        CHECK_THAT(record.last_failure->what, support::contains("0 is not an HTTP status"));
    });
}

TEST_CASE("an explicit request counts for one failure alone: the next one waits by the exponential again [D27]", "[D27]")
{
    on_each_store([](simulation& sim) {
        auto const id = sim.submit(asking({{429, {{"Retry-After", "30"}}}, {429}, {503, {{"Retry-After", "7"}}}, {503}, ok}));
        sim.advance(30s);
        auto const record = sim.report(id).step("ask").record;
        CHECK(record.attempts == 2);
        CHECK_FALSE(record.backoff_request);
        CHECK(record.next_retry_at == *record.finished_at + 2s);
        sim.finish(id);
        CHECK(waits(sim.report(id)) == durations{30s, 2s, 7s, 8s});
    });
}

TEST_CASE("the request is gone from the record as soon as the next attempt runs [D27]", "[D27]")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"test", "cleared"};
        flow.step("ask", [](step_context& context) -> async<void> {
            if (context.attempt() == 1)
                throw retry_after{30s};
            co_await context.sleep_for(1min);
        });
        auto const id = sim.submit(std::move(flow).build());
        sim.settle();
        CHECK(sim.report(id).step("ask").record.backoff_request == 30s);
        sim.advance(31s);
        auto const record = sim.report(id).step("ask").record;
        CHECK(record.state == step_state::in_progress);
        CHECK_FALSE(record.backoff_request);
        CHECK_FALSE(record.last_failure);
    });
}

TEST_CASE("an explicit request wins alone, shorter or longer than the exponential would wait [D21]", "[D21]")
{
    on_each_store([](simulation& sim) {
        auto const short_one = sim.run(asking({{503}, {503}, {503}, {503, {{"Retry-After", "1"}}}, ok}));
        CHECK(waits(short_one) == durations{1s, 2s, 4s, 1s});
    });
    on_each_store([](simulation& sim) { // a day, cut to the five minutes that throw_for_status takes from a server
        auto const id = sim.submit(asking({{503, {{"Retry-After", "86400"}}}, ok}));
        sim.finish(id);
        CHECK(sim.report(id).all<step_failed>().front().next_retry_at == sim.report(id).record.created_at + 5min);
        CHECK(waits(sim.report(id)) == durations{5min + 5s}); // parked, with its buffer
    });
}

TEST_CASE("a request of zero is honoured: the next attempt starts at once [D21]", "[D21]")
{
    on_each_store([](simulation& sim) {
        auto const report = sim.run(asking({{503, {{"Retry-After", "0"}}}, {503, {{"Retry-After", "0"}}}, ok}));
        CHECK(report.state == task_state::complete);
        CHECK(waits(report) == durations{0s, 0s});
        CHECK(report.step("ask").attempts() == 3);
    });
}

namespace {

/// The first waits of a hundred tasks that fail at the same instant.
std::vector<duration> hundred_waits(jitter spread, std::uint64_t seed)
{
    simulation sim{{.seed = seed}};
    auto const flow = asking({{503}, ok}, {.backoff = {.initial = 1s}, .jitter = spread});
    std::vector<duration> found;
    for (int no = 0; no < 100; ++no) {
        auto const record = after_first(sim, flow);
        found.push_back(*record.next_retry_at - *record.finished_at);
    }
    return found;
}

bool all_within(std::vector<duration> const& waits, duration low, duration high)
{
    return std::all_of(waits.begin(), waits.end(), [&](duration wait) { return std::clamp(wait, low, high) == wait; });
}

} // namespace

TEST_CASE("jitter spreads the waits of a hundred tasks within its bounds, and the same seed spreads them the same way [H07]",
          "[H07]")
{
    auto const tenth = hundred_waits(jitter::ten_percent, 1);
    CHECK(all_within(tenth, 900ms, 1100ms));
    CHECK_FALSE(all_within(tenth, 950ms, 1050ms)); // it uses its range
    CHECK(std::set(tenth.begin(), tenth.end()).size() == 100);
    CHECK(hundred_waits(jitter::ten_percent, 1) == tenth);
    CHECK(hundred_waits(jitter::ten_percent, 2) != tenth);

    auto const full = hundred_waits(jitter::full, 1);
    CHECK(all_within(full, 1us, 1s));
    CHECK_FALSE(all_within(full, 250ms, 750ms));
    CHECK(hundred_waits(jitter::none, 1) == std::vector<duration>(100, 1s));
}

TEST_CASE("every attempt starts exactly when its record said, with any jitter, and no wait passes the cap [H07]", "[H07]")
{
    for (jitter const spread : {jitter::ten_percent, jitter::full, jitter::decorrelated})
        on_each_store([spread](simulation& sim) {
            retry_policy const retry{.max_attempts = 8, .backoff = {.initial = 1s, .cap = 10s}, .jitter = spread};
            auto const report = sim.run(asking(std::vector<response>(8, {503}), retry));
            CHECK(report.state == task_state::error);
            auto const starts = report.all<step_started>();
            auto const failures = report.all<step_failed>();
            REQUIRE(starts.size() == 8);
            REQUIRE(failures.size() == 8);
            for (std::size_t at = 0; at + 1 < starts.size(); ++at) {
                CHECK(failures[at].next_retry_at == starts[at + 1].at);
                CHECK(all_within({starts[at + 1].at - failures[at].at}, 1us, 10s));
            }
            CHECK_FALSE(failures.back().next_retry_at);
        });
}

TEST_CASE("decorrelated jitter draws from the initial wait to three times the wait before, also on the stored record [H07]",
          "[H07]")
{
    on_each_store([](simulation& sim) {
        retry_policy const retry{.max_attempts = 6, .backoff = {.initial = 1s, .cap = 50s}, .jitter = jitter::decorrelated};
        auto const report = sim.run(asking(std::vector<response>(6, {503}), retry));
        auto const drawn = waits(report);
        REQUIRE(drawn.size() == 5);
        CHECK(drawn.front() == 1s); // there is no wait before the first
        for (std::size_t at = 1; at < drawn.size(); ++at)
            CHECK(all_within({drawn[at]}, 1s, std::max<duration>(1s, std::min<duration>(50s, 3 * drawn[at - 1]))));
        CHECK(std::set(drawn.begin(), drawn.end()).size() == 5);
    });
}
