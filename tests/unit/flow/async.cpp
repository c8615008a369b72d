#include <tasker/flow/async.hpp>

#include "support/catch.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

using namespace tasker;
namespace asio = boost::asio;

namespace {

/// What a started chain ended in.
template <class Result>
struct ending {
    bool reached = false;
    std::exception_ptr problem;
    std::optional<Result> result;

    std::string what() const
    {
        try {
            if (problem)
                std::rethrow_exception(problem);
        } catch (std::exception const& thrown) {
            return thrown.what();
        }
        return "";
    }
};

template <class Result>
auto into(ending<Result>& end)
{
    return [&end](std::exception_ptr problem, std::optional<Result> result) {
        end.reached = true;
        end.problem = problem;
        end.result = std::move(result);
    };
}

template <class Result>
ending<Result> run(async<Result> work)
{
    asio::io_context context;
    ending<Result> end;
    start_in_place(context.get_executor(), std::move(work), into(end));
    context.run();
    return end;
}

async<int> answer() { co_return 42; }
async<int> refuse(std::string what)
{
    throw std::runtime_error{what};
    co_return 0;
}
async<> nothing() { co_return; }

/// Tells when a coroutine's locals are destroyed.
struct witness {
    explicit witness(int& counter) : alive{&counter} { ++*alive; }
    witness(witness const&) = delete;
    witness& operator=(witness const&) = delete;
    ~witness() { --*alive; }
    int* alive;
};

async<int> waits_for(asio::steady_timer& timer, int& alive)
{
    witness const here{alive};
    co_await timer.async_wait(asio::deferred);
    co_return 1;
}

async<int> around(async<int> inner, int& alive)
{
    witness const here{alive};
    co_return 10 + co_await std::move(inner);
}

} // namespace

TEST_CASE("a chain that never waits ends before start_in_place returns")
{
    asio::io_context context;
    ending<int> end;
    start_in_place(context.get_executor(), answer(), into(end));
    CHECK(end.reached);
    CHECK(end.result == 42);
    CHECK(context.poll() == 0);
}

TEST_CASE("a coroutine does nothing before it is awaited")
{
    bool entered = false;
    auto const enter = [](bool& flag) -> async<> {
        flag = true;
        co_return;
    };
    {
        auto const idle = enter(entered);
        CHECK_FALSE(entered);
    }
    CHECK_FALSE(entered);
}

TEST_CASE("a million awaits that end at once do not grow the stack")
{
    auto const loop = []() -> async<long> {
        long sum = 0;
        for (int turn = 0; turn < 1'000'000; ++turn) {
            sum += co_await answer();
            co_await nothing();
        }
        co_return sum;
    };
    CHECK(run(loop()).result == 42'000'000L);
}

TEST_CASE("an exception reaches the coroutine that awaits, and can be handled there")
{
    auto const handles = []() -> async<std::string> {
        try {
            co_await refuse("not today");
        } catch (std::runtime_error const& thrown) {
            co_return std::string{"heard: "} + thrown.what();
        }
        co_return "nothing heard";
    };
    CHECK(run(handles()).result == "heard: not today");
}

TEST_CASE("an exception that nobody handles reaches the end of the chain")
{
    auto const passes = []() -> async<int> { co_return co_await refuse("not today"); };
    auto const end = run(passes());
    CHECK(end.what() == "not today");
    CHECK_FALSE(end.result);
}

TEST_CASE("a coroutine may return what can only be moved")
{
    auto const make = []() -> async<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
    auto const pass = [&]() -> async<std::unique_ptr<int>> { co_return co_await make(); };
    auto const end = run(pass());
    CHECK(**end.result == 7);
}

TEST_CASE("an Asio operation without a completion token can be awaited")
{
    asio::io_context context;
    asio::steady_timer timer{context, asio::steady_timer::time_point::min()};
    int alive = 0;
    ending<int> end;
    start_in_place(context.get_executor(), around(waits_for(timer, alive), alive), into(end));
    CHECK_FALSE(end.reached);
    CHECK(alive == 2);
    context.run();
    CHECK(end.result == 11);
    CHECK(alive == 0);
}

