#include <tasker/event/event_bus.hpp>
#include <tasker/event/log_subscriber.hpp>

#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr log_options everything{.least = log_level::debug};
constexpr log_options json{.format = log_format::json_lines, .least = log_level::debug};

template <class Event>
Event charged(Event e)
{
    e.task = task_id{0x019303f27c1e7a3bU, 0x8d550123456789abU};
    e.workflow = "shop/fulfil-order@1.0.0";
    e.at = time_point{} + 1h;
    if constexpr (std::is_base_of_v<step_event, Event>) {
        e.step = "charge";
        e.attempt = 2;
        e.max_attempts = 5;
    }
    return e;
}

std::string logged(event const& one, log_options options)
{
    std::ostringstream out;
    log_subscriber{out, options}(one);
    return out.str();
}

template <std::size_t... Index>
std::vector<event> one_of_each(std::index_sequence<Index...>)
{
    return {event{std::in_place_index<Index>}...};
}

/// A stream buffer with room for nothing until it is told otherwise.
class full_disk : public std::stringbuf {
public:
    bool full = true;

protected:
    std::streamsize xsputn(char const* text, std::streamsize size) override
    {
        return full ? 0 : std::stringbuf::xsputn(text, size);
    }
};

} // namespace

TEST_CASE("a completed step is one line of key=value with its exact duration, attempt, limit and names [I04]", "[I04]")
{
    step_completed e;
    e.elapsed = 25s;
    CHECK(logged(charged(e), everything) ==
          "at=1970-01-01T01:00:00.000000Z level=info event=step.completed task=019303f2-7c1e-7a3b-8d55-0123456789ab "
          "workflow=shop/fulfil-order@1.0.0 step=charge attempt=2 max_attempts=5 elapsed=25s\n");
}

TEST_CASE("a completed step is one JSON object with its exact duration, attempt, limit and names [I04]", "[I04]")
{
    step_completed e;
    e.elapsed = 25s;
    auto const line = logged(charged(e), json);
    CHECK(line.find("\"elapsed_seconds\":25.000000") != std::string::npos);
    auto const value = boost::json::parse(line);
    CHECK(value.at("at") == "1970-01-01T01:00:00.000000Z");
    CHECK(value.at("level") == "info");
    CHECK(value.at("event") == "step.completed");
    CHECK(value.at("task") == "019303f2-7c1e-7a3b-8d55-0123456789ab");
    CHECK(value.at("workflow") == "shop/fulfil-order@1.0.0");
    CHECK(value.at("step") == "charge");
    CHECK(value.at("attempt") == 2);
    CHECK(value.at("max_attempts") == 5);
    CHECK(value.at("elapsed_seconds").as_double() == 25.0);
}

TEST_CASE("a failed step tells what, of which kind and class, and when it is due again [I05]", "[I05]")
{
    auto e = charged(step_failed{});
    e.elapsed = 1'500ms;
    auto const last = boost::json::parse(logged(e, json)).as_object();
    CHECK(last.at("what") == "Unknown error");
    CHECK(last.at("type") == "unknown");
    CHECK(last.at("kind") == "transient");
    CHECK(last.at("level") == "error");
    CHECK_FALSE(last.contains("next_retry_at"));
    e.next_retry_at = time_point{} + 2h;
    auto const again = boost::json::parse(logged(e, json)).as_object();
    CHECK(again.at("level") == "warning");
    CHECK(again.at("next_retry_at") == "1970-01-01T02:00:00.000000Z");
}

