#include <tasker/event/event_bus.hpp>
#include <tasker/event/trace_subscriber.hpp>

#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr task_id first{0x019303f27c1e7a3bU, 0x8d550123456789abU};
constexpr time_point start{1h};

template <class Event>
Event of(task_id task, duration after, std::string step = {}, int attempt = 1)
{
    Event e;
    e.task = task;
    e.workflow = "shop/order@1.0.0";
    e.at = start + after;
    if constexpr (std::is_base_of_v<step_event, Event>) {
        e.step = std::move(step);
        e.attempt = attempt;
    }
    return e;
}

template <class Event>
Event lasting(duration length, Event e)
{
    e.elapsed = length;
    return e;
}

/// A trace and the spans it wrote.
struct recording {
    std::vector<span> spans;
    trace_subscriber trace;

    explicit recording(trace_options options = {})
        : trace{[this](span const& one) { spans.push_back(one); }, options}
    {
    }
    recording(recording const&) = delete;
};

std::string attribute(span const& one, std::string_view key)
{
    for (auto const& [name, value] : one.attributes)
        if (name == key)
            return value;
    return "(none)";
}

} // namespace

TEST_CASE("a task becomes a span with one child for each attempt, of their exact times")
{
    recording r;
    r.trace(of<task_submitted>(first, 0s));
    r.trace(of<step_started>(first, 1s, "charge", 1));
    auto failed = lasting(2s, of<step_failed>(first, 3s, "charge", 1));
    failed.kind = failure_kind::retry_after;
    failed.what = "too busy";
    failed.type = "tasker::retry_after";
    r.trace(failed);
    r.trace(of<step_started>(first, 5s, "charge", 2));
    r.trace(lasting(1s, of<step_completed>(first, 6s, "charge", 2)));
    r.trace(lasting(6s, of<task_completed>(first, 6s)));
    REQUIRE(r.spans.size() == 3);
    auto const& [one, two, task] = std::tie(r.spans[0], r.spans[1], r.spans[2]);
    CHECK(task.name == "shop/order@1.0.0");
    CHECK(task.trace_id == "019303f27c1e7a3b8d550123456789ab");
    CHECK(task.parent.empty());
    CHECK(task.start == start);
    CHECK(task.end == start + 6s);
    CHECK(task.status == span_status::ok);
    CHECK(one.name == "charge");
    CHECK(one.parent == task.span_id);
    CHECK(one.trace_id == task.trace_id);
    CHECK(one.start == start + 1s);
    CHECK(one.end == start + 3s);
    CHECK(one.status == span_status::error);
    CHECK(one.status_message == "too busy");
    CHECK(attribute(one, "tasker.attempt") == "1");
    CHECK(attribute(one, "exception.type") == "tasker::retry_after");
    CHECK(attribute(one, "tasker.failure.kind") == "retry_after");
    CHECK(two.parent == task.span_id);
    CHECK(two.start == start + 5s);
    CHECK(two.end == start + 6s);
    CHECK(two.status == span_status::ok);
    CHECK(attribute(two, "tasker.attempt") == "2");
    CHECK(one.span_id != two.span_id);
    CHECK(r.trace.open_tasks() == 0);
}

TEST_CASE("a failed task is a span in error with its reason")
{
    recording r;
    auto e = lasting(4s, of<task_failed>(first, 4s));
    e.what = "charge gave up";
    r.trace(e);
    REQUIRE(r.spans.size() == 1);
    CHECK(r.spans[0].status == span_status::error);
    CHECK(r.spans[0].status_message == "charge gave up");
    CHECK(r.spans[0].start == start);
}

TEST_CASE("cancelling ends the span of the task and of what ran, and a step that never started has none")
{
    recording r;
    r.trace(of<task_submitted>(first, 0s));
    r.trace(of<step_started>(first, 1s, "charge", 1));
    r.trace(of<step_cancelled>(first, 2s, "charge", 1));
    r.trace(of<step_cancelled>(first, 2s, "ship", 0));
    auto e = of<task_cancelled>(first, 2s);
    e.reason = "no money";
    r.trace(e);
    REQUIRE(r.spans.size() == 2);
    CHECK(r.spans[0].name == "charge");
    CHECK(r.spans[0].start == start + 1s);
    CHECK(r.spans[0].end == start + 2s);
    CHECK(r.spans[1].start == start);
    CHECK(r.spans[1].status_message == "cancelled: no money");
    CHECK(r.trace.open_tasks() == 0);
}

