#pragma once

#include <tasker/runtime/attempt_scope.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tasker {

/// One execution of a step's body: its context, its arguments, its time limit, its cancellation.
/// Kept alive by whatever runs the body. Belongs to the strand, but for what `step_context` calls from the body's executor.
template <class Lazy>
class basic_attempt final : public attempt_scope, public wait_node, public std::enable_shared_from_this<attempt> {
public:
    /// What an attempt keeps alive, as it may outlive the call that starts it.
    struct owners {
        std::shared_ptr<attempt_environment const> environment;
        std::shared_ptr<task_run> task;
    };

    /// For a body on the strand.
    basic_attempt(owners keeps, step_no which, time_point now)
        : attempt_scope{*keeps.environment, *keeps.task, which, now}, runs_on_strand{true}, kept_{std::move(keeps)}
    {
    }

    /// For a body on an executor of its own.
    basic_attempt(owners keeps, step_no which, time_point now, boost::asio::any_io_executor elsewhere)
        : attempt_scope{*keeps.environment, *keeps.task, which, now, std::move(elsewhere)}, runs_on_strand{false}, kept_{std::move(keeps)}
    {
    }

    bool cancelled() const override { return cancelled_.load(std::memory_order_acquire); }

    void* transaction_session() override
    {
        if (!transaction)
            return attempt_scope::transaction_session();
        if (!transaction->is_open())
            ask_for_leave();
        return transaction->session();
    }

    /// Its time is over.
    void on_due() override { environment().on_timeout(*this); }

    /// Asks the body to stop, through its cancellation slot, on its own executor.
    void cancel()
    {
        if (cancelled_.exchange(true, std::memory_order_acq_rel))
            return;
        if (transaction)
            transaction->refuse(std::make_exception_ptr(boost::system::system_error{boost::asio::error::operation_aborted}));
        if (runs_on_strand) {
            ask_to_stop();
            return;
        }
        std::scoped_lock const lock{executor_mutex_};
        if (context.own_executor_)
            boost::asio::post(context.own_executor_, [self = shared_from_this()] { self->ask_to_stop(); });
    }

    /// The body has ended, on its own executor, which what is left of the attempt may outlive.
    void leave_executor()
    {
        std::scoped_lock const lock{executor_mutex_};
        context.own_executor_ = {};
    }

    bool const runs_on_strand;
    std::size_t place = 0; ///< among its task's attempts
    std::optional<step_state> unrecorded_from; ///< what the step was before, as long as the start is not journaled
    boost::asio::cancellation_signal signal;
    detail::stop_request stop;                              ///< belongs to the body's executor, as the signal does
    std::vector<pending_command> cancelled_by;              ///< answered when it has ended
    std::unique_ptr<body_transaction> transaction;          ///< of a body that can have one
    bool is_called_in_place = false; ///< on the strand's own thread, as in a simulation, but not amid the engine's work
    bool is_late = false; ///< its time is over, and it counts as late once its body has ended
    bool over = false; ///< settled: whatever the body still does no longer counts

private:
    /// Asks the journal, on the strand, to say when the step's start is durable; whoever drops it unanswered refuses.
    class leave_request {
    public:
        explicit leave_request(std::shared_ptr<basic_attempt> by) : by_{std::move(by)} {}
        leave_request(leave_request&&) noexcept = default;
        leave_request& operator=(leave_request&&) = delete;
        ~leave_request()
        {
            if (by_)
                by_->transaction->refuse(std::make_exception_ptr(
                    error{errc::engine_stopped, "the engine ended before the step could begin its transaction"}));
        }

        void make(engine_parts& parts)
        {
            if (by_->over)
                return;
            auto const asking = by_;
            auto answer_when = [request = std::move(*this)](std::exception_ptr const& lost) mutable { request.answer(lost); };
            if (asking->task->is_coroutine()) // what it follows from may be volatile
                parts.records.when_all_durable(*asking->task, std::move(answer_when));
            else
                parts.records.when_durable(*asking->task, asking->step, std::move(answer_when));
        }

    private:
        void answer(std::exception_ptr const& lost)
        {
            auto const by = std::exchange(by_, nullptr);
            lost ? by->transaction->refuse(lost) : by->transaction->give_leave();
        }

        std::shared_ptr<basic_attempt> by_;
    };

    /// No older row of the step may be on its way to the store when the transaction writes a newer one.
    void ask_for_leave()
    {
        if (is_called_in_place) {
            if (auto const parts = environment().engine.lock()) {
                leave_request{shared_from_this()}.make(*parts);
                parts->records.flush();
            }
            return;
        }
        boost::asio::post(environment().strand, [engine = environment().engine, request = leave_request{shared_from_this()}]() mutable {
            if (auto const parts = engine.lock()) {
                request.make(*parts);
                parts->schedule();
            }
        });
        transaction->await_leave();
    }

    void ask_to_stop()
    {
        stop.asked = true;
        signal.emit(boost::asio::cancellation_type::terminal);
    }

    owners const kept_;
    std::atomic<bool> cancelled_{false};
    std::mutex executor_mutex_; ///< between the end of a body elsewhere and a request to stop it
};

/// Asks the running body of a step to stop, for good; false when the step does not run.
inline bool stop_attempt(task_run& task, step_no step)
{
    auto const at = std::find_if(task.attempts.begin(), task.attempts.end(), [step](auto const& each) { return each->step == step; });
    if (at == task.attempts.end())
        return false;
    auto const running = *at;
    running->is_late = false; // it was stopped, and is not to be tried again
    running->cancel();
    return true;
}

} // namespace tasker
