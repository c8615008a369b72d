#pragma once

#include <tasker/event/event_catalogue.hpp>
#include <tasker/plan/settle.hpp>
#include <tasker/runtime/body_transaction.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/sleeper.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

/// What attempts need of their engine, which they may outlive on executors of the user's.
struct attempt_environment {
    std::weak_ptr<engine_parts> engine; ///< locked on the strand alone
    boost::asio::any_io_executor strand;
    std::shared_ptr<clock const> time;
    std::shared_ptr<transaction_gate> transactions;
    std::function<void(attempt&)> on_timeout; ///< called on the strand, while the engine is there
};

/// One execution of a step's body: its context, its arguments, its time limit, its cancellation.
/// Kept alive by whatever runs the body. Belongs to the strand, but for what `step_context` calls from the body's executor.
template <class Lazy>
class basic_attempt final : public attempt_services, public wait_node, public std::enable_shared_from_this<attempt> {
public:
    /// What an attempt keeps alive that may outlive the call that starts it.
    struct owners {
        std::shared_ptr<attempt_environment const> environment;
        std::shared_ptr<task_run> task;
    };

    /// For a body on the strand, or on `elsewhere`. Lifetime: its task and environment must outlive it, unless it `keeps` them.
    basic_attempt(attempt_environment const& environment, task_run& of, step_no which, time_point now,
            std::optional<boost::asio::any_io_executor> elsewhere = {}, owners keeps = {})
        : task{&of}, step{which}, started_at{now}, runs_on_strand{!elsewhere}, environment_{&environment}, kept_{std::move(keeps)}
    {
        workflow const& flow = task->workflow->flow;
        auto const sources = flow.is_coroutine() ? std::span<argument_source const>{} : flow.arguments(step);
        arguments.reserve(sources.size());
        for (argument_source const& source : sources)
            arguments.push_back(source.step == argument_source::from_input ? task->record.input
                                                                           : task->plan.record(source.step).result);
        step_definition const& definition = task->plan.shape().step(step);
        attempt_facts facts{task->record.id,
                            flow.full_name(),
                            task->name_of(step),
                            task->plan.record(step).attempts + 1,
                            definition.options.retry.max_attempts,
                            {},
                            task->record.input};
        if (definition.options.timeout > duration::zero())
            facts.deadline = started_at + std::min(definition.options.timeout, longest_wait);
        if (elsewhere)
            context.emplace(*this, std::move(facts), std::move(*elsewhere));
        else
            context.emplace(step_context::on_strand{}, *this, std::move(facts), environment_->strand);
    }

    // What the body asks for, on its own executor.
    time_point now() const override { return environment_->time->now(); }
    bool cancelled() const override { return cancelled_.load(std::memory_order_acquire); }
    void publish(std::string_view name, payload data) override
    {
        if (auto const problem = problem_of_event_name(name))
            throw permanent_error{*problem};
        published.emplace_back(name, std::move(data));
    }

    void sleep(duration length, boost::asio::cancellation_slot slot, wake then) override
    {
        auto one = std::make_shared<sleeper>(std::move(then));
        if (slot.is_connected())
            slot.assign([strand = environment_->strand, engine = environment_->engine, weak = std::weak_ptr{one}](boost::asio::cancellation_type) {
                boost::asio::post(strand, [weak, engine] {
                    auto const parts = engine.lock(); // the list it stands in is the engine's
                    auto const asleep = weak.lock();
                    if (parts && asleep)
                        asleep->cancel();
                });
            });
        boost::asio::dispatch(environment_->strand, [engine = environment_->engine, one = std::move(one), due = now() + std::min(length, longest_wait)] {
            if (auto const parts = engine.lock())
                sleeper::lie_down(one, parts->sleepers, parts->waits, due);
        });
    }

    void call_blocking(unique_function<void()> work) override
    {
        boost::asio::dispatch(environment_->strand, [engine = environment_->engine, work = std::move(work)]() mutable {
            if (auto const parts = engine.lock())
                boost::asio::post(parts->blocking.executor(), std::move(work));
        });
    }

    void* transaction_session() override
    {
        if (!transaction)
            throw permanent_error{"step \"" + std::string{context->step()} + "\" can have no transaction: " + std::string{no_transaction}};
        if (!transaction->is_open())
            ask_for_leave();
        return transaction->session();
    }

    /// What it needs of the engine, which it may outlive.
    attempt_environment const& environment() const noexcept { return *environment_; }

    /// Its time is over.
    void on_due() override { environment_->on_timeout(*this); }

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
        if (context->own_executor_)
            boost::asio::post(context->own_executor_, [self = shared_from_this()] { self->ask_to_stop(); });
    }

    /// The body has ended, on its own executor, which what is left of the attempt may outlive.
    void leave_executor()
    {
        std::scoped_lock const lock{executor_mutex_};
        context->own_executor_ = {};
    }

    task_run* const task;
    step_no const step;
    time_point const started_at;
    bool const runs_on_strand;
    std::size_t place = 0; ///< among its task's attempts
    boost::container::small_vector<payload, 4> arguments;
    std::optional<step_context> context;
    boost::asio::cancellation_signal signal;
    detail::stop_request stop;                              ///< belongs to the body's executor, as the signal does
    std::vector<std::pair<std::string, payload>> published; ///< belongs to the body until it has ended
    std::vector<pending_command> cancelled_by;              ///< answered when it has ended
    std::unique_ptr<body_transaction> transaction;          ///< of a body that can have one
    std::string_view no_transaction = "its body is a coroutine, whose thread SQL would block; make it a plain function with "
                                      ".run_on = tasker::blocking"; ///< why there is none
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
            if (auto const parts = environment_->engine.lock()) {
                leave_request{shared_from_this()}.make(*parts);
                parts->records.flush();
            }
            return;
        }
        boost::asio::post(environment_->strand, [engine = environment_->engine, request = leave_request{shared_from_this()}]() mutable {
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

    attempt_environment const* environment_;
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
