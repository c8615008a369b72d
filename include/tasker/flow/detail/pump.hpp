#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <coroutine>
#include <utility>

namespace tasker::detail {

/// Whether a chain was asked to stop, and whether a wait of its has told it. Belongs to the chain's executor.
struct stop_request {
    bool asked = false;
    bool heard = false;
    bool is_final = false; ///< no wait begins any more, and not only the next one does not
};

/// What a running chain of coroutines stands on. Lives in the frame of its root.
struct async_context {
    boost::asio::any_io_executor executor;
    boost::asio::cancellation_slot slot;
    std::coroutine_handle<> root; ///< destroying it destroys the whole chain
    stop_request* stop = nullptr; ///< none: asked through the slot alone

    /// Once, when the chain was asked to stop just as what it waited for had ended: there was nothing left to cancel.
    bool must_stop() noexcept { return stop != nullptr && stop->asked && (stop->is_final || !std::exchange(stop->heard, true)); }
};

/// The part of a promise that links a chain.
struct chained_promise {
    std::coroutine_handle<> continuation; ///< who awaits this coroutine
    async_context* context = nullptr;
};

inline std::coroutine_handle<>& next_coroutine() noexcept
{
    static thread_local std::coroutine_handle<> next;
    return next;
}

/// Names the coroutine that the innermost pump resumes as soon as the present one has suspended.
inline void resume_next(std::coroutine_handle<> next) noexcept { next_coroutine() = next; }

/// Resumes `first` and whatever it hands over to, one after another on this stack frame: a loop where symmetric transfer
/// would nest on compilers that do not make it a tail call.
inline void pump(std::coroutine_handle<> first)
{
    auto const outer = std::exchange(next_coroutine(), first);
    while (auto const current = std::exchange(next_coroutine(), {}))
        current.resume();
    next_coroutine() = outer;
}

} // namespace tasker::detail
