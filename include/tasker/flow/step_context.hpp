#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/base/owning.hpp>
#include <tasker/base/time.hpp>
#include <tasker/base/unique_function.hpp>
#include <tasker/model/codec.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tasker {

template <class>
class basic_attempt;

/// What a running attempt can ask of the engine. Implemented by the runtime, called by `step_context` alone.
class attempt_services {
public:
    /// What a sleeper hears at the end.
    using wake = unique_function<void(boost::system::error_code)>;

    /// As `step_context::now`.
    virtual time_point now() const = 0;
    /// As `step_context::cancelled`.
    virtual bool cancelled() const = 0;
    /// As `step_context::publish`.
    virtual void publish(std::string_view name, payload data) = 0;
    /// Calls `then` on any thread: with success after `length`, or with operation_aborted when `slot` is emitted.
    virtual void sleep(duration length, boost::asio::cancellation_slot slot, wake then) = 0;
    /// Calls `work` on the engine's pool for calls that block; drops it when the engine is gone.
    virtual void call_blocking(unique_function<void()> work) = 0;
    /// The session of the transaction that will hold the attempt's outcome; begins it, and blocks meanwhile.
    virtual void* transaction_session();

protected:
    ~attempt_services() = default;
};

/// The facts of an attempt that its body may read.
struct attempt_facts {
    task_id task;                       ///< whose step it is
    std::string_view workflow;          ///< full name
    std::string_view step;              ///< its name in the workflow
    int attempt = 1;                    ///< the number of this one, from 1
    int max_attempts = 1;               ///< as the step's retry policy says
    std::optional<time_point> deadline; ///< when its time is up; nothing: it has as long as it likes
    payload input;                      ///< the task's
};

/// What a step's body sees of the engine. Valid until the body's coroutine has ended.
/// Thread safety: members may be called from the executor on which the body runs.
class step_context {
public:
    /// For one attempt; a test of a body alone may implement `attempt_services` itself. Lifetime: `services` must
    /// outlive the context.
    step_context(attempt_services& services, attempt_facts facts, boost::asio::any_io_executor executor);
    step_context(step_context const&) = delete;
    step_context& operator=(step_context const&) = delete;

    /// The task that the step belongs to.
    task_id task() const noexcept { return facts_.task; }
    /// The workflow's full name, `shop/fulfil-order@1.0.0`; valid as long as the context.
    std::string_view workflow() const noexcept { return facts_.workflow; }
    /// The step's name; valid as long as the context.
    std::string_view step() const noexcept { return facts_.step; }
    int attempt() const noexcept { return facts_.attempt; } ///< from 1
    /// Attempts in all, as the step's retry policy says.
    int max_attempts() const noexcept { return facts_.max_attempts; }
    /// When the attempt's time is up, on the engine's clock; nothing: never.
    std::optional<time_point> deadline() const noexcept { return facts_.deadline; }

    /// The task's input. Throws `error{bad_payload}` when it is no `Input`.
    template <class Input>
    Input input() const
    {
        return codec<Input>::decode(facts_.input);
    }

    /// The same for every attempt of this step of this task, also after a crash: hand it to whoever must not act twice.
    std::string idempotency_key() const;

    /// The engine's clock: virtual in a simulation.
    time_point now() const { return services_->now(); }

    /// Whether the attempt's outcome no longer matters: its task was cancelled, its time ran out, or its lease was lost.
    bool cancelled() const { return services_->cancelled(); }

    /// Where the body runs; for sockets and timers of its own.
    boost::asio::any_io_executor get_executor() const noexcept;

    /// Publishes a `custom_event`, told when the attempt's outcome is durable, and not at all when it is not recorded.
    /// Throws `permanent_error` for a name that has no dot, or is the system's or one of its namespaces.
    template <class T>
    void publish(std::string_view name, T const& data)
    {
        services_->publish(name, codec<T>::encode(data));
    }
    /// The same without data.
    void publish(std::string_view name);

