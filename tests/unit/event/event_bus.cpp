#include <tasker/event/event_bus.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <iostream>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace tasker;

namespace {

constexpr subscribe_options in_place{.delivery = delivery::in_place};

step_completed completed(int attempt)
{
    step_completed e;
    e.step = "charge";
    e.attempt = attempt;
    return e;
}

/// What is written to std::clog during its life.
class captured_clog {
public:
    captured_clog() : former_{std::clog.rdbuf(text_.rdbuf())} {}
    ~captured_clog() { std::clog.rdbuf(former_); }
    std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::streambuf* former_;
};

int heard_by_function = 0;
void hear(step_completed const& e) noexcept { heard_by_function += e.attempt; }

struct functor {
    int* sum;
    void operator()(step_completed e) const noexcept { *sum += e.attempt; }
};

} // namespace

TEST_CASE("one published step.completed reaches each of its subscribers exactly once [I03]", "[I03]")
{
    event_bus bus;
    std::atomic<int> queued = 0;
    int placed = 0;
    auto const first = bus.subscribe([&](step_completed const&) { ++queued; });
    auto const second = bus.subscribe([&](step_completed const&) { ++placed; }, in_place);
    bus.publish(completed(1));
    bus.flush();
    CHECK(queued == 1);
    CHECK(placed == 1);
    bus.publish(event{completed(2)});
    bus.flush();
    CHECK(queued == 2);
    CHECK(placed == 2);
}

TEST_CASE("the parameter type of a subscriber decides what it hears")
{
    event_bus bus;
    int failed = 0;
    int of_steps = 0;
    int of_tasks = 0;
    int all = 0;
    auto const a = bus.subscribe([&](step_failed const&) { ++failed; }, in_place);
    auto const b = bus.subscribe([&](step_event const&) { ++of_steps; }, in_place);
    auto const c = bus.subscribe([&](task_event const&) { ++of_tasks; }, in_place);
    auto const d = bus.subscribe([&](event const&) { ++all; }, in_place);
    bus.publish(step_failed{});
    bus.publish(completed(1));
    bus.publish(custom_event{}); // a step's
    bus.publish(task_completed{});
    bus.publish(event{command_refused{}}); // a task's
    bus.publish(engine_drained{}); // nobody's
    CHECK(failed == 1);
    CHECK(of_steps == 3);
    CHECK(of_tasks == 5);
    CHECK(all == 6);
}

TEST_CASE("functions, function objects, owning closures and references can subscribe")
{
    event_bus bus;
    int sum = 0;
    heard_by_function = 0;
    functor const named{&sum};
    auto const a = bus.subscribe(hear, in_place);
    auto const b = bus.subscribe(&hear, in_place);
    auto const c = bus.subscribe(functor{&sum}, in_place);
    auto const d = bus.subscribe(std::ref(named), in_place);
    auto const e = bus.subscribe(
        [&sum, own = std::make_unique<int>(10)](step_completed const& one) mutable { sum += *own * one.attempt; },
        in_place);
    bus.publish(completed(1));
    CHECK(heard_by_function == 2);
    CHECK(sum == 12);
}

TEST_CASE("an event is wanted while somebody who hears it is subscribed, and never else")
{
    event_bus bus;
    CHECK_FALSE(bus.wants<event>());
    auto steps = bus.subscribe([](step_event const&) {});
    CHECK(bus.wants<step_failed>());
    CHECK(bus.wants<custom_event>());
    CHECK(bus.wants<step_event>());
    CHECK(bus.wants<task_event>()); // somebody hears some of them
    CHECK_FALSE(bus.wants<task_failed>());
    CHECK_FALSE(bus.wants<engine_drained>());
    auto tasks = bus.subscribe([](task_failed const&) {});
    CHECK(bus.wants<task_failed>());
    steps.reset();
    CHECK_FALSE(bus.wants<step_failed>());
    CHECK(bus.wants<task_failed>());
    tasks.reset();
    CHECK_FALSE(bus.wants<event>());
}

