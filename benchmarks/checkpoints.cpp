// What checkpoints of a coroutine cost: a live volatile step beside a bare co_spawn, a replayed one, a recovery of
// 10,000 of them, and what a coroutine asleep takes.

#include "load.hpp"
#include "report.hpp"
#include "stores.hpp"
#include "watch.hpp"

#include <tasker/flow/coroutine_workflow.hpp>
#include <tasker/store/memory_store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <malloc.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using benchmark::bound;
using benchmark::samples;
using tasker::workflow_context;

constexpr tasker::step_options quick_step{.durability = tasker::durability::volatile_};

double allocated()
{
    auto const now = ::mallinfo2();
    return static_cast<double>(now.uordblks + now.hblkhd);
}

asio::awaitable<int> next(int n) { co_return n + 1; }

/// Bare Asio: a coroutine that awaits one after another. Nanoseconds each.
double bare_spawn(int count)
{
    asio::io_context io{1};
    double taken = 0;
    benchmark::run(io, [](int all, double& into) -> asio::awaitable<void> {
        auto const executor = co_await asio::this_coro::executor;
        benchmark::watch const watch;
        for (int n = 0; n < all;)
            n = co_await asio::co_spawn(executor, next(n), asio::use_awaitable);
        into = watch.seconds() * 1e9 / all;
    }(count, taken));
    return taken;
}

enum class body { plain, awaitable };

asio::awaitable<int> volatile_steps(workflow_context& wf, int count, body kind)
{
    for (int n = 0; n < count;)
        if (kind == body::plain)
            n = co_await wf.step("step", [n] { return n + 1; }, quick_step);
        else
            n = co_await wf.step("step", [n] { return next(n); }, quick_step);
    co_return count;
}

/// A task of `count` volatile steps, from its submission until its end is durable. Nanoseconds each.
double live_steps(int count, body kind)
{
    asio::io_context io{1};
    tasker::engine engine{io, tasker::memory_store{}};
    engine.add("benchmark", "volatile", "1.0.0", [kind](workflow_context& wf, int const& all) { return volatile_steps(wf, all, kind); });
    double taken = 0;
    benchmark::run(io, [](tasker::engine& on, int all, double& into) -> asio::awaitable<void> {
        benchmark::watch const watch;
        auto const task = co_await on.submit("benchmark/volatile", all);
        co_await task.result<int>();
        into = watch.seconds() * 1e9 / all;
        co_await on.drain();
    }(engine, count, taken));
    return taken;
}

void compare_live(benchmark::report& to, bool quick)
{
    to.section("A live volatile step, its share of the commit included; baseline: a bare co_spawn of an awaitable");
    int const count = quick ? 100 : 20'000;
    samples plain;
    samples awaitable;
    samples bare;
    for (int round = quick ? 1 : 15; round > 0; --round) {
        benchmark::tell("volatile steps");
        bare.push_back(bare_spawn(count));
        plain.push_back(live_steps(count, body::plain));
        awaitable.push_back(live_steps(count, body::awaitable));
    }
    to.add(compared("a step whose body is a function", "ns", plain, bare, bound::ratio_at_most, 1.3));
    to.add(compared("a step whose body is an awaitable", "ns", awaitable, bare, bound::ratio_at_most, 1.3));
}

/// A task that has come to so many checkpoints and waits in the store: what each takes when it is brought back, and how long it is
/// from the message that it waits for until it is over.
struct recovery {
    double checkpoint = 0;   ///< nanoseconds
    double milliseconds = 0;
};

