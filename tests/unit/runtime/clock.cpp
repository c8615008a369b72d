#include <tasker/runtime/clock.hpp>
#include <tasker/testing/virtual_clock.hpp>

#include "support/catch.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>

using namespace tasker;
using namespace std::chrono_literals;

TEST_CASE("the system clock never goes back, even when the store's clock says so")
{
    system_clock time;
    time_point const before = time.now();
    time.synchronize(before - 1h);
    auto const moved = time.now() - before;
    CHECK_FALSE(moved < duration::zero());
    CHECK(moved < 1min);
}

TEST_CASE("the system clock follows the store's clock ahead")
{
    system_clock time;
    time_point const before = time.now();
    time.synchronize(before + 1h);
    time_point const after = time.now();
    CHECK(after - before >= 1h);
    CHECK(after - before < 1h + 1min);
}

TEST_CASE("without a clock of the store's the system clock is UTC")
{
    system_clock time;
    time.synchronize(std::nullopt);
    auto const apart = time.now() - std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
    CHECK(apart < 1min);
    CHECK(apart > -1min);
}

TEST_CASE("an alarm of the system clock that is due rings once, on its executor")
{
    boost::asio::io_context context;
    system_clock time;
    auto const alarm = time.make_alarm(context.get_executor());
    int rings = 0;
    alarm->set(time.now() - 1s, [&] { ++rings; });
    CHECK(rings == 0);
    context.run();
    CHECK(rings == 1);
}

TEST_CASE("setting an alarm of the system clock again forgets the earlier setting")
{
    boost::asio::io_context context;
    system_clock time;
    auto const alarm = time.make_alarm(context.get_executor());
    int first = 0;
    int second = 0;
    alarm->set(time.now() + 1h, [&] { ++first; });
    alarm->set(time.now() - 1s, [&] { ++second; });
    context.run();
    CHECK(first == 0);
    CHECK(second == 1);
}

TEST_CASE("a cancelled alarm of the system clock stays silent")
{
    boost::asio::io_context context;
    system_clock time;
    auto const alarm = time.make_alarm(context.get_executor());
    int rings = 0;
    alarm->set(time.now() + 1h, [&] { ++rings; });
    alarm->cancel();
    context.run();
    CHECK(rings == 0);
}

TEST_CASE("the virtual clock stands still until it is moved, and never goes back")
{
    auto const time = std::make_shared<testing::virtual_clock>();
    time_point const start = time->now();
    CHECK(start == time_point{std::chrono::sys_days{std::chrono::year{2030} / 1 / 1}});
    time->synchronize(start + 1h);
    CHECK(time->now() == start);
    time->advance_to(start + 5s);
    CHECK(time->now() == start + 5s);
    time->advance_to(start + 1s);
    CHECK(time->now() == start + 5s);
}

TEST_CASE("alarms of the virtual clock ring when time comes to them")
{
    boost::asio::io_context context;
    auto const time = std::make_shared<testing::virtual_clock>();
    time_point const start = time->now();
    auto const early = time->make_alarm(context.get_executor());
    auto const late = time->make_alarm(context.get_executor());
    int rings = 0;
    early->set(start + 1s, [&] { rings += 1; });
    late->set(start + 2s, [&] { rings += 10; });
    CHECK(time->next_due() == start + 1s);
    time->advance_to(start + 1s);
    CHECK(rings == 0);
    context.poll();
    CHECK(rings == 1);
    CHECK(time->next_due() == start + 2s);
    late->cancel();
    time->advance_to(start + 3s);
    context.restart();
    context.poll();
    CHECK(rings == 1);
    CHECK_FALSE(time->next_due());
}

TEST_CASE("an alarm of the virtual clock that is due already rings without time passing")
{
    boost::asio::io_context context;
    auto const time = std::make_shared<testing::virtual_clock>();
    auto const alarm = time->make_alarm(context.get_executor());
    int rings = 0;
    alarm->set(time->now(), [&] { ++rings; });
    CHECK_FALSE(time->next_due());
    context.poll();
    CHECK(rings == 1);
}

TEST_CASE("at its start the system clock takes over the store's clock, even one that is behind")
{
    system_clock time;
    time_point const before = time.now();
    time.start_from(std::nullopt);
    CHECK(time.now() - before < 1min);
    time.start_from(before - 1h);
    CHECK(time.now() - before < -1h + 1min);
}
