#pragma once

#include <tasker/base/error.hpp>
#include <tasker/flow/step_context.hpp>
#include <tasker/model/child_record.hpp>
#include <tasker/runtime/engine_parts.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace tasker::detail {

/// Nothing when that is in doubt.
template <class = void>
inline boost::asio::awaitable<std::optional<task_id>> try_to_start_child(engine_parts& parts, child_start asked)
{
    auto initiation = [](auto handler, engine_parts* engine, child_start what) {
        what.done = [handler = std::move(handler), engine](std::exception_ptr problem, task_id id) mutable {
            boost::asio::post(engine->strand, [handler = std::move(handler), problem, id]() mutable { std::move(handler)(problem, id); });
        };
        engine->start_child(std::move(what));
    };
    try {
        co_return co_await boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(std::exception_ptr, task_id)>(
            std::move(initiation), boost::asio::use_awaitable, &parts, std::move(asked));
    } catch (start_in_doubt const&) {
        co_return std::nullopt;
    }
}

/// Has the engine start a task for another one, and returns it as it is recorded: of the one that has the key already, if there is.
/// Cancellation: none, for an attempt before this one may have started it; whoever is told of it cancels the task.
template <class = void>
inline boost::asio::awaitable<payload> start_child(engine_parts& parts, step_context& context, child_request what, std::string key)
{
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    for (;;) {
        child_start once_more{what, key, context.task(), {}};
        std::optional<task_id> const id = co_await try_to_start_child(parts, std::move(once_more));
        if (id)
            co_return encode_child({*id, what.detached});
        co_await context.sleep_for(std::chrono::seconds{1}); // until the store answers
    }
}

} // namespace tasker::detail
