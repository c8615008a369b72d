#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/unique_function.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace tasker::detail {

/// A completion handler that is called once, on its own executor, by whoever comes first: the operation or a cancellation.
template <class Handler, class... Results>
class one_answer : public std::enable_shared_from_this<one_answer<Handler, Results...>> {
public:
    one_answer(Handler handler, boost::asio::any_io_executor fallback)
        : executor_{boost::asio::get_associated_executor(handler, fallback)}, work_{executor_}, handler_{std::move(handler)}
    {
    }

    one_answer(one_answer const&) = delete;
    one_answer& operator=(one_answer const&) = delete;

    /// Nobody is left who could answer.
    ~one_answer()
    {
        if (handler_)
            give(stopped(), Results{}...);
    }

    /// Called on the strand, or by the destructor.
    void give(std::exception_ptr problem, Results... results)
    {
        if (!handler_)
            return;
        auto answered = [handler = std::move(*handler_), problem, ... result = std::move(results)]() mutable {
            std::move(handler)(problem, std::move(result)...);
        };
        handler_.reset();
        boost::asio::post(executor_, std::move(answered));
        work_.reset();
    }

    static std::exception_ptr aborted()
    {
        return std::make_exception_ptr(boost::system::system_error{boost::asio::error::operation_aborted});
    }

    static std::exception_ptr stopped()
    {
        return std::make_exception_ptr(error{errc::engine_stopped, "the engine ended before it could answer; keep it alive while its tasks are awaited"});
    }

private:
    using executor_type = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
    executor_type executor_;
    boost::asio::executor_work_guard<executor_type> work_;
    std::optional<Handler> handler_;
};

/// Makes an awaitable of `start(done)`, which is called on the strand of `core` and calls `done(exception, result...)`
/// there. Cancellation: any type; the awaiting ends with operation_aborted, what was asked for goes on.
template <class Signature>
struct on_strand;

template <class... Results>
struct on_strand<void(std::exception_ptr, Results...)> {
    using done = unique_function<void(std::exception_ptr, Results...)>;

    template <class Core, class Start>
    static auto run(std::weak_ptr<Core> core, boost::asio::any_io_executor strand, Start start)
    {
        auto initiation = [](auto handler, std::weak_ptr<Core> engine, boost::asio::any_io_executor on, Start begin) {
            using handler_type = decltype(handler);
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            auto const answer = std::make_shared<one_answer<handler_type, Results...>>(std::move(handler), on);
            if (slot.is_connected())
                slot.assign([on, weak = std::weak_ptr{answer}](boost::asio::cancellation_type) {
                    boost::asio::post(on, [weak] {
                        if (auto const waiting = weak.lock())
                            waiting->give(waiting->aborted(), Results{}...);
                    });
                });
            boost::asio::dispatch(on, [engine = std::move(engine), begin = std::move(begin), answer]() mutable {
                done then{[answer](std::exception_ptr problem, Results... results) { answer->give(problem, std::move(results)...); }};
                auto const alive = engine.lock();
                try {
                    if (alive)
                        begin(*alive, std::move(then));
                } catch (...) {
                    answer->give(std::current_exception(), Results{}...);
                }
            });
        };
        return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void(std::exception_ptr, Results...)>(
            std::move(initiation), boost::asio::use_awaitable, std::move(core), std::move(strand), std::move(start));
    }
};

} // namespace tasker::detail