asio::awaitable<void> bring_back(tasker::engine& engine, double& milliseconds)
{
    auto const task = co_await engine.submit("benchmark/replayed");
    asio::steady_timer pause{co_await asio::this_coro::executor};
    while ((co_await engine.load(task.id()))->task.worker) {
        pause.expires_after(1ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
    benchmark::watch const watch;
    co_await engine.send(task.id(), "go on", 1);
    co_await task.result();
    milliseconds = watch.seconds() * 1e3;
    co_await engine.drain();
}

recovery recover(tasker::any_store data, int count)
{
    recovery told;
    asio::io_context io{1};
    tasker::engine engine{io, std::move(data)};
    engine.add("benchmark", "replayed", "1.0.0", [&](workflow_context& wf) -> asio::awaitable<void> {
        benchmark::watch const watch;
        for (int n = 0; n < count;)
            n = co_await wf.step("step", [n] { return n + 1; }, quick_step);
        told.checkpoint = watch.seconds() * 1e9 / count; // of the last run
        co_await wf.receive<int>("go on");
    });
    benchmark::run(io, bring_back(engine, told.milliseconds));
    return told;
}

void tell_recovery(benchmark::report& to, bool quick)
{
    int const count = quick ? 100 : 10'000;
    auto const on = benchmark::sqlite(std::filesystem::temp_directory_path());
    samples replayed;
    samples in_memory;
    samples on_sqlite;
    for (int round = quick ? 1 : 11; round > 0; --round) {
        benchmark::tell("recoveries");
        recovery const one = recover(tasker::memory_store{}, count);
        replayed.push_back(one.checkpoint);
        in_memory.push_back(one.milliseconds);
        on->clear();
        on_sqlite.push_back(recover(on->open(), count).milliseconds);
    }
    to.section("A coroutine that has come to " + std::to_string(count) + " checkpoints is brought back, and ends");
    to.add(alone("a replayed checkpoint, in memory", "ns", replayed, bound::figure_at_most, 300));
    to.add(alone("the whole, in memory", "ms", in_memory, bound::figure_at_most, 100));
    to.add(alone("the whole, on SQLite", "ms", on_sqlite, bound::figure_at_most, 100));
}

asio::awaitable<void> submit_sleepers(tasker::engine& engine, int count)
{
    for (int made = 0; made < count; ++made)
        co_await engine.submit("benchmark/asleep");
}

/// Puts coroutines to sleep in an engine's store, and tells what its process has allocated then.
class dormitory {
public:
    explicit dormitory(tasker::any_store store) : engine_{io_, std::move(store)}
    {
        engine_.add("benchmark", "asleep", "1.0.0", [](workflow_context& wf) -> asio::awaitable<void> { co_await wf.sleep("long", 24h); });
    }

    double fill(int count)
    {
        for (int submitters = 100; submitters > 0; --submitters)
            asio::co_spawn(io_, submit_sleepers(engine_, count / 100), benchmark::rethrow);
        for (asleep_ -= count / 100 * 100; asleep_ < 0;)
            io_.run_one();
        io_.run_for(300ms); // what was gathered meanwhile is committed, too
        ::malloc_trim(0);
        return allocated();
    }

    void close() { benchmark::run(io_, engine_.drain()); }

private:
    asio::io_context io_{1};
    tasker::engine engine_;
    int asleep_ = 0; ///< less those that are to be
    tasker::subscription listening_ = engine_.subscribe([this](tasker::task_waiting const&) { ++asleep_; },
                                                        tasker::subscribe_options{.delivery = tasker::delivery::in_place});
};

void tell_sleepers(benchmark::report& to, int count)
{
    auto const on = benchmark::sqlite(std::filesystem::temp_directory_path());
    on->clear();
    dormitory all{on->open()};
    benchmark::tell("sleepers");
    int const first = count / 10; // these fill SQLite's cache
    double const before = all.fill(first);
    double const each = (all.fill(count - first) - before) / (count - first);
    all.close();
    to.section(std::to_string(count) + " coroutines asleep, on SQLite");
    to.add({"each that is added to " + std::to_string(first) + " others, in the process", "bytes", each, {}, bound::figure_at_most, 1});
    to.add({"one of them, in the database", "bytes", on->bytes() / count});
}

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "checkpoints [--sleepers 200000 ]"};
    benchmark::report result{"Checkpoints of workflows that are coroutines."};
    compare_live(result, given.quick());
    tell_recovery(result, given.quick());
    tell_sleepers(result, given.number("--sleepers", 200'000, 1'000));
    given.finish(result);
}