TEST_CASE("the end of a task tells its length and moment, a task half done no length at all [I06]", "[I06]")
{
    task_completed done;
    done.elapsed = 90s;
    auto const complete = boost::json::parse(logged(charged(done), json)).as_object();
    CHECK(complete.at("elapsed_seconds").as_double() == 90.0);
    CHECK(complete.at("at") == "1970-01-01T01:00:00.000000Z");
    auto const half = boost::json::parse(logged(charged(task_waiting{}), json)).as_object();
    CHECK_FALSE(half.contains("elapsed_seconds"));
    task_failed failed;
    failed.failed_steps = 1;
    failed.total_steps = 4;
    failed.completion_percentage = 37.5;
    auto const broken = boost::json::parse(logged(charged(failed), json)).as_object();
    CHECK(broken.at("completion_percentage").as_double() == 37.5);
    CHECK(broken.at("failed_steps") == 1);
    CHECK(broken.at("total_steps") == 4);
}

TEST_CASE("whatever an exception's message holds, an event stays one line of valid JSON or of key=value")
{
    auto e = charged(step_failed{});
    e.what = "two\nlines, \"quotes\", level=forged, \xff, \\";
    auto const plain = logged(e, everything);
    CHECK(plain.find('\n') == plain.size() - 1);
    CHECK(plain.find(R"(what="two\nlines, \"quotes\", level=forged, )") != std::string::npos);
    auto const line = logged(e, json);
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(boost::json::parse(line).at("what") == "two\nlines, \"quotes\", level=forged, \xef\xbf\xbd, \\");
}

TEST_CASE("payloads are never logged")
{
    auto done = charged(step_completed{});
    done.result = payload{R"("secret")"};
    auto own = charged(custom_event{});
    own.name = "order.shipped";
    own.data = payload{R"("secret")"};
    for (event const& one : {event{done}, event{own}})
        for (auto const& options : {everything, json})
            CHECK(logged(one, options).find("secret") == std::string::npos);
    CHECK(logged(own, everything).find("event=order.shipped") != std::string::npos);
}

TEST_CASE("every event makes exactly one line in both formats, with distinct names")
{
    std::set<std::string> names;
    for (auto const& one : one_of_each(std::make_index_sequence<std::variant_size_v<event>>{})) {
        auto const line = logged(one, everything);
        INFO(line);
        CHECK(line.find('\n') == line.size() - 1);
        auto const value = boost::json::parse(logged(one, json)).as_object();
        CHECK(names.insert(std::string{value.at("event").as_string()}).second);
        CHECK(line.find("event=" + std::string{name_of(one)}) != std::string::npos);
    }
}

TEST_CASE("events below the least level are not written")
{
    CHECK(logged(charged(step_started{}), {}).empty());
    CHECK_FALSE(logged(charged(step_completed{}), {}).empty());
    CHECK(logged(charged(step_completed{}), {.least = log_level::warning}).empty());
    CHECK_FALSE(logged(charged(task_lease_lost{}), {.least = log_level::warning}).empty());
    CHECK(logged(charged(task_lease_lost{}), {.least = log_level::error}).empty());
    CHECK_FALSE(logged(charged(task_failed{}), {.least = log_level::error}).empty());
}

TEST_CASE("a task recovered from a dead worker is a warning, a plain claim is not")
{
    task_claimed claimed;
    CHECK(level_of(claimed) == log_level::debug);
    claimed.recovered = true;
    CHECK(level_of(claimed) == log_level::warning);
}

TEST_CASE("a log subscribes to a bus by value, and is done with an event when the flush returns")
{
    std::ostringstream out;
    event_bus bus;
    auto const s = bus.subscribe(log_subscriber{out});
    bus.publish(charged(task_completed{}));
    s.flush();
    CHECK(out.str().find("event=task.completed") != std::string::npos);
}

TEST_CASE("a stream that cannot be written is reported once, and used again when it has room")
{
    full_disk disk;
    std::ostream out{&disk};
    log_subscriber const log{out};
    event const one = charged(task_completed{});
    CHECK_THROWS_AS(log(one), std::runtime_error);
    CHECK_NOTHROW(log(one));
    disk.full = false;
    CHECK_NOTHROW(log(one));
    CHECK(disk.str().find("event=task.completed") != std::string::npos);
    disk.full = true;
    CHECK_THROWS_AS(log(one), std::runtime_error);
}
