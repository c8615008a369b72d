#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/base/owning.hpp>
#include <tasker/model/codec.hpp>
#include <tasker/model/records.hpp>
#include <tasker/runtime/engine_environment.hpp>
#include <tasker/runtime/task_outcome.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tasker {

/// How a message is sent. Trivially destructible, so that it may be written inside a co_await expression.
struct send_options {
    std::string_view key{}; ///< of several messages to one task with the same key, of at most 512 bytes, the first counts; empty: each counts
};

/// A submitted task. Cheap to copy; outlives nothing: when its engine is gone, awaiting throws `error{engine_stopped}`.
/// Thread safety: members may be called from any thread. Cancellation: stops the waiting, not the task.
template <class Lazy>
class basic_task_handle {
public:
    basic_task_handle() = default;
    /// Made by the engine.
    basic_task_handle(task_id id, std::weak_ptr<engine_core> engine, boost::asio::any_io_executor strand)
        : id_{id}, engine_{std::move(engine)}, strand_{std::move(strand)}
    {
    }

    /// All zero in a handle that was default-constructed.
    task_id id() const noexcept { return id_; }

    /// Waits for the end of the task, however it ends.
    boost::asio::awaitable<task_outcome> outcome() const;

    /// Waits for the workflow's result. Throws `error{task_failed}` or `error{task_cancelled}`, which say why there is none.
    template <class Result = void>
    boost::asio::awaitable<Result> result() const
    {
        return result_of<Result>(*this);
    }

    /// Cancels the task: no further step starts, running bodies are asked to stop. Returns when that is durable.
    /// Throws `error{illegal_transition}` when the task is cancelled already.
    boost::asio::awaitable<void> cancel(std::string_view reason = {}) const;

    /// As `engine::send`.
    template <class T>
    boost::asio::awaitable<void> send(std::string_view name, T&& value, send_options const& options = {}) const
    {
        static_assert(!breaks_in_co_await<T>, "tasker: g++ before 13 destroys an owning temporary inside co_await twice; "
                                              "give the value a name and send that");
        return send_payload({{}, 0, std::string{name}, codec<stored_type<T>>::encode(value), std::string{options.key}});
    }

private:
    template <class>
    friend class basic_engine;

    boost::asio::awaitable<void> send_payload(message told) const;

    template <class Result>
    static boost::asio::awaitable<Result> result_of(basic_task_handle self) // by value: the handle need not outlive the wait
    {
        task_outcome const ended = co_await self.outcome();
        if (ended.state == task_state::cancelled)
            throw error{errc::task_cancelled, "task " + to_text(self.id_) + ": " + ended.what};
        if (!ended.succeeded())
            throw error{errc::task_failed, "task " + to_text(self.id_) + ": " + ended.what};
        if constexpr (!std::is_void_v<Result>)
            co_return codec<Result>::decode(ended.result);
    }

    task_id id_;
    std::weak_ptr<engine_core> engine_;
    boost::asio::any_io_executor strand_;
};
using task_handle = basic_task_handle<void>;

} // namespace tasker
