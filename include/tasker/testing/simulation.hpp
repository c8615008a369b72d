#pragma once

#include <tasker/engine.hpp>
#include <tasker/runtime/task_ending.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/task_report.hpp>
#include <tasker/testing/virtual_clock.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tasker::testing {

/// Engine options that suit a simulation: leases outlast it, so that it jumps from one deadline of the test to the next.
inline engine_options patient_options()
{
    engine_options options;
    options.lease = std::chrono::days{365};
    options.safety_poll = std::chrono::days{365};
    return options;
}

class simulation;

/// How a simulation is set up.
struct simulation_options {
    engine_options engine = patient_options();   ///< of each engine
    std::function<any_store()> store = {};       ///< called for each engine; default: one memory store
    std::uint64_t seed = 1;                      ///< of jitter and ids: the same seed runs the same way
    duration time_limit = std::chrono::days{30}; ///< virtual time after which a run is declared stuck
    std::function<void(simulation&)> after_handler = {}; ///< called after every handler; may end the engine, and throw
};

/// The very engine, on virtual time: one thread, no sleeping, the clock jumps to the next deadline. Store calls and
/// blocking bodies run in place. Bodies must wait through `step_context::sleep_for`, not through timers of their own.
class simulation {
public:
    /// Starts the first engine.
    explicit simulation(simulation_options options = {}) : options_{std::move(options)}
    {
        if (!options_.store)
            options_.store = [data = memory_store{}] { return any_store{data}; };
        begin();
    }
    ~simulation() { end(); }
    simulation(simulation const&) = delete;
    simulation& operator=(simulation const&) = delete;

    /// The engine that runs now.
    tasker::engine& engine() { return *engine_; }
    /// Virtual time.
    time_point now() const { return clock_->now(); }
    /// For work of the test's own beside the engine's.
    boost::asio::io_context& context() { return *context_; }
    /// Handlers executed so far: stands still while nothing happens.
    std::size_t handlers() const noexcept { return handlers_; }
    /// Every event so far, of all tasks and engines.
    std::vector<event> const& events() const noexcept { return events_; }

    /// Adds a workflow to this engine and to those after it.
    void add(workflow const& flow, add_options const& options = {})
    {
        engine_->add(flow, options);
        added_.insert_or_assign(flow.key(), std::pair{flow, options});
        settle();
    }

    /// Submits and drives until the task has finished. Throws `std::runtime_error` that says why when it never does.
    template <class Input>
    task_report run(workflow const& flow, Input const& input, submit_options const& options = {})
    {
        task_id const id = submit(flow, input, options);
        finish(id);
        return report(id);
    }
    /// The same without an input.
    task_report run(workflow const& flow)
    {
        task_id const id = submit(flow);
        finish(id);
        return report(id);
    }

    /// Submits a task, its workflow added first if need be; throws what the engine throws. Does not run it.
    template <class Input>
    task_id submit(workflow const& flow, Input const& input, submit_options const& options = {})
    {
        make_known(flow);
        return await(engine_->submit(flow.full_name(), input, options)).id();
    }
    /// The same without an input.
    task_id submit(workflow const& flow, submit_options const& options = {})
    {
        make_known(flow);
        return await(engine_->submit(flow.full_name(), options)).id();
    }

    /// Drives until nothing can happen at the present instant.
    void settle()
    {
        for (;;) {
            context_->restart();
            std::size_t const ran = options_.after_handler ? context_->poll_one() : context_->poll();
            if (ran == 0)
                return;
            ran_handlers(ran);
        }
    }

    /// Executes one handler or, when there is none, lets time pass to the next deadline, at most to `limit`; false when
    /// neither is left. For tests that end an engine anywhere in between.
    bool step(time_point limit)
    {
        context_->restart();
        if (context_->poll_one() > 0) {
            ran_handlers(1);
            return true;
        }
        auto const due = clock_->next_due();
        if (!due || *due > limit)
            return false;
        clock_->advance_to(*due);
        return true;
    }

    /// Lets `length` pass, with everything that falls due in between at its exact time.
    void advance(duration length)
    {
        time_point const goal = now() + length;
        settle();
        for (auto due = clock_->next_due(); due && *due <= goal; due = clock_->next_due()) {
            clock_->advance_to(*due);
            settle();
        }
        clock_->advance_to(goal);
        settle();
    }

    /// Drives, jumping from deadline to deadline, until the task has finished.
    void finish(task_id id)
    {
        time_point const limit = now() + options_.time_limit;
        settle();
        while (!is_finished(state_of(id))) {
            auto const due = clock_->next_due();
            if (!due || *due > limit)
                throw std::runtime_error{"the simulated task is stuck: " + why_text(id)};
            clock_->advance_to(*due);
            settle();
        }
    }