TEST_CASE("in place delivery happens on the publisher's thread before publish returns, queued delivery on another")
{
    event_bus bus;
    std::thread::id placed;
    std::thread::id queued;
    auto const a = bus.subscribe([&](step_completed const&) { placed = std::this_thread::get_id(); }, in_place);
    auto const b = bus.subscribe([&](step_completed const&) { queued = std::this_thread::get_id(); });
    bus.publish(completed(1));
    CHECK(placed == std::this_thread::get_id());
    b.flush();
    CHECK(queued != std::thread::id{});
    CHECK(queued != std::this_thread::get_id());
}

TEST_CASE("a subscriber that throws harms neither the publisher nor others, and each exception is reported [I10]",
          "[I10]")
{
    struct told {
        std::string subscriber, event, what;
        std::size_t failures;
        bool operator==(told const&) const = default;
    };
    std::mutex mutex;
    std::vector<told> errors;
    event_bus bus{[&](subscriber_error const& problem) {
        std::lock_guard const lock{mutex};
        errors.push_back({std::string{problem.subscriber}, std::string{problem.event}, std::string{problem.what},
                          problem.failures});
    }};
    int heard = 0;
    auto const broken =
        bus.subscribe([](step_completed const& e) { throw std::runtime_error{std::to_string(e.attempt)}; },
                      {.delivery = delivery::in_place, .name = "mailer"});
    auto const odd = bus.subscribe([](task_completed const&) { throw 42; });
    auto const healthy = bus.subscribe([&](step_completed const&) { ++heard; }, in_place);
    CHECK_NOTHROW(bus.publish(completed(1)));
    CHECK_NOTHROW(bus.publish(completed(2)));
    CHECK_NOTHROW(bus.publish(task_completed{}));
    bus.flush();
    CHECK(heard == 2);
    CHECK(broken.failures() == 2);
    CHECK(odd.failures() == 1);
    CHECK(healthy.failures() == 0);
    REQUIRE(errors.size() == 3);
    CHECK((errors[0] == told{"mailer", "step.completed", "1", 1}));
    CHECK((errors[1] == told{"mailer", "step.completed", "2", 2}));
    CHECK((errors[2] == told{"", "task.completed", "an exception that is not a std::exception", 1}));
}

TEST_CASE("an exception of a queued subscriber leaves its later events to be delivered [I10]", "[I10]")
{
    event_bus bus{[](subscriber_error const&) {}};
    std::vector<int> heard;
    auto const one = bus.subscribe([&](step_completed const& e) {
        heard.push_back(e.attempt);
        if (e.attempt == 1)
            throw std::runtime_error{"first"};
    });
    bus.publish(completed(1));
    bus.publish(completed(2));
    bus.flush();
    CHECK(heard == std::vector<int>{1, 2});
    CHECK(one.failures() == 1);
}

TEST_CASE("without a callback an exception is one line on std::clog, and so it is when the callback throws [I10]",
          "[I10]")
{
    std::string const line =
        "tasker: the event subscriber \"mailer\" threw on step.completed: no server (failure 1; the engine goes on)\n";
    subscribe_options const options{.delivery = delivery::in_place, .name = "mailer"};
    auto const broken = [](step_completed const&) { throw std::runtime_error{"no server"}; };
    captured_clog const log;
    {
        event_bus bus;
        auto const s = bus.subscribe(broken, options);
        bus.publish(completed(1));
        CHECK(log.text() == line);
    }
    {
        event_bus bus{[](subscriber_error const&) { throw std::logic_error{"broken as well"}; }};
        auto const s = bus.subscribe(broken, options);
        bus.publish(completed(1));
        CHECK(log.text() == line + line);
    }
}

TEST_CASE("a subscriber that blocks holds back neither the publisher nor other subscribers [I12]", "[I12]")
{
    event_bus bus;
    std::latch go{1};
    std::vector<int> slow;
    std::vector<int> quick;
    auto const blocked = bus.subscribe([&](step_completed const& e) {
        go.wait();
        slow.push_back(e.attempt);
    });
    auto const other = bus.subscribe([&](step_completed const& e) { quick.push_back(e.attempt); });
    std::vector<int> published;
    for (int step = 1; step <= 100; ++step) { // would never end if publish waited for the blocked subscriber
        bus.publish(completed(step));
        published.push_back(step);
    }
    other.flush();
    CHECK(quick == published);
    go.count_down();
    blocked.flush();
    CHECK(slow == published);
    CHECK(blocked.dropped() == 0);
}

