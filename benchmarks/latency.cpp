// How long everything takes on an idle system: from submit to the start of the first step and to the heard end, from a
// parent's end to its child's start, and how late a retry comes. Beside a bare commit of one small row, or a bare timer.

#include "load.hpp"
#include "percentiles.hpp"
#include "postgres_server.hpp"
#include "report.hpp"
#include "stores.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using benchmark::bound;
using benchmark::samples;
using moment = std::chrono::steady_clock::time_point;

constexpr int warm_up = 50; ///< what is measured before the measuring: plans, caches, frames
constexpr auto retry_pause = 5ms;

double microseconds(moment from, moment to) { return std::chrono::duration<double, std::micro>(to - from).count(); }

struct taken_times {
    samples to_start;
    samples to_finish;
    samples to_child;
    samples retry_late;
    samples baseline;   ///< a bare commit; in memory a bare `post`
    samples timer_late; ///< a bare timer
};

/// What the steps of the task under way have noted.
struct notes {
    moment started;
    moment parent_ended;
    moment child_started;
    moment failed;
    moment retried;
};

tasker::workflow one_step(notes& of)
{
    tasker::workflow_builder flow{"benchmark", "one-step", "1.0.0"};
    flow.step("answer", [&of] {
        of.started = std::chrono::steady_clock::now();
        return 42;
    });
    return std::move(flow).build();
}

tasker::workflow two_steps(notes& of)
{
    tasker::workflow_builder flow{"benchmark", "two-steps", "1.0.0"};
    auto const parent = flow.step("parent", [&of] {
        of.parent_ended = std::chrono::steady_clock::now();
        return 42;
    });
    flow.step("child", after(parent), [&of](int answer) {
        of.child_started = std::chrono::steady_clock::now();
        return answer;
    });
    return std::move(flow).build();
}

tasker::workflow retried(notes& of)
{
    tasker::workflow_builder flow{"benchmark", "retried", "1.0.0"};
    flow.step("second try", [&of](tasker::step_context& step) {
        if (step.attempt() == 1) {
            of.failed = std::chrono::steady_clock::now();
            throw tasker::retry_after{retry_pause};
        }
        of.retried = std::chrono::steady_clock::now();
        return 42;
    });
    return std::move(flow).build();
}

/// One thing at a time, by turns, each on an idle system.
class turns {
public:
    turns(asio::io_context& io, benchmark::database& on) : io_{io}, on_{on}, engine_{io, on.open()}
    {
        engine_.add(one_step(notes_));
        engine_.add(two_steps(notes_));
        engine_.add(retried(notes_));
        if (on.is_durable())
            bare_ = on.bare();
    }

    asio::awaitable<void> take(int count, taken_times& into)
    {
        for (int turn = -warm_up; turn < count; ++turn) {
            if (turn == 0)
                into = {};
            co_await take_one(into);
        }
        co_await engine_.drain();
    }

private:
    asio::awaitable<void> take_one(taken_times& into)
    {
        moment const begin = co_await run("benchmark/one-step");
        into.to_start.push_back(microseconds(begin, notes_.started));
        into.to_finish.push_back(microseconds(begin, std::chrono::steady_clock::now()));
        co_await run("benchmark/two-steps");
        into.to_child.push_back(microseconds(notes_.parent_ended, notes_.child_started));
        co_await run("benchmark/retried");
        into.retry_late.push_back(microseconds(notes_.failed + retry_pause, notes_.retried));
        into.timer_late.push_back(co_await bare_timer());
        into.baseline.push_back(co_await baseline());
    }

    asio::awaitable<moment> run(std::string_view workflow)
    {
        co_await rest();
        moment const begin = std::chrono::steady_clock::now();
        tasker::task_handle const task = co_await engine_.submit(workflow);
        co_await task.result<int>();
        co_return begin;
    }

    /// Waits until the system is idle again: what was in the processor's caches has made room, and everybody sleeps.
    asio::awaitable<void> rest()
    {
        if (!on_.is_durable())
            co_return;
        timer_.expires_after(10ms);
        co_await timer_.async_wait(asio::use_awaitable);
    }

    asio::awaitable<double> bare_timer()
    {
        moment const due = std::chrono::steady_clock::now() + retry_pause;
        timer_.expires_at(due);
        co_await timer_.async_wait(asio::use_awaitable);
        co_return microseconds(due, std::chrono::steady_clock::now());
    }

    asio::awaitable<double> baseline()
    {
        co_await rest();
        moment const begin = std::chrono::steady_clock::now();
        if (bare_)
            bare_->commit();
        else
            co_await asio::post(io_, asio::use_awaitable);
        co_return microseconds(begin, std::chrono::steady_clock::now());
    }

    asio::io_context& io_;
    benchmark::database& on_;
    notes notes_;
    tasker::engine engine_;
    std::unique_ptr<benchmark::bare_commit> bare_;
    asio::steady_timer timer_{io_};
};

taken_times measure(benchmark::database& on, int count)
{
    on.clear();
    asio::io_context io;
    turns all{io, on};
    taken_times taken;
    benchmark::run(io, all.take(count, taken));
    return taken;
}

void answer(benchmark::report& to, benchmark::database& on, std::string const& where, int count)
{
    benchmark::tell("latency: " + where);
    taken_times const taken = measure(on, count);
    std::string const bare = on.is_durable() ? "; baseline: a bare commit" : "; baseline: a bare post";
    to.section(where + bare);
    auto const to_finish = on.is_durable() && where.find("shared memory") == std::string::npos ? bound::ratio_at_most : bound::none;
    add_percentiles(to, "from submit to finish", taken.to_finish, taken.baseline, "p50", to_finish, 2.5);
    add_percentiles(to, "from submit to start", taken.to_start, taken.baseline);
    add_percentiles(to, "from a parent's end to its child's start", taken.to_child, taken.baseline);
    to.section(where + ", lateness of a retry; baseline: a bare timer");
    add_percentiles(to, "lateness of a retry", taken.retry_late, taken.timer_late);
}

} // namespace

int main(int arguments, char** words)
{
    benchmark::arguments const given{arguments, words, "latency [--store memory|SQLite|PostgreSQL ] [--count 300 ]"};
    int const count = given.number("--count", 300, 5);
    std::string const store = given.text("--store");
    auto const is_wanted = [&](char const* name) { return store.empty() || store == name; };
    std::filesystem::path const folder = std::filesystem::temp_directory_path();
    std::filesystem::path const shared = "/dev/shm"; // where a flush costs next to nothing: what is left is our own

    benchmark::report result{"An idle system, " + std::to_string(count) + " tasks of each kind, one at a time."};
    if (is_wanted("memory"))
        answer(result, *benchmark::memory(), "memory", count * 3);
    if (is_wanted("SQLite"))
        answer(result, *benchmark::sqlite(folder), "SQLite", count);
    if (!is_wanted("PostgreSQL"))
        return given.finish(result), 0;
    bool ours = false;
    {
        benchmark::postgres_server const server{folder};
        ours = server.is_ours();
        answer(result, *benchmark::postgres(server.connection()), "PostgreSQL", count);
    }
    if (ours && std::filesystem::is_directory(shared)) {
        benchmark::postgres_server const server{shared};
        answer(result, *benchmark::postgres(server.connection()), "PostgreSQL in shared memory", count);
    }
    given.finish(result);
}
