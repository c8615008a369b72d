#pragma once

#include <tasker/flow/detail/promise.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace tasker {

/// The library's own coroutine type: lazy, awaited once, its frame recycled, started in place. It can await another
/// `async`, any Asio operation given with `asio::deferred`, and any `asio::awaitable`.
/// Cancellation: an awaited Asio operation is cancelled through the slot of the chain, and then throws.
/// Thread safety: none; a chain runs on one executor. Lifetime: destroying it destroys its frame.
template <class Result = void>
class [[nodiscard]] async {
public:
    /// What the language asks of a coroutine's return type.
    struct promise_type : detail::result_promise<Result> {
        /// The coroutine, not started.
        async get_return_object() noexcept { return async{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    };

    /// Leaves `other` without a coroutine.
    async(async&& other) noexcept : frame_{std::exchange(other.frame_, {})} {}
    /// Exchanges the coroutines.
    async& operator=(async&& other) noexcept
    {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~async()
    {
        if (frame_)
            frame_.destroy();
    }

    /// Never: awaiting starts it.
    bool await_ready() const noexcept { return false; }

    /// Starts the coroutine in place; `parent` goes on when it has ended.
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> parent) const noexcept
    {
        static_assert(std::is_base_of_v<detail::promise_base, Promise>,
                      "tasker: a tasker::async can be awaited by another tasker::async only; "
                      "start it with tasker::start_in_place elsewhere");
        frame_.promise().continuation = parent;
        frame_.promise().context = parent.promise().context;
        detail::resume_next(frame_);
    }

    /// Its result; throws what it threw.
    Result await_resume() { return frame_.promise().take(); }

private:
    explicit async(std::coroutine_handle<promise_type> frame) : frame_{frame} {}

    std::coroutine_handle<promise_type> frame_;
};

namespace detail {

/// The root of a chain: owns the context, belongs to whatever the chain waits for, and frees itself at the end.
struct async_root {
    struct promise_type : promise_base {
        async_context own;
        async_root get_return_object() noexcept
        {
            return async_root{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); } // `done` must not throw
    };
    std::coroutine_handle<promise_type> frame;
};

template <class Result, class Done>
async_root run_root(async<Result> work, Done done)
{
    std::exception_ptr problem;
    if constexpr (std::is_void_v<Result>) {
        try {
            co_await std::move(work);
        } catch (...) {
            problem = std::current_exception();
        }
        done(std::move(problem));
    } else {
        std::optional<Result> result;
        try {
            result.emplace(co_await std::move(work));
        } catch (...) {
            problem = std::current_exception();
        }
        done(std::move(problem), std::move(result));
    }
}

} // namespace detail

/// Starts `work` in place: it runs until it first waits before this call returns. At its end, `done` gets the exception
/// (or null) and, unless it returns void, an optional result. `done` must not throw. The caller is on `executor` already.
/// `slot` cancels what the chain waits for; with `stop`, which must outlive the chain, a cancel that came too late for one
/// wait ends the next.
/// Returns the frame of the chain: valid until `done` was called, and only needed by awaiters that are not Asio's.
template <class Result, class Done>
std::coroutine_handle<> start_in_place(boost::asio::any_io_executor executor, async<Result> work, Done done,
                                       boost::asio::cancellation_slot slot = {}, detail::stop_request* stop = nullptr)
{
    auto const root = detail::run_root(std::move(work), std::move(done)).frame;
    root.promise().own = {std::move(executor), slot, root, stop};
    root.promise().context = &root.promise().own;
    detail::pump(root);
    return root;
}

} // namespace tasker