TEST_CASE("a full queue drops its oldest events and counts them")
{
    event_bus bus;
    std::latch entered{1};
    std::latch go{1};
    std::vector<int> heard;
    auto const slow = bus.subscribe(
        [&](step_completed const& e) {
            if (e.attempt == 1)
                entered.count_down();
            go.wait();
            heard.push_back(e.attempt);
        },
        {.capacity = 3});
    bus.publish(completed(1));
    entered.wait(); // the first event left the queue
    for (int step = 2; step <= 10; ++step)
        bus.publish(completed(step));
    CHECK(slow.dropped() == 6);
    go.count_down();
    slow.flush();
    CHECK(heard == std::vector<int>{1, 8, 9, 10});
    CHECK(slow.dropped() == 6);
}

TEST_CASE("flush waits for the call that runs even when newer events were dropped meanwhile")
{
    event_bus bus;
    std::latch entered{1};
    std::latch go{1};
    std::atomic<int> finished = 0;
    auto const slow = bus.subscribe(
        [&](step_completed const& e) {
            if (e.attempt == 1) {
                entered.count_down();
                go.wait();
            }
            ++finished;
        },
        {.capacity = 1});
    bus.publish(completed(1));
    entered.wait();
    bus.publish(completed(2));
    int seen = -1;
    std::latch flushing{1};
    std::thread flusher{[&] {
        flushing.count_down();
        slow.flush();
        seen = finished;
    }};
    flushing.wait();
    bus.publish(completed(3)); // drops the second event
    go.count_down();
    flusher.join();
    CHECK(seen >= 1);
    slow.flush();
    CHECK(finished == 2);
    CHECK(slow.dropped() == 1);
}

TEST_CASE("a subscription without room is refused with invalid_options")
{
    event_bus bus;
    std::optional<errc> code;
    try {
        auto const s = bus.subscribe([](event const&) {}, {.capacity = 0});
    } catch (error const& problem) {
        code = problem.code();
    }
    CHECK(code == errc::invalid_options);
    CHECK_FALSE(bus.wants<event>());
}

TEST_CASE("a subscriber may publish and subscribe from within a call")
{
    event_bus bus;
    int tasks = 0;
    std::optional<subscription> later;
    auto const steps = bus.subscribe(
        [&](step_completed const& e) {
            if (!later)
                later = bus.subscribe([&](task_completed const&) { ++tasks; }, in_place);
            if (e.attempt < 3)
                bus.publish(completed(e.attempt + 1));
            bus.publish(task_completed{});
        },
        in_place);
    bus.publish(completed(1));
    CHECK(tasks == 3);
}

TEST_CASE("events of many threads all arrive, those of one thread in their order")
{
    constexpr int threads = 4;
    constexpr int each = 2'000;
    event_bus bus;
    std::vector<std::vector<int>> heard(threads);
    std::atomic<int> placed = 0;
    auto const queued = bus.subscribe(
        [&](step_completed const& e) { heard[static_cast<std::size_t>(e.max_attempts)].push_back(e.attempt); });
    auto const counted = bus.subscribe([&](step_event const&) { ++placed; }, in_place);
    std::latch start{threads};
    std::vector<std::thread> publishers;
    for (int thread = 0; thread < threads; ++thread)
        publishers.emplace_back([&, thread] {
            start.arrive_and_wait();
            for (int at = 0; at < each; ++at) {
                auto e = completed(at);
                e.max_attempts = thread;
                bus.publish(std::move(e));
            }
        });
    for (auto& publisher : publishers)
        publisher.join();
    bus.flush();
    CHECK(placed == threads * each);
    CHECK(queued.dropped() == 0);
    std::vector<int> expected;
    for (int at = 0; at < each; ++at)
        expected.push_back(at);
    for (auto const& one : heard)
        CHECK(one == expected);
}

TEST_CASE("the end of a bus delivers what is still queued")
{
    std::vector<int> heard;
    std::latch go{1};
    auto bus = std::make_unique<event_bus>();
    auto const slow = bus->subscribe([&](step_completed const& e) {
        go.wait();
        heard.push_back(e.attempt);
    });
    for (int step = 1; step <= 50; ++step)
        bus->publish(completed(step));
    go.count_down();
    bus.reset();
    REQUIRE(heard.size() == 50);
    CHECK(heard.back() == 50);
}
