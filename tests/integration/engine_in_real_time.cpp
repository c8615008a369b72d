#include <tasker/engine.hpp>
#include <tasker/flow/on.hpp>
#include <tasker/store/memory_store.hpp>

#include "support/catch.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// Runs `work` on a context of the test's own, which must come to its end.
template <class Work>
void run(Work work)
{
    asio::io_context context;
    std::exception_ptr problem;
    asio::co_spawn(context, work(context), [&](std::exception_ptr thrown) {
        problem = thrown;
        context.stop();
    });
    context.run();
    if (problem)
        std::rethrow_exception(problem);
}

/// Blocks each who arrives until all that are expected have: proof that they run at the same time.
class meeting {
public:
    explicit meeting(int expected) : missing_{expected} {}
    bool arrive()
    {
        std::unique_lock lock{mutex_};
        --missing_;
        all_here_.notify_all();
        return all_here_.wait_for(lock, 30s, [&] { return missing_ <= 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable all_here_;
    int missing_;
};

} // namespace

TEST_CASE("an engine on the user's own context runs a task beside the user's own work")
{
    run([](asio::io_context& context) -> asio::awaitable<void> {
        std::vector<std::string> order;
        engine here{context, memory_store{}};
        workflow_builder flow{"real", "sleepy"};
        auto const first = flow.step("first", [&](step_context& step) -> async<int> {
            order.emplace_back("first starts");
            co_await step.sleep_for(30ms);
            asio::steady_timer own{step.get_executor(), 10ms};
            co_await own.async_wait(asio::deferred);
            order.emplace_back("first ends");
            co_return 1;
        });
        flow.step("second", after(first), [&](step_context& step, int value) -> asio::awaitable<int> {
            order.emplace_back("second starts");
            co_await step.sleep_for(1ms);
            co_return value + 1;
        });
        here.add(std::move(flow).build());
        task_handle const task = co_await here.submit("real/sleepy");
        order.emplace_back("submitted");
        int const result = co_await task.result<int>();
        order.emplace_back("ended");
        CHECK(result == 2);
        CHECK(order.back() == "ended");
        CHECK(order[order.size() - 2] == "second starts");
        CHECK(order[order.size() - 3] == "first ends");
        co_await here.drain();
    });
}

TEST_CASE("a failed step is tried again after its back-off, in order")
{
    run([](asio::io_context& context) -> asio::awaitable<void> {
        std::vector<std::pair<int, time_point>> attempts;
        engine here{context, memory_store{}};
        workflow_builder flow{"real", "flaky"};
        flow.step("only", [&](step_context& step) {
            attempts.emplace_back(step.attempt(), step.now());
            if (step.attempt() < 3)
                throw transient_error{"not yet"};
        }, {.retry = {.backoff = {.initial = 20ms}, .jitter = jitter::none}});
        here.add(std::move(flow).build());
        task_handle const task = co_await here.submit("real/flaky");
        co_await task.result();
        REQUIRE(attempts.size() == 3);
        CHECK(attempts[1].second - attempts[0].second >= 20ms);
        CHECK(attempts[2].second - attempts[1].second >= 40ms);
    });
}

TEST_CASE("blocking bodies run beside one another and do not hold up the engine")
{
    run([](asio::io_context& context) -> asio::awaitable<void> {
        engine here{context, memory_store{}, engine_options{.blocking_threads = 2}};
        meeting both{2};
        std::atomic<bool> met{true};
        std::atomic<bool> elsewhere{true};
        auto const engine_thread = std::this_thread::get_id();
        auto const blocks = [&] {
            elsewhere = elsewhere && std::this_thread::get_id() != engine_thread;
            met = both.arrive() && met;
        };
        workflow_builder flow{"real", "blocking"};
        auto const a = flow.step("a", blocks, {.run_on = blocking});
        auto const b = flow.step("b", blocks, {.run_on = blocking});
        flow.step("c", after(a, b), [&] { elsewhere = elsewhere && std::this_thread::get_id() == engine_thread; });
        here.add(std::move(flow).build());
        task_handle const task = co_await here.submit("real/blocking");
        co_await task.result();
        CHECK(met);
        CHECK(elsewhere);
    });
}

TEST_CASE("a coroutine can hand one blocking call to the pool and goes on where it was")
{
    run([](asio::io_context& context) -> asio::awaitable<void> {
        engine here{context, memory_store{}};
        auto const engine_thread = std::this_thread::get_id();
        workflow_builder flow{"real", "mixed"};
        flow.step("only", [engine_thread](step_context& step) -> async<int> {
            std::thread::id called_on;
            int const answer = co_await step.blocking([&] {
                called_on = std::this_thread::get_id();
                return 42;
            });
            CHECK(called_on != engine_thread);
            CHECK(std::this_thread::get_id() == engine_thread);
            co_return answer;
        });
        here.add(std::move(flow).build());
        task_handle const task = co_await here.submit("real/mixed");
        CHECK(co_await task.result<int>() == 42);
    });
}

TEST_CASE("bodies run on a pool of the user's own, whatever they are")
{
    asio::thread_pool pool{3};
    auto const main_thread = std::this_thread::get_id();
    run([&](asio::io_context& context) -> asio::awaitable<void> {
        engine here{context, memory_store{}};
        meeting all{3};
        workflow_builder flow{"real", "pooled"};
        step_options const on_pool{.run_on = on(pool)};
        auto const a = flow.step("plain", [&] { return all.arrive() && std::this_thread::get_id() != main_thread; }, on_pool);
        auto const b = flow.step("async", [&](step_context& step) -> async<bool> {
            bool const met = all.arrive();
            co_await step.sleep_for(1ms);
            co_return met && std::this_thread::get_id() != main_thread;
        }, on_pool);
        auto const c = flow.step("awaitable", [&](step_context& step) -> asio::awaitable<bool> {
            bool const met = all.arrive();
            co_await step.sleep_for(1ms);
            co_return met && std::this_thread::get_id() != main_thread;
        }, on_pool);
        flow.step("last", after(a, b, c), [&](bool one, bool two, bool three) {
            return one && two && three && std::this_thread::get_id() == main_thread;
        });
        here.add(std::move(flow).build());
        task_handle const task = co_await here.submit("real/pooled");
        CHECK(co_await task.result<bool>());
        co_await here.drain();
        pool.join(); // before the context goes
    });
}

TEST_CASE("cancelling stops a body on another pool, too")
{
    asio::thread_pool pool{1};
    run([&](asio::io_context& context) -> asio::awaitable<void> {
        engine here{context, memory_store{}};
        meeting started{2};
        workflow_builder flow{"real", "stoppable"};
        flow.step("only", [&](step_context& step) -> async<> {
            started.arrive();
            co_await step.sleep_for(1h);
        }, {.run_on = on(pool)});
        here.add(std::move(flow).build());
        task_handle const task = co_await here.submit("real/stoppable");
        started.arrive();
        co_await task.cancel("enough");
        task_outcome const ended = co_await task.outcome();
        CHECK(ended.state == task_state::cancelled);
        co_await here.drain();
        pool.join(); // before the context goes
    });
}

TEST_CASE("an engine on a pool of threads takes calls from all of them")
{
    asio::thread_pool pool{3};
    {
        engine here{asio::any_io_executor{pool.get_executor()}, memory_store{}};
        workflow_builder flow{"real", "double"};
        auto const given = flow.input<int>();
        flow.step("only", after(given), [](int value) { return 2 * value; });
        here.add(std::move(flow).build());
        auto const ask = [&here](int value) -> asio::awaitable<int> {
            task_handle const task = co_await here.submit("real/double", value);
            co_return co_await task.result<int>();
        };
        std::vector<std::future<int>> answers;
        for (int value = 0; value < 200; ++value)
            answers.push_back(asio::co_spawn(pool, ask(value), asio::use_future));
        for (int value = 0; value < 200; ++value)
            CHECK(answers[static_cast<std::size_t>(value)].get() == 2 * value);
        asio::co_spawn(pool, here.drain(), asio::use_future).get();
    }
    pool.join();
}

TEST_CASE("two engines on two threads that submit the same keys make each task once [A11]", "[A11]")
{
    memory_store const data;
    constexpr int keys = 100;
    meeting ready{2};
    std::atomic<int> created{0};
    std::atomic<int> refused{0};
    std::atomic<int> bodies{0};
    auto const race = [&] {
        run([&](asio::io_context& context) -> asio::awaitable<void> {
            engine here{context, data};
            workflow_builder flow{"real", "once"};
            flow.step("only", [&] { ++bodies; });
            here.add(std::move(flow).build());
            ready.arrive();
            for (int key = 0; key < keys; ++key) {
                std::string const text = "key " + std::to_string(key);
                submit_options const once{.key = text};
                try {
                    task_handle const task = co_await here.submit("real/once", once);
                    ++created;
                    co_await task.result();
                } catch (error const& problem) {
                    refused += problem.code() == errc::duplicate_task ? 1 : 0;
                }
            }
            co_await here.drain();
        });
    };
    std::thread other{race};
    race();
    other.join();
    CHECK(created == keys);
    CHECK(refused == keys);
    CHECK(bodies == keys);
}
