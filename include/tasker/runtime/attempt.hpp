#pragma once

#include <tasker/event/event_catalogue.hpp>
#include <tasker/plan/settle.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/sleeper.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

/// What attempts need of their engine, which they may outlive on executors of the user's.
struct attempt_environment {
    std::weak_ptr<engine_parts> engine; ///< locked on the strand alone
    boost::asio::any_io_executor strand;
    std::shared_ptr<clock const> time;
};

/// One execution of a step's body: its context, its arguments, its time limit, its cancellation.
/// Kept alive by whatever runs the body. Belongs to the strand, but for what `step_context` calls from the body's executor.
class attempt final : public attempt_services, public wait_node, public std::enable_shared_from_this<attempt> {
public:
    attempt(std::shared_ptr<attempt_environment const> environment, std::shared_ptr<task_run> of, step_no which,
            boost::asio::any_io_executor executor, std::function<void(attempt&)> on_timeout)
        : task{std::move(of)}, step{which}, started_at{environment->time->now()}, environment_{std::move(environment)},
          on_timeout_{std::move(on_timeout)}
    {
        workflow const& flow = task->workflow->flow;
        for (argument_source const& source : flow.arguments(step))
            arguments.push_back(source.step == argument_source::from_input ? task->record.input
                                                                           : task->plan.record(source.step).result);
        step_options const& options = flow.shape().step(step).options;
        attempt_facts facts{task->record.id,
                            flow.full_name(),
                            flow.shape().step(step).name,
                            task->plan.record(step).attempts + 1,
                            options.retry.max_attempts,
                            {},
                            task->record.input};
        if (options.timeout > duration::zero())
            facts.deadline = started_at + std::min(options.timeout, longest_wait);
        context.emplace(*this, std::move(facts), std::move(executor));
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
            slot.assign([environment = environment_, weak = std::weak_ptr{one}](boost::asio::cancellation_type) {
                boost::asio::post(environment->strand, [weak, engine = environment->engine] {
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

    /// Its time is over.
    void on_due() override { on_timeout_(*this); }

    /// Asks the body to stop, through its cancellation slot, on its own executor.
    void cancel()
    {
        if (cancelled_.exchange(true, std::memory_order_acq_rel))
            return;
        if (runs_on_strand)
            ask_to_stop();
        else
            boost::asio::post(context->get_executor(), [self = shared_from_this()] { self->ask_to_stop(); });
    }

    std::shared_ptr<task_run> const task;
    step_no const step;
    time_point const started_at;
    std::vector<payload> arguments;
    std::optional<step_context> context;
    boost::asio::cancellation_signal signal;
    detail::stop_request stop;                              ///< belongs to the body's executor, as the signal does
    std::vector<std::pair<std::string, payload>> published; ///< belongs to the body until it has ended
    std::vector<pending_command> cancelled_by;              ///< answered when it has ended
    bool runs_on_strand = true;
    bool over = false; ///< settled: whatever the body still does no longer counts

private:
    void ask_to_stop()
    {
        stop.asked = true;
        signal.emit(boost::asio::cancellation_type::terminal);
    }

    std::shared_ptr<attempt_environment const> environment_;
    std::function<void(attempt&)> on_timeout_;
    std::atomic<bool> cancelled_{false};
};

} // namespace tasker