TEST_CASE("an operation's several results arrive as a tuple, a single one as itself")
{
    auto const two = [] {
        return asio::async_initiate<asio::deferred_t const, void(boost::system::error_code, int, std::string)>(
            [](auto handler) { std::move(handler)(boost::system::error_code{}, 3, std::string{"three"}); }, asio::deferred);
    };
    auto const one = [] {
        return asio::async_initiate<asio::deferred_t const, void(std::exception_ptr, int)>(
            [](auto handler) { std::move(handler)(nullptr, 4); }, asio::deferred);
    };
    auto const both = [&]() -> async<std::tuple<int, std::string, int>> {
        auto const pair = co_await two();
        int const single = co_await one();
        co_return std::tuple{std::get<0>(pair), std::get<1>(pair), single};
    };
    CHECK(run(both()).result == std::tuple{3, std::string{"three"}, 4});
}

TEST_CASE("a failed operation throws what its first result says")
{
    auto const by_code = [] {
        return asio::async_initiate<asio::deferred_t const, void(boost::system::error_code)>(
            [](auto handler) { std::move(handler)(boost::system::error_code{asio::error::connection_refused}); }, asio::deferred);
    };
    auto const by_exception = [] {
        return asio::async_initiate<asio::deferred_t const, void(std::exception_ptr, int)>(
            [](auto handler) { std::move(handler)(std::make_exception_ptr(std::logic_error{"told"}), 0); }, asio::deferred);
    };
    auto const code = [&]() -> async<int> {
        try {
            co_await by_code();
        } catch (boost::system::system_error const& thrown) {
            co_return thrown.code() == asio::error::connection_refused ? 1 : 2;
        }
        co_return 3;
    };
    auto const exception = [&]() -> async<int> { co_return co_await by_exception(); };
    CHECK(run(code()).result == 1);
    CHECK(run(exception()).what() == "told");
}

TEST_CASE("operations that complete at once, a million times, do not grow the stack")
{
    auto const immediate = [] {
        return asio::async_initiate<asio::deferred_t const, void(std::exception_ptr, int)>(
            [](auto handler) { std::move(handler)(nullptr, 1); }, asio::deferred);
    };
    auto const loop = [&]() -> async<int> {
        int sum = 0;
        for (int turn = 0; turn < 1'000'000; ++turn)
            sum += co_await immediate();
        co_return sum;
    };
    CHECK(run(loop()).result == 1'000'000);
}

TEST_CASE("an asio awaitable can be awaited, with its result and its exception")
{
    auto const foreign = [](std::string trouble) -> asio::awaitable<std::string> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        if (!trouble.empty())
            throw std::runtime_error{trouble};
        co_return "foreign result";
    };
    auto const quiet = []() -> asio::awaitable<void> { co_return; };
    auto const calls = [&](std::string trouble) -> async<std::string> {
        co_await quiet();
        co_return co_await foreign(trouble);
    };
    CHECK(run(calls("")).result == "foreign result");
    CHECK(run(calls("foreign trouble")).what() == "foreign trouble");
}

TEST_CASE("a chain knows the executor it was started on")
{
    asio::io_context context;
    ending<bool> end;
    auto const compares = [](asio::any_io_executor expected) -> async<bool> {
        co_return expected == co_await asio::this_coro::executor;
    };
    start_in_place(context.get_executor(), compares(context.get_executor()), into(end));
    CHECK(end.result == true);
}

TEST_CASE("a signal cancels what the innermost coroutine waits for")
{
    asio::io_context context;
    asio::steady_timer timer{context, asio::steady_timer::time_point::max()};
    asio::cancellation_signal signal;
    int alive = 0;
    ending<int> end;
    start_in_place(context.get_executor(), around(waits_for(timer, alive), alive), into(end), signal.slot());
    context.poll();
    CHECK_FALSE(end.reached);
    signal.emit(asio::cancellation_type::terminal);
    context.restart();
    context.poll();
    REQUIRE(end.reached);
    CHECK_FALSE(end.result);
    try {
        std::rethrow_exception(end.problem);
    } catch (boost::system::system_error const& thrown) {
        CHECK(thrown.code() == asio::error::operation_aborted);
    }
    CHECK(alive == 0);
}

