#include <tasker/base/boxed.hpp>
#include <tasker/runtime/strand.hpp>

#include "support/catch.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <stdexcept>
#include <string>

using namespace tasker;
namespace asio = boost::asio;

TEST_CASE("an any_io_executor holds a strand in place")
{
    STATIC_REQUIRE(sizeof(strand) <= sizeof(std::shared_ptr<void>));
}

TEST_CASE("a strand runs what is posted in order, and what is dispatched to it from within at once")
{
    asio::io_context context;
    asio::any_io_executor const executor = strand::make(context.get_executor(), 1);
    std::string order;
    asio::post(executor, [&] {
        order += 'a';
        asio::post(executor, [&] { order += 'd'; });
        asio::dispatch(executor, [&] { order += 'b'; });
        order += 'c';
    });
    asio::dispatch(executor, [&] { order += '2'; });
    order += '1';
    context.run();
    CHECK(order == "1abc2d");
}

TEST_CASE("a strand lets others have their turn after its rounds, or as soon as it is told to")
{
    asio::io_context context;
    auto const own = strand::make(context.get_executor(), 3);
    std::string order;
    bool yields = false;
    struct again {
        strand const& on;
        std::string& order;
        bool& yields;
        int left;
        void operator()() const
        {
            order += 's';
            if (yields)
                strand::yield();
            if (left > 0)
                on.post(again{on, order, yields, left - 1});
        }
    };
    own.post(again{own, order, yields, 4});
    asio::post(context, [&] { order += 'o'; });
    context.run();
    CHECK(order == "sssoss");

    order.clear();
    yields = true;
    context.restart();
    own.post(again{own, order, yields, 1});
    asio::post(context, [&] { order += 'o'; });
    context.run();
    CHECK(order == "sos");
}

TEST_CASE("what stands behind a function that throws still runs")
{
    asio::io_context context;
    auto const own = strand::make(context.get_executor(), 1);
    std::string order;
    own.post([&] {
        own.post([&] { order += 'c'; });
        throw std::runtime_error{"it broke"};
    });
    own.post([&] { order += 'b'; });
    CHECK_THROWS_AS(context.run(), std::runtime_error);
    context.restart();
    context.run();
    CHECK(order == "bc");
}

TEST_CASE("a context that ends drops what waits in its strands, even what holds the strand itself")
{
    auto const held = std::make_shared<int>(1);
    asio::any_io_executor executor;
    {
        asio::io_context context;
        executor = strand::make(context.get_executor(), 1);
        asio::post(executor, [held, executor] { FAIL("nobody runs it"); });
    }
    CHECK(held.use_count() == 1);
    strand const* const late = executor.target<strand>();
    late->post([held] { FAIL("nobody runs it"); });
    CHECK(held.use_count() == 1);
}

TEST_CASE("work guarded on a strand keeps the context beneath running")
{
    asio::io_context context;
    asio::any_io_executor const executor = strand::make(context.get_executor(), 1);
    auto guard = asio::make_work_guard(executor);
    auto copy = guard;
    context.poll();
    CHECK_FALSE(context.stopped());
    guard.reset();
    context.poll();
    CHECK_FALSE(context.stopped());
    copy.reset();
    context.poll();
    CHECK(context.stopped());
}

TEST_CASE("functions of a strand on a pool never overlap")
{
    asio::thread_pool pool{2};
    auto const own = strand::make(pool.get_executor(), 4);
    int count = 0; // no atomic: a sanitizer sees every overlap
    for (int posted = 0; posted < 2'000; ++posted)
        own.post([&] { ++count; });
    pool.join();
    CHECK(count == 2'000);
}

TEST_CASE("a boxed value is copied deeply, and compares as the value it holds")
{
    boxed<std::string> const none;
    boxed<std::string> one{std::string{"a"}};
    boxed<std::string> other = one;
    *other += 'b';
    CHECK(*one == "a");
    CHECK(other == std::string{"ab"});
    CHECK_FALSE(one == other);
    CHECK_FALSE(none == one);
    other = none;
    CHECK(other == none);
    CHECK_FALSE(other.has_value());
}
