#pragma once

#include <tasker/flow/detail/pump.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <coroutine>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tasker::detail {

namespace asio = boost::asio;

/// Awaits an Asio operation from one of the library's coroutines: starts it with a handler that resumes the coroutine
/// through the pump. Cancellation: the chain's slot is the handler's. Errors become exceptions, as with `use_awaitable`.
template <class Operation, class Signature>
class asio_awaiter;

template <class Operation, class... Results>
class asio_awaiter<Operation, void(Results...)> {
public:
    explicit asio_awaiter(Operation operation) : operation_{std::move(operation)} {}
    asio_awaiter(asio_awaiter&& other) : operation_{std::move(other.operation_)} {} // moved only before it starts

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self)
    {
        self_ = self;
        context_ = self.promise().context;
        if (context_->must_stop())
            return false; // without results: await_resume throws
        std::move(operation_)(handler{this});
        // Either the coroutine is suspended before the handler runs, and the handler resumes it; or after, and it goes on.
        return progress_.exchange(suspended) == initiating;
    }

    auto await_resume() { return unpack(std::index_sequence_for<Results...>{}); }

private:
    enum progress : int { initiating, suspended, completed };

    class handler {
    public:
        using executor_type = asio::any_io_executor;
        using cancellation_slot_type = asio::cancellation_slot;

        explicit handler(asio_awaiter* awaiter)
            : awaiter_{awaiter}, context_{awaiter->context_}
        {
        }
        handler(handler&& other) noexcept : awaiter_{std::exchange(other.awaiter_, nullptr)}, context_{other.context_} {}
        handler& operator=(handler&&) = delete;
        ~handler()
        {
            if (awaiter_ != nullptr)
                awaiter_->abandon();
        }

        executor_type get_executor() const noexcept { return context_->executor; }
        cancellation_slot_type get_cancellation_slot() const noexcept { return context_->slot; }

        template <class... Values>
        void operator()(Values&&... values)
        {
            std::exchange(awaiter_, nullptr)->complete(std::forward<Values>(values)...);
        }

    private:
        asio_awaiter* awaiter_;
        async_context const* context_; ///< of the chain, which waits as long as there is a handler to be called
    };

    template <class... Values>
    void complete(Values&&... values)
    {
        results_.emplace(std::forward<Values>(values)...);
        if (progress_.exchange(completed) == suspended)
            pump(self_);
    }

    /// The handler was destroyed without a call: nobody will ever resume this chain, so it goes with it.
    void abandon()
    {
        if (progress_.exchange(completed) == suspended)
            context_->root.destroy();
    }

    template <std::size_t... At>
    auto unpack(std::index_sequence<At...>)
    {
        if (!results_)
            throw boost::system::system_error{asio::error::operation_aborted};
        auto results = std::move(*results_);
        if constexpr (sizeof...(Results) > 0)
            if (context_->stop != nullptr && context_->stop->asked && is_aborted(std::get<0>(results)))
                context_->stop->heard = true;
        return throw_or_return(std::get<At>(std::move(results))...);
    }

    template <class First>
    static bool is_aborted(First const& first)
    {
        if constexpr (std::is_same_v<First, boost::system::error_code>)
            return first == asio::error::operation_aborted;
        else if constexpr (std::is_same_v<First, std::exception_ptr>)
            return first != nullptr && is_aborted_exception(first);
        else
            return false;
    }

    static bool is_aborted_exception(std::exception_ptr const& thrown)
    {
        try {
            std::rethrow_exception(thrown);
        } catch (boost::system::system_error const& problem) {
            return problem.code() == asio::error::operation_aborted;
        } catch (...) { // it says nothing about a stop
            return false;
        }
    }

    static void throw_or_return() {}

    template <class First, class... Rest>
    static auto throw_or_return(First&& first, Rest&&... rest)
    {
        if constexpr (std::is_same_v<std::remove_cvref_t<First>, boost::system::error_code>) {
            if (first)
                throw boost::system::system_error{first};
            return values(std::forward<Rest>(rest)...);
        } else if constexpr (std::is_same_v<std::remove_cvref_t<First>, std::exception_ptr>) {
            if (first)
                std::rethrow_exception(first);
            return values(std::forward<Rest>(rest)...);
        } else {
            return values(std::forward<First>(first), std::forward<Rest>(rest)...);
        }
    }

    static void values() {}
    template <class Only>
    static std::remove_cvref_t<Only> values(Only&& only)
    {
        return std::forward<Only>(only);
    }
    template <class First, class Second, class... Rest>
    static auto values(First&& first, Second&& second, Rest&&... rest)
    {
        return std::tuple<std::remove_cvref_t<First>, std::remove_cvref_t<Second>, std::remove_cvref_t<Rest>...>{
            std::forward<First>(first), std::forward<Second>(second), std::forward<Rest>(rest)...};
    }

    Operation operation_;
    std::coroutine_handle<> self_;
    async_context* context_ = nullptr;
    std::atomic<int> progress_{initiating};
    std::optional<std::tuple<std::remove_cvref_t<Results>...>> results_;
};

/// An `asio::awaitable` as an operation: spawned on the chain's executor, cancelled through the chain's slot.
template <class Result, class Executor>
auto bridge(asio::awaitable<Result, Executor> coroutine, asio::any_io_executor const& executor)
{
    auto spawn = [coroutine = std::move(coroutine), executor]<class Handler>(Handler&& handler) mutable {
        asio::co_spawn(executor, std::move(coroutine), std::forward<Handler>(handler));
    };
    if constexpr (std::is_void_v<Result>)
        return asio_awaiter<decltype(spawn), void(std::exception_ptr)>{std::move(spawn)};
    else
        return asio_awaiter<decltype(spawn), void(std::exception_ptr, Result)>{std::move(spawn)};
}

} // namespace tasker::detail
