#pragma once

#include <tasker/flow/detail/asio_awaiter.hpp>
#include <tasker/flow/detail/frame_pool.hpp>
#include <tasker/flow/detail/pump.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace tasker::detail {

namespace asio = boost::asio;

/// What every coroutine of the library's own type shares: its frame's memory, whom it resumes, and what it may await.
class promise_base : public chained_promise {
public:
    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { frame_pool::deallocate(frame, size); }

    std::suspend_always initial_suspend() const noexcept { return {}; }

    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> ended) const noexcept
        {
            resume_next(ended.promise().continuation);
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }

    /// Any Asio operation that still lacks its completion token: `timer.async_wait(asio::deferred)`.
    template <class Operation>
        requires asio::is_async_operation<std::remove_cvref_t<Operation>>::value
    auto await_transform(Operation&& operation)
    {
        using signature = asio::completion_signature_of_t<std::remove_cvref_t<Operation>>;
        return asio_awaiter<std::remove_cvref_t<Operation>, signature>{std::forward<Operation>(operation)};
    }

    template <class Result, class Executor>
    auto await_transform(asio::awaitable<Result, Executor> coroutine)
    {
        return bridge(std::move(coroutine), context->executor);
    }

    auto await_transform(asio::this_coro::executor_t) const
    {
        struct awaiter {
            asio::any_io_executor executor;
            bool await_ready() const noexcept { return true; }
            void await_suspend(std::coroutine_handle<>) const noexcept {}
            asio::any_io_executor await_resume() { return std::move(executor); }
        };
        return awaiter{context->executor};
    }

    /// Everything else is an awaiter already: another `async`, or one of the library's own.
    template <class Awaiter>
        requires(!asio::is_async_operation<std::remove_cvref_t<Awaiter>>::value &&
                 !std::is_same_v<std::remove_cvref_t<Awaiter>, asio::this_coro::executor_t>)
    Awaiter&& await_transform(Awaiter&& awaiter)
    {
        return std::forward<Awaiter>(awaiter);
    }
};

/// Holds a coroutine's result or exception until it is taken.
template <class Result>
class result_promise : public promise_base {
public:
    template <class Value = Result>
        requires std::is_convertible_v<Value, Result>
    void return_value(Value&& value)
    {
        result_.emplace(std::forward<Value>(value));
    }
    void unhandled_exception() noexcept { problem_ = std::current_exception(); }

    Result take()
    {
        if (problem_)
            std::rethrow_exception(std::move(problem_));
        return std::move(*result_);
    }

private:
    std::optional<Result> result_;
    std::exception_ptr problem_;
};

template <>
class result_promise<void> : public promise_base {
public:
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { problem_ = std::current_exception(); }

    void take()
    {
        if (problem_)
            std::rethrow_exception(std::move(problem_));
    }

private:
    std::exception_ptr problem_;
};

} // namespace tasker::detail