TEST_CASE("a lost lease ends the running attempts and leaves the task's span to the worker that ends it")
{
    recording loser;
    loser.trace(of<task_submitted>(first, 0s));
    loser.trace(of<step_started>(first, 1s, "charge", 1));
    loser.trace(of<task_lease_lost>(first, 9s));
    REQUIRE(loser.spans.size() == 1);
    CHECK(loser.spans[0].name == "charge");
    CHECK(loser.spans[0].status_message == "lease lost");
    CHECK(loser.trace.open_tasks() == 0);
    recording winner;
    winner.trace(lasting(20s, of<task_completed>(first, 20s)));
    REQUIRE(winner.spans.size() == 1);
    CHECK(winner.spans[0].span_id == loser.spans[0].parent);
    CHECK(winner.spans[0].start == start);
}

TEST_CASE("a parked task is forgotten, one that waits in memory is not")
{
    recording r;
    r.trace(of<task_submitted>(first, 0s));
    r.trace(of<task_waiting>(first, 1s));
    CHECK(r.trace.open_tasks() == 1);
    auto parked = of<task_waiting>(first, 1s);
    parked.parked = true;
    r.trace(parked);
    CHECK(r.trace.open_tasks() == 0);
    CHECK(r.spans.empty());
}

TEST_CASE("memory is bounded: beyond the limit the oldest task is forgotten, and still gets its span from its length")
{
    recording r{{.max_open_tasks = 10}};
    for (std::uint64_t at = 1; at <= 1'000; ++at) {
        r.trace(of<task_submitted>(task_id{at, 0}, 0s));
        r.trace(of<step_started>(task_id{at, 0}, 1s, "charge", 1));
    }
    CHECK(r.trace.open_tasks() == 10);
    r.trace(lasting(1s, of<step_completed>(task_id{1, 0}, 2s, "charge", 1)));
    r.trace(lasting(3s, of<task_completed>(task_id{1, 0}, 3s)));
    REQUIRE(r.spans.size() == 2);
    CHECK(r.spans[0].start == start + 1s);
    CHECK(r.spans[1].start == start);
    r.trace(of<task_cancelled>(task_id{1'000, 0}, 4s));
    REQUIRE(r.spans.size() == 4);
    CHECK(r.spans[2].start == start + 1s); // the newest is remembered
}

TEST_CASE("a step that is reset and runs its first attempt again gets another span")
{
    recording r;
    r.trace(lasting(1s, of<step_failed>(first, 2s, "charge", 1)));
    r.trace(lasting(1s, of<step_failed>(first, 9s, "charge", 1)));
    REQUIRE(r.spans.size() == 2);
    CHECK(r.spans[0].span_id != r.spans[1].span_id);
}

TEST_CASE("spans go to a stream as one OTLP-like JSON object a line")
{
    std::ostringstream out;
    event_bus bus;
    auto const s = bus.subscribe(trace_subscriber{out});
    auto e = lasting(1s, of<step_failed>(first, 2s, "charge", 1));
    e.what = "bad \"thing\"\n";
    bus.publish(e);
    bus.publish(lasting(2s, of<task_completed>(first, 2s)));
    s.flush();
    std::vector<boost::json::value> lines;
    std::istringstream text{out.str()};
    for (std::string line; std::getline(text, line);)
        lines.push_back(boost::json::parse(line));
    REQUIRE(lines.size() == 2);
    auto const& attempt = lines[0].as_object();
    CHECK(attempt.at("traceId") == "019303f27c1e7a3b8d550123456789ab");
    CHECK(attempt.at("name") == "charge");
    CHECK(attempt.at("startTimeUnixNano") == "3601000000000");
    CHECK(attempt.at("endTimeUnixNano") == "3602000000000");
    CHECK(attempt.at("status").at("code") == 2);
    CHECK(attempt.at("status").at("message") == "bad \"thing\"\n");
    CHECK(attempt.at("parentSpanId") == lines[1].at("spanId"));
    CHECK(attempt.at("attributes").at(2).at("key") == "tasker.step");
    CHECK(attempt.at("attributes").at(2).at("value").at("stringValue") == "charge");
    CHECK(lines[1].at("status").at("code") == 1);
    CHECK_FALSE(lines[1].as_object().contains("parentSpanId"));
}