    /// `co_await context.sleep_for(2s)`: waits on the engine's clock.
    /// Cancellation: any type; throws `system_error{operation_aborted}`. Does not survive a crash: the attempt starts anew.
    template <class = void>
    auto sleep_for(duration length)
    {
        return boost::asio::async_initiate<boost::asio::deferred_t const, void(boost::system::error_code)>(
            start_sleep{}, boost::asio::deferred, services_, length, *executor_);
    }

    /// `co_await context.blocking([&] { return slow_call(); })`: calls it on the engine's pool for blocking calls.
    /// Cancellation: none; the call runs to its end.
    template <class Function>
    auto blocking(Function&& function)
    {
        static_assert(!breaks_in_co_await<Function>,
                      "tasker: g++ before 13 destroys an owning closure inside co_await twice; "
                      "capture by reference or name the closure first");
        using result = std::invoke_result_t<std::decay_t<Function>&>;
        using signature = typename signature_of<result>::type;
        return boost::asio::async_initiate<boost::asio::deferred_t const, signature>(
            start_blocking{}, boost::asio::deferred, services_, *executor_, std::forward<Function>(function));
    }

    /// What `tasker::sql_session` returns, without its type.
    void* transaction_session() { return services_->transaction_session(); }

    /// What follows is an executor that outlives the context, which need not be copied for each attempt.
    struct on_strand {};
    /// As the other constructor, with an executor that outlives the context.
    step_context(on_strand, attempt_services& services, attempt_facts facts, boost::asio::any_io_executor const& strand)
        : services_{&services}, facts_{std::move(facts)}, executor_{&strand}
    {
    }

private:
    template <class>
    friend class basic_attempt;

    template <class Result>
    struct signature_of {
        using type = void(std::exception_ptr, Result);
    };

    struct start_sleep {
        template <class Handler>
        void operator()(Handler&& handler, attempt_services* services, duration length, boost::asio::any_io_executor fallback) const
        {
            auto const slot = boost::asio::get_associated_cancellation_slot(handler);
            auto executor = boost::asio::get_associated_executor(handler, fallback);
            auto work = boost::asio::make_work_guard(executor);
            services->sleep(length, slot,
                            [handler = std::forward<Handler>(handler), executor,
                             work = std::move(work)](boost::system::error_code result) mutable {
                                boost::asio::post(executor, [handler = std::move(handler), result]() mutable {
                                    std::move(handler)(result);
                                });
                            });
        }
    };

    struct start_blocking {
        template <class Handler, class Function>
        void operator()(Handler&& handler, attempt_services* services, boost::asio::any_io_executor fallback,
                        Function function) const
        {
            auto executor = boost::asio::get_associated_executor(handler, fallback);
            auto work = boost::asio::make_work_guard(executor);
            services->call_blocking([handler = std::forward<Handler>(handler), executor, work = std::move(work),
                                     function = std::move(function)]() mutable {
                call(std::move(handler), executor, function);
            });
        }

        template <class Handler, class Executor, class Function>
        static void call(Handler handler, Executor const& executor, Function& function)
        {
            using result_type = std::invoke_result_t<Function&>;
            std::exception_ptr problem;
            if constexpr (std::is_void_v<result_type>) {
                try {
                    function();
                } catch (...) {
                    problem = std::current_exception();
                }
                boost::asio::post(executor, [handler = std::move(handler), problem]() mutable { std::move(handler)(problem); });
            } else {
                result_type result{};
                try {
                    result = function();
                } catch (...) {
                    problem = std::current_exception();
                }
                boost::asio::post(executor, [handler = std::move(handler), problem, result = std::move(result)]() mutable {
                    std::move(handler)(problem, std::move(result));
                });
            }
        }
    };

    attempt_services* services_;
    attempt_facts facts_;
    boost::asio::any_io_executor own_executor_;
    boost::asio::any_io_executor const* executor_;
};

/// How a function that returns nothing is awaited.
template <>
struct step_context::signature_of<void> {
    /// The completion's signature.
    using type = void(std::exception_ptr);
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/flow/step_context.ipp>
#endif