TEST_CASE("a chain that was asked to stop between two waits is told by its next wait, once")
{
    asio::io_context context;
    asio::cancellation_signal signal;
    detail::stop_request stop;
    asio::steady_timer first{context, asio::steady_timer::time_point::min()};
    asio::steady_timer never{context, asio::steady_timer::time_point::max()};
    asio::steady_timer last{context, asio::steady_timer::time_point::min()};
    auto const waits = [&]() -> async<std::string> {
        co_await first.async_wait(asio::deferred);
        std::string told;
        try {
            co_await never.async_wait(asio::deferred);
        } catch (boost::system::system_error const& thrown) {
            told = thrown.code() == asio::error::operation_aborted ? "aborted" : thrown.what();
        }
        co_await last.async_wait(asio::deferred);
        co_return told;
    };
    ending<std::string> end;
    start_in_place(context.get_executor(), waits(), into(end), signal.slot(), &stop);
    stop.asked = true; // no signal reaches the first wait, as when it has ended and its handler is on its way
    context.poll();
    REQUIRE(end.reached);
    CHECK(end.result == "aborted");
}

TEST_CASE("a chain whose wait was cancelled by the signal may wait on to tidy up")
{
    asio::io_context context;
    asio::cancellation_signal signal;
    detail::stop_request stop;
    asio::steady_timer never{context, asio::steady_timer::time_point::max()};
    asio::steady_timer last{context, asio::steady_timer::time_point::min()};
    auto const waits = [&]() -> async<int> {
        try {
            co_await never.async_wait(asio::deferred);
        } catch (boost::system::system_error const&) {
            never.cancel();
        }
        co_await last.async_wait(asio::deferred);
        co_return 1;
    };
    ending<int> end;
    start_in_place(context.get_executor(), waits(), into(end), signal.slot(), &stop);
    stop.asked = true;
    signal.emit(asio::cancellation_type::terminal);
    context.poll();
    REQUIRE(end.reached);
    CHECK(end.result == 1);
}

TEST_CASE("a signal reaches through to an asio awaitable")
{
    asio::io_context context;
    asio::steady_timer timer{context, asio::steady_timer::time_point::max()};
    asio::cancellation_signal signal;
    auto const foreign = [&]() -> asio::awaitable<int> {
        co_await timer.async_wait(asio::use_awaitable);
        co_return 1;
    };
    auto const calls = [&]() -> async<int> { co_return co_await foreign(); };
    ending<int> end;
    start_in_place(context.get_executor(), calls(), into(end), signal.slot());
    context.poll();
    signal.emit(asio::cancellation_type::terminal);
    context.restart();
    context.poll();
    REQUIRE(end.reached);
    CHECK(end.problem != nullptr);
}

TEST_CASE("a chain whose executor dies while it waits is destroyed whole, and never resumed")
{
    int alive = 0;
    ending<int> end;
    {
        asio::io_context context;
        auto const timer = std::make_unique<asio::steady_timer>(context, asio::steady_timer::time_point::max());
        start_in_place(context.get_executor(), around(waits_for(*timer, alive), alive), into(end));
        CHECK(alive == 2);
    }
    CHECK(alive == 0);
    CHECK_FALSE(end.reached);
}

TEST_CASE("a coroutine that was never started leaves nothing behind")
{
    auto const shared = std::make_shared<int>(1);
    {
        auto const idle = [](std::shared_ptr<int> held) -> async<int> { co_return *held; }(shared);
        CHECK(shared.use_count() == 2);
    }
    CHECK(shared.use_count() == 1);
}

TEST_CASE("an async cannot be copied, and moving it moves its frame")
{
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<async<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<async<int>>);
    async<int> first = answer();
    async<int> second = std::move(first);
    CHECK(run(std::move(second)).result == 42);
}