    /// Drives until the awaited operation ends, without letting time pass; throws what it throws.
    template <class Result>
    Result await(boost::asio::awaitable<Result> operation)
    {
        using value_type = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;
        struct ending { // outlives this call when the operation does
            std::exception_ptr problem;
            std::optional<value_type> result;
        };
        auto const end = std::make_shared<ending>();
        if constexpr (std::is_void_v<Result>)
            boost::asio::co_spawn(*context_, std::move(operation), [end](std::exception_ptr thrown) {
                end->problem = thrown;
                end->result.emplace();
            });
        else
            boost::asio::co_spawn(*context_, std::move(operation), [end](std::exception_ptr thrown, Result value) {
                end->problem = thrown;
                end->result.emplace(std::move(value));
            });
        settle();
        if (!end->result)
            throw std::runtime_error{"the awaited operation does not end without time passing; use advance or finish"};
        if (end->problem)
            std::rethrow_exception(end->problem);
        if constexpr (!std::is_void_v<Result>)
            return std::move(*end->result);
    }

    /// What is known of a task by now, finished or not. Throws `error{unknown_task}`.
    task_report report(task_id id)
    {
        auto const loaded = await(engine_->load(id));
        if (!loaded)
            throw error{errc::unknown_task, "the simulated store has no task " + to_text(id)};
        task_record const& record = loaded->task;
        workflow const flow = flow_of(record.workflow).with_steps_of(loaded->steps);
        task_report report{id, record.state, record.finished_at.value_or(now()) - record.created_at, {}, {}, record, {}, {}};
        std::vector<step_record> records(flow.shape().size());
        for (auto const& [no, step] : loaded->steps)
            records.at(no) = step;
        for (step_no no = 0; no < records.size(); ++no)
            report.steps.push_back({flow.shape().step(no).name, records[no]});
        if (is_finished(record.state)) {
            task_outcome const outcome = outcome_of_task(flow, record, records);
            report.what = outcome.what;
            report.output = outcome.result;
        }
        for (event const& one : events_)
            if (task_of(one) == id)
                report.events.push_back(one);
        return report;
    }

    /// The engine dies, with every handler that was on its way, and a new one starts on the same store.
    /// Its leases have run out by then when `after` is longer than `engine_options::lease`.
    void crash(duration after = duration::zero())
    {
        end();
        clock_->advance_to(now() + after);
        begin();
        for (auto const& [key, known] : added_)
            engine_->add(known.first, known.second);
        settle();
    }

    /// The engine dies, and nothing takes its place; the context lives on, with every handler that was on its way.
    /// Until `crash`, only `now`, `context`, `events` and `workflows` may be asked for.
    void abandon()
    {
        listening_.reset();
        engine_.reset();
    }

    /// Every workflow it was given.
    std::vector<workflow> workflows() const
    {
        std::vector<workflow> all;
        for (auto const& [key, known] : added_)
            all.push_back(known.first);
        return all;
    }

private:
    void ran_handlers(std::size_t count)
    {
        handlers_ += count;
        if (options_.after_handler)
            options_.after_handler(*this);
    }

    void begin()
    {
        context_ = std::make_unique<boost::asio::io_context>(1);
        engine_environment around;
        around.time = clock_;
        around.calls = store_calls::in_place;
        around.blocking = context_->get_executor();
        around.seed = options_.seed++;
        engine_.emplace(*context_, options_.store(), options_.engine, std::move(around));
        listening_ = engine_->subscribe([this](event const& one) { events_.push_back(one); },
                                        subscribe_options{.delivery = delivery::in_place});
    }

    void end()
    {
        abandon();
        context_.reset();
    }

    void make_known(workflow const& flow)
    {
        if (!added_.contains(flow.key()))
            add(flow);
    }

    workflow const& flow_of(workflow_id id)
    {
        for (auto const& [key, known] : added_)
            if (engine_->id_of(key) == id)
                return known.first;
        throw error{errc::unknown_workflow, "the simulation knows no workflow of this task; add it first"};
    }

    task_state state_of(task_id id)
    {
        auto const loaded = await(engine_->load(id));
        if (!loaded)
            throw error{errc::unknown_task, "the simulated store has no task " + to_text(id)};
        return loaded->task.state;
    }

    std::string why_text(task_id id)
    {
        std::string text;
        for (wait_reason const& reason : await(engine_->why(id)))
            text += (text.empty() ? "" : "; ") + reason.text;
        return text.empty() ? "nothing is due, and no step can say what it waits for" : text;
    }

    static task_id task_of(event const& one)
    {
        return std::visit(
            []<class Event>(Event const& each) {
                if constexpr (std::is_base_of_v<task_event, Event>)
                    return each.task;
                else
                    return task_id{};
            },
            one);
    }

    simulation_options options_;
    std::shared_ptr<virtual_clock> clock_ = std::make_shared<virtual_clock>();
    std::unique_ptr<boost::asio::io_context> context_;
    std::optional<tasker::engine> engine_;
    std::optional<subscription> listening_;
    std::map<workflow_key, std::pair<workflow, add_options>> added_;
    std::vector<event> events_;
    std::size_t handlers_ = 0;
};

} // namespace tasker::testing
