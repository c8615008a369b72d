// What waiting costs: arming, firing and cancelling a wait of the engine, and its memory, beside a bare steady_timer; how
// late thousands of retries come; and what a waiting task takes of memory and of the database.

#include "load.hpp"
#include "percentiles.hpp"
#include "report.hpp"
#include "stores.hpp"
#include "watch.hpp"

#include <tasker/runtime/clock.hpp>
#include <tasker/runtime/parker.hpp>

#include <malloc.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using benchmark::bound;
using benchmark::samples;
using steady = std::chrono::steady_clock;

double allocated()
{
    auto const now = ::mallinfo2();
    return static_cast<double>(now.uordblks + now.hblkhd);
}

/// What one wait costs: nanoseconds, and bytes while it is armed.
struct cost {
    double arm = 0;
    double fire = 0;
    double cancel = 0;
    double bytes = 0;
};

struct costs {
    samples arm;
    samples fire;
    samples cancel;
    samples bytes;

    void add(cost const& one)
    {
        arm.push_back(one.arm);
        fire.push_back(one.fire);
        cancel.push_back(one.cancel);
        bytes.push_back(one.bytes);
    }
};

/// When each of the waits is due, microseconds from some beginning, in no order.
std::vector<int> due_times(int count)
{
    std::mt19937 random{1};
    std::vector<int> all(static_cast<std::size_t>(count));
    for (int& one : all)
        one = static_cast<int>(random() % 1'000'000);
    return all;
}

double nanoseconds_each(benchmark::watch const& since, int count) { return since.seconds() * 1e9 / count; }

/// The engine's own: nodes of a heap, and one timer for all.
class parked_waits {
public:
    explicit parked_waits(int count) : waits_{time_, io_.get_executor(), [] {}}, due_{due_times(count)} {}

    cost measure()
    {
        int const count = static_cast<int>(due_.size());
        cost one;
        double const before = allocated();
        nodes_ = std::vector<node>(due_.size());
        one.arm = arm_all();
        one.bytes = (allocated() - before) / count;
        benchmark::watch cancelling;
        for (node& each : nodes_)
            waits_.remove(each);
        one.cancel = nanoseconds_each(cancelling, count);
        arm_all();
        benchmark::watch firing;
        waits_.fire(start_ + 2s);
        one.fire = nanoseconds_each(firing, count);
        return one;
    }

private:
    struct node final : tasker::wait_node {
        void on_due() override { fired = true; }
        bool fired = false;
    };

    double arm_all()
    {
        benchmark::watch arming;
        for (std::size_t at = 0; at < nodes_.size(); ++at)
            waits_.park(nodes_[at], start_ + std::chrono::microseconds{due_[at]});
        return nanoseconds_each(arming, static_cast<int>(nodes_.size()));
    }

    asio::io_context io_{1};
    tasker::system_clock time_;
    tasker::time_point start_ = time_.now() + 1h;
    tasker::parker waits_;
    std::vector<int> due_;
    std::vector<node> nodes_;
};

/// A timer and a handler each.
class bare_timers {
public:
    explicit bare_timers(int count) : due_{due_times(count)} {}

    cost measure()
    {
        int const count = static_cast<int>(due_.size());
        cost one;
        double const before = allocated();
        timers_.reserve(due_.size());
        for (std::size_t at = 0; at < due_.size(); ++at)
            timers_.emplace_back(io_);
        one.arm = arm_all(steady::now() + 1h);
        one.bytes = (allocated() - before) / count;
        benchmark::watch cancelling;
        for (asio::steady_timer& each : timers_)
            each.cancel();
        io_.poll();
        one.cancel = nanoseconds_each(cancelling, count);
        io_.restart();
        arm_all(steady::now() - 1h);
        benchmark::watch firing;
        io_.poll();
        one.fire = nanoseconds_each(firing, count);
        return one;
    }

private:
    double arm_all(steady::time_point start)
    {
        benchmark::watch arming;
        for (std::size_t at = 0; at < timers_.size(); ++at) {
            timers_[at].expires_at(start + std::chrono::microseconds{due_[at]});
            timers_[at].async_wait([this](boost::system::error_code problem) { fired_ += problem ? 0 : 1; });
        }
        return nanoseconds_each(arming, static_cast<int>(timers_.size()));
    }

