#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/model/codec.hpp>
#include <tasker/runtime/engine_environment.hpp>
#include <tasker/runtime/task_outcome.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tasker {

/// A submitted task. Cheap to copy; outlives nothing: when its engine is gone, awaiting throws `error{engine_stopped}`.
/// Thread safety: members may be called from any thread. Cancellation: stops the waiting, not the task.
class task_handle {
public:
    task_handle() = default;
    /// Made by the engine.
    task_handle(task_id id, std::weak_ptr<engine_core> engine, boost::asio::any_io_executor strand)
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

private:
    template <class Result>
    static boost::asio::awaitable<Result> result_of(task_handle self) // by value: the handle need not outlive the wait
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

} // namespace tasker
