#pragma once

#include <tasker/event/event_catalogue.hpp>
#include <tasker/plan/settle.hpp>
#include <tasker/runtime/body_transaction.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/sleeper.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
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
    std::shared_ptr<transaction_gate> transactions;
    std::function<void(attempt&)> on_timeout; ///< called on the strand, while the engine is there
};

/// What the body of one execution of a step sees: its context and its arguments. By itself it serves a body that has ended
/// before anybody can stop it. Belongs to the strand, but for what `step_context` calls from the body's executor.
template <class Lazy>
class basic_attempt_scope : public attempt_services {
public:
    /// For a body on the strand. Lifetime: its task and environment must outlive it.
    basic_attempt_scope(attempt_environment const& environment, task_run& of, step_no which, time_point now)
        : task{&of}, step{which}, started_at{now},
          context{step_context::on_strand{}, *this, facts_of(of, which, now), environment.strand}, environment_{&environment}
    {
        gather_arguments();
    }

    /// For a body on an executor of its own.
    basic_attempt_scope(attempt_environment const& environment, task_run& of, step_no which, time_point now, boost::asio::any_io_executor elsewhere)
        : task{&of}, step{which}, started_at{now}, context{*this, facts_of(of, which, now), std::move(elsewhere)}, environment_{&environment}
    {
        gather_arguments();
    }

    // What the body asks for, on its own executor.
    time_point now() const override { return environment_->time->now(); }
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
        throw permanent_error{"step \"" + std::string{context.step()} + "\" can have no transaction: " + std::string{no_transaction}};
    }

    bool cancelled() const override { return false; }

    /// What it needs of the engine, which it may outlive.
    attempt_environment const& environment() const noexcept { return *environment_; }

    task_run* const task;
    step_no const step;
    time_point const started_at;
    boost::container::small_vector<payload, 4> arguments;
    step_context context;
    std::vector<std::pair<std::string, payload>> published; ///< belongs to the body until it has ended
    std::string_view no_transaction = "its body is a coroutine, whose thread SQL would block; make it a plain function with "
                                      ".run_on = tasker::blocking"; ///< why there is none

protected:
    ~basic_attempt_scope() = default;

private:
    static attempt_facts facts_of(task_run const& of, step_no which, time_point now)
    {
        step_options const& options = of.plan.shape().step(which).options;
        attempt_facts facts{of.record.id, of.workflow->flow.full_name(), of.name_of(which), of.plan.record(which).attempts + 1,
                            options.retry.max_attempts, {}, of.record.input};
        if (options.timeout > duration::zero())
            facts.deadline = now + std::min(options.timeout, longest_wait);
        return facts;
    }

    void gather_arguments()
    {
        workflow const& flow = task->workflow->flow;
        if (flow.is_coroutine())
            return;
        auto const sources = flow.arguments(step);
        arguments.reserve(sources.size());
        for (argument_source const& source : sources)
            arguments.push_back(source.step == argument_source::from_input ? task->record.input : task->plan.record(source.step).result);
    }

    attempt_environment const* environment_;
};
using attempt_scope = basic_attempt_scope<void>;

/// What a plain body returns, or throws.
template <class = void>
inline std::pair<std::exception_ptr, std::optional<payload>> call_body(attempt_scope& one, plain_body const& body)
{
    try {
        return {nullptr, body(one.context, one.arguments)};
    } catch (...) {
        return {std::current_exception(), {}};
    }
}

/// An attempt that has ended when the call that starts it returns.
class placed_attempt final : public attempt_scope {
public:
    using attempt_scope::attempt_scope;
};

} // namespace tasker
