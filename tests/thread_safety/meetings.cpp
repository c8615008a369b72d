#include <tasker/engine.hpp>
#include <tasker/flow/on.hpp>
#include <tasker/store/memory_store.hpp>

#include "support/blocking_store.hpp"
#include "support/catch.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace tasker;
namespace asio = boost::asio;

// Many threads at one engine, whose own work is spread over threads, too: to be run under TSan.

namespace {

constexpr int threads = 4;
constexpr int tasks_of_each = 25;
constexpr int tasks = threads * tasks_of_each;

/// A number on its way over three threads: the engine's, one of `bodies` and one for calls that block.
workflow way_over_threads(asio::thread_pool& bodies)
{
    workflow_builder flow{"real", "way"};
    auto const given = flow.input<int>();
    auto const first = flow.step("engine", after(given), [](int value) { return value + 1; });
    auto const second = flow.step("pool", after(first), [](int value) -> async<int> { co_return 10 * value; }, {.run_on = on(bodies)});
    auto const third = flow.step("blocking", after(first), [](int value) { return 100 * value; }, {.run_on = blocking});
    flow.step("sum", after(second, third), [](int a, int b) { return a + b; });
    return std::move(flow).build();
}

/// Runs `work(number)` on as many threads as there are numbers, and returns when all have ended.
template <class Work>
void on_threads(int count, Work work)
{
    std::vector<std::future<void>> all;
    for (int number = 0; number < count; ++number)
        all.push_back(std::async(std::launch::async, work, number));
    for (auto& one : all)
        one.get();
}

asio::awaitable<int> run_one(engine& here, int value)
{
    task_handle const task = co_await here.submit("real/way", value);
    co_return co_await task.result<int>();
}

/// Submits tasks from many threads while others subscribe and unsubscribe, and checks results and events.
void meet_at(any_store store)
{
    asio::thread_pool bodies{2};
    asio::thread_pool pool{3};
    {
        engine here{asio::any_io_executor{pool.get_executor()}, std::move(store)};
        here.add(way_over_threads(bodies));
        std::atomic<int> told_at_once{0};
        int told_later = 0; // in the one thread of its subscription
        auto const at_once = here.subscribe([&](step_completed const&) { ++told_at_once; }, {.delivery = delivery::in_place});
        auto later = here.subscribe([&](step_completed const&) { ++told_later; });
        std::atomic<int> right{0};
        on_threads(2 * threads, [&](int number) {
            for (int turn = 0; turn < tasks_of_each; ++turn) {
                if (number >= threads) { // a visitor: how much it hears depends on when it comes
                    auto const visit = here.subscribe([](event const&) {});
                    continue;
                }
                int const value = number * tasks_of_each + turn;
                right += asio::co_spawn(pool, run_one(here, value), asio::use_future).get() == 110 * (value + 1) ? 1 : 0;
            }
        });
        asio::co_spawn(pool, here.drain(), asio::use_future).get();
        later.flush();
        CHECK(right == tasks);
        CHECK(told_at_once == 4 * tasks);
        CHECK(told_later == 4 * tasks);
    }
    bodies.join();
    pool.join();
}

/// Submits tasks one after another and tells each id, until the engine is stopped; 1 when that is why it ends.
template <class Tell>
int submit_until_refused(asio::thread_pool& pool, engine& here, Tell tell)
{
    try {
        for (int value = 0;; ++value)
            tell(asio::co_spawn(pool, here.submit("real/way", value), asio::use_future).get().id());
    } catch (error const& problem) {
        return problem.code() == errc::engine_stopped ? 1 : 0;
    }
}

void ask(asio::thread_pool& pool, engine& here)
{
    asio::co_spawn(pool, here.statistics(duration::zero()), asio::use_future).get();
    for (task_record const& task : asio::co_spawn(pool, here.find({}, {.limit = 3}), asio::use_future).get())
        asio::co_spawn(pool, here.history(task.id), asio::use_future).get();
}

} // namespace

TEST_CASE("tasks that many threads submit at once run on pools and give their results, and every event is heard")
{
    meet_at(memory_store{});
    meet_at(support::blocking_store{memory_store{}});
}

TEST_CASE("questions and submissions of many threads meet an engine that drains: what it acknowledged is stored, all else is refused")
{
    memory_store data;
    asio::thread_pool bodies{2};
    asio::thread_pool pool{3};
    engine here{asio::any_io_executor{pool.get_executor()}, support::blocking_store{data}};
    here.add(way_over_threads(bodies));
    std::vector<std::vector<task_id>> acknowledged(threads);
    std::atomic<int> submitted{0};
    std::atomic<int> progress{0};
    std::atomic<int> refused{0};
    std::atomic<bool> drained{false};
    on_threads(2 * threads + 1, [&](int number) {
        if (number < threads) {
            refused += submit_until_refused(pool, here, [&](task_id id) {
                acknowledged[static_cast<std::size_t>(number)].push_back(id);
                ++submitted;
                ++progress;
                progress.notify_all();
            });
            progress += tasks; // whatever ended it, the drain is not to wait for more of it
            progress.notify_all();
        } else if (number < 2 * threads) {
            while (!drained)
                ask(pool, here);
        } else {
            for (int seen = 0; seen < tasks; seen = progress)
                progress.wait(seen);
            asio::co_spawn(pool, here.drain(), asio::use_future).get();
            drained = true;
        }
    });
    CHECK(refused == threads);
    std::set<task_id> distinct;
    for (auto const& some : acknowledged)
        for (task_id const id : some) {
            CHECK(data.load(id));
            distinct.insert(id);
        }
    CHECK(distinct.size() == static_cast<std::size_t>(submitted));
    bodies.join();
    pool.join();
}
