#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/child_record.hpp>
#include <tasker/runtime/engine_parts.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <string>
#include <utility>

namespace tasker::detail {

/// Has the engine start a task for another one, and returns it as it is recorded: of the one that has the key already, if there is.
template <class = void>
inline boost::asio::awaitable<payload> start_child(engine_parts& parts, child_start asked)
{
    auto initiation = [](auto handler, engine_parts* engine, child_start what) {
        what.done = [handler = std::move(handler), engine](std::exception_ptr problem, task_id id) mutable {
            boost::asio::post(engine->strand, [handler = std::move(handler), problem, id]() mutable { std::move(handler)(problem, id); });
        };
        engine->start_child(std::move(what));
    };
    bool const is_detached = asked.asked.detached;
    task_id const id = co_await boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(std::exception_ptr, task_id)>(
        std::move(initiation), boost::asio::use_awaitable, &parts, std::move(asked));
    co_return encode_child({id, is_detached});
}

} // namespace tasker::detail