    asio::io_context io_{1};
    std::vector<int> due_;
    std::vector<asio::steady_timer> timers_;
    int fired_ = 0;
};

std::string thousands(int count)
{
    std::string const digits = std::to_string(count);
    std::string text;
    for (std::size_t at = 0; at < digits.size(); ++at) {
        if (at > 0 && (digits.size() - at) % 3 == 0)
            text += ',';
        text += digits[at];
    }
    return text;
}

void compare_waits(benchmark::report& to, bool quick)
{
    std::vector<std::pair<std::string, std::pair<costs, costs>>> all;
    for (int const count : {1'000, 10'000, 100'000, 1'000'000}) {
        if (quick && count > 10'000)
            break;
        benchmark::tell(thousands(count) + " waits");
        all.emplace_back(thousands(count), std::pair<costs, costs>{});
        for (int round = quick ? 1 : count > 100'000 ? 3 : 7; round > 0; --round) {
            all.back().second.first.add(parked_waits{count}.measure());
            all.back().second.second.add(bare_timers{count}.measure());
        }
    }
    std::pair<char const*, samples costs::*> const kinds[] = {
        {"arming", &costs::arm}, {"firing", &costs::fire}, {"cancelling", &costs::cancel}, {"memory", &costs::bytes}};
    for (auto const& [what, of] : kinds) {
        std::string const unit = of == &costs::bytes ? "bytes" : "ns";
        to.section("A wait among others, " + std::string{what} + "; baseline: a bare steady_timer");
        for (auto const& [at, both] : all)
            to.add(compared(what, unit, both.first.*of, both.second.*of, bound::none, 0, at));
    }
}

/// How late each of many retries comes that are due within a span; microseconds.
class retries {
public:
    retries(int count, std::chrono::seconds span) : count_{count}, span_{span} {}

    samples late()
    {
        asio::io_context io{1};
        tasker::engine_options options;
        options.max_concurrent_steps = static_cast<std::size_t>(count_);
        tasker::engine engine{io, benchmark::memory()->open(), options};
        engine.add(workflow());
        auto const told = engine.subscribe([this](tasker::step_failed const& event) { due_[event.task] = *event.next_retry_at; },
                                           {.delivery = tasker::delivery::in_place});
        benchmark::run(io, submit(io, engine));
        return lateness();
    }

private:
    tasker::workflow workflow()
    {
        tasker::workflow_builder flow{"benchmark", "chain", "1.0.0"};
        flow.step("second try", [this](tasker::step_context& step) {
            if (step.attempt() == 1)
                throw tasker::retry_after{500ms + std::chrono::microseconds{random_() % std::uint64_t(span_ / 1us)}};
            came_[step.task()] = step.now();
            return 42;
        });
        return std::move(flow).build();
    }

    asio::awaitable<void> submit(asio::io_context& io, tasker::engine& engine)
    {
        benchmark::saturation all{io, engine, {count_, count_, 1}};
        co_await all.run();
        co_await engine.drain();
    }

    samples lateness() const
    {
        samples all;
        for (auto const& [task, came] : came_)
            all.push_back(std::chrono::duration<double, std::micro>(came - due_.at(task)).count());
        return all;
    }

    int count_;
    std::chrono::seconds span_;
    std::mt19937_64 random_{1};
    std::unordered_map<tasker::task_id, tasker::time_point> due_;
    std::unordered_map<tasker::task_id, tasker::time_point> came_;
};

/// The same with a timer each.
samples bare_lateness(int count, std::chrono::seconds span)
{
    asio::io_context io{1};
    std::mt19937_64 random{1};
    samples all;
    std::vector<asio::steady_timer> timers;
    timers.reserve(static_cast<std::size_t>(count));
    auto const start = steady::now() + 500ms;
    for (int made = 0; made < count; ++made) {
        auto const due = start + std::chrono::microseconds{random() % std::uint64_t(span / 1us)};
        timers.emplace_back(io, due).async_wait([&all, due](boost::system::error_code) {
            all.push_back(std::chrono::duration<double, std::micro>(steady::now() - due).count());
        });
    }
    io.run();
    return all;
}

void append(samples& to, samples const& more) { to.insert(to.end(), more.begin(), more.end()); }

void compare_lateness(benchmark::report& to, bool quick)
{
    std::chrono::seconds const span{quick ? 1 : 5};
    for (int const count : {1'000, 10'000, 100'000}) {
        if (quick && count > 1'000)
            break;
        samples ours;
        samples bare;
        for (int round = !quick && count == 10'000 ? 2 : 1; round > 0; --round) {
            benchmark::tell("lateness of " + thousands(count) + " retries");
            append(ours, retries{count, span}.late());
            append(bare, bare_lateness(count, span));
        }
        to.section("Lateness of " + thousands(count) + " retries within " + std::to_string(span.count()) +
                   " s; baseline: a bare steady_timer with a handler");
        bool const counts = count == 10'000;
        add_percentiles(to, "lateness", ours, bare, "p99", counts ? bound::ratio_at_most : bound::none, 1.1);
    }
}

/// Bytes of a task that waits for its retry.
struct footprint {
    double process = 0;
    double database = 0;
};

asio::awaitable<void> submit_all(tasker::engine& engine, int count, tasker::duration delay)
{
    tasker::submit_options const options{.delay = delay};
    for (int made = 0; made < count; ++made)
        co_await engine.submit("benchmark/waiting", options);
}

footprint measure_waiting(benchmark::database& on, int count, tasker::duration pause)
{
    on.clear();
    asio::io_context io{1};
    tasker::engine_options options;
    options.max_resident_tasks = static_cast<std::size_t>(count) + 1;
    tasker::engine engine{io, on.open(), options};
    tasker::workflow_builder flow{"benchmark", "waiting", "1.0.0"};
    int failed = 0;
    flow.step("later", [&failed, pause] {
        ++failed;
        throw tasker::retry_after{pause};
    });
    engine.add(std::move(flow).build());
    double const before = allocated();
    for (int submitters = 100; submitters > 0; --submitters)
        asio::co_spawn(io, submit_all(engine, count / 100, {}), benchmark::rethrow);
    while (failed < count / 100 * 100)
        io.run_one();
    io.run_for(300ms); // what was gathered meanwhile is committed, too
    ::malloc_trim(0);
    footprint const taken{(allocated() - before) / count, on.bytes() / count};
    benchmark::run(io, engine.drain());
    return taken;
}

void tell_waiting(benchmark::report& to, bool quick)
{
    int const count = quick ? 1'000 : 100'000;
    auto const on = benchmark::sqlite(std::filesystem::temp_directory_path());
    to.section(thousands(count) + " tasks that wait for a retry, on SQLite");
    benchmark::tell("resident tasks");
    footprint const resident = measure_waiting(*on, count, 50s);
    benchmark::tell("parked tasks");
    footprint const parked = measure_waiting(*on, count, 1h);
    to.add({"a resident one, in the process", "bytes", resident.process, {}, bound::figure_at_most, 600});
    to.add({"a parked one, in the process, with SQLite's own cache", "bytes", parked.process, {}, bound::figure_at_most, 1});
    to.add({"a parked one with its step and its history, in the database", "bytes", parked.database, {}, bound::figure_at_most, 400});
}

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "timers"};
    benchmark::report result{"Waiting: the engine's one heap of due times and one timer, in memory."};
    compare_waits(result, given.quick());
    compare_lateness(result, given.quick());
    tell_waiting(result, given.quick());
    given.finish(result);
}
