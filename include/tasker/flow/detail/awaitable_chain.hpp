#pragma once

#include <tasker/flow/async.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

/// A `tasker::async` where an `asio::awaitable` is needed.
namespace tasker::detail {

/// How a chain is stopped that once stopped waits for nothing more, as an `asio::awaitable`.
struct chain_stop {
    boost::asio::cancellation_signal signal;
    stop_request request{.is_final = true};

    void ask(boost::asio::cancellation_type how)
    {
        request.asked = true;
        signal.emit(how);
    }
};

template <class Result>
using chain_result = std::conditional_t<std::is_void_v<Result>, bool, std::optional<Result>>;

struct start_chain {
    template <class Handler, class Result>
    void operator()(Handler&& handler, async<Result> work, boost::asio::any_io_executor executor) const
    {
        auto slot = boost::asio::get_associated_cancellation_slot(handler);
        auto const stop = std::make_shared<chain_stop>();
        if (slot.is_connected())
            slot.assign([weak = std::weak_ptr{stop}](boost::asio::cancellation_type how) {
                if (auto const alive = weak.lock())
                    alive->ask(how);
            });
        auto end = [handler = std::forward<Handler>(handler), slot, stop, executor](std::exception_ptr const& problem, auto... result) mutable {
            if (slot.is_connected())
                slot.clear();
            boost::asio::post(executor, [handler = std::move(handler), problem, told = chain_result<Result>{std::move(result)...}]() mutable {
                std::move(handler)(problem, std::move(told)); // never amid the initiation
            });
        };
        start_in_place(executor, std::move(work), std::move(end), stop->signal.slot(), &stop->request);
    }
};

/// Runs the chain on the executor of whoever awaits this. Cancellation: stops what the chain waits for, and whatever it awaits from
/// then on.
template <class Result>
boost::asio::awaitable<Result> as_awaitable(async<Result> work)
{
    boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    auto result = co_await boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(std::exception_ptr, chain_result<Result>)>(
        start_chain{}, boost::asio::use_awaitable, std::move(work), std::move(executor));
    if constexpr (!std::is_void_v<Result>)
        co_return std::move(*result);
    else
        static_cast<void>(result);
}

template <class Result>
std::vector<boost::asio::awaitable<Result>> as_awaitables(std::vector<async<Result>> chains)
{
    std::vector<boost::asio::awaitable<Result>> all;
    for (async<Result>& one : chains)
        all.push_back(as_awaitable(std::move(one)));
    return all;
}

} // namespace tasker::detail
