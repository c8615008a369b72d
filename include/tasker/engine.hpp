#pragma once

#include <tasker/base/owning.hpp>
#include <tasker/engine_options.hpp>
#include <tasker/event/event_bus.hpp>
#include <tasker/event/event_catalogue.hpp>
#include <tasker/flow/workflow_builder.hpp>
#include <tasker/plan/execution_context.hpp>
#include <tasker/runtime/engine_environment.hpp>
#include <tasker/runtime/inspection.hpp>
#include <tasker/runtime/task_handle.hpp>
#include <tasker/store/any_store.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

template <class Coroutine>
workflow coroutine_workflow(std::string name_space, std::string name, std::string version, Coroutine coroutine);

/// Runs durable workflows on the user's executor, keeping all that matters in a store.
///
/// It works from its construction on: submissions run, tasks that a former process left in the store are taken over as
/// soon as their workflow is added. `run` waits until somebody calls `drain`.
/// Lifetime: the executor's context must outlive it. Destroying it without draining is like a crash: nothing that was
/// acknowledged is lost, and its tasks are taken over when their leases end.
/// Thread safety: everything but `add` and `identity_strategy` may be called from any thread.
/// Throws: what is awaited throws `error{store_unavailable}` when the store has to be asked and cannot be, and
/// `error{engine_stopped}` when the engine ends first; commits are tried again instead, until the store works.
/// Cancellation: cancelling a member that is awaited stops the waiting, not what was asked for.
template <class Lazy>
class basic_engine {
public:
    /// Makes the identity key of a submission; called on the engine's strand, and must not block.
    using identity_function = std::function<std::string(std::string_view workflow, payload const& input, submit_options const&)>;

    /// Opens the store (creating or upgrading its tables) and registers there; blocks while it does.
    /// Throws `error{invalid_options}`, `error{store_unavailable}`, `error{schema_mismatch}`.
    basic_engine(boost::asio::any_io_executor executor, any_store store, engine_options const& options = {},
           engine_environment environment = {});

    /// The same on an execution context, such as an `asio::io_context`.
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    basic_engine(Context& context, any_store store, engine_options const& options = {}, engine_environment environment = {})
        : basic_engine{boost::asio::any_io_executor{context.get_executor()}, std::move(store), options, std::move(environment)}
    {
    }

    /// Handles and subscriptions of the moved engine stay good; the source may only be destroyed or assigned to.
    basic_engine(basic_engine&&) noexcept;
    /// Ends the present engine as its destructor would, then takes the other one over.
    basic_engine& operator=(basic_engine&&) noexcept;
    ~basic_engine();

    /// Makes the engine able to run a workflow; blocks while the store records its shape. Tasks of it that wait in the
    /// store start to be taken over. Nothing is registered when it throws.
    /// Throws `error{already_registered}` unless `options.replace`, `error{shape_conflict}` naming the difference when the
    /// store knows this version with other steps or edges, `error{invalid_definition}` for a bad event declaration.
    void add(workflow const& flow, add_options const& options = {});

    /// The same for a workflow that is written as a coroutine: see `coroutine_workflow`, whose header it needs.
    template <class Coroutine>
    void add(std::string name_space, std::string name, std::string version, Coroutine coroutine, add_options const& options = {})
    {
        add(coroutine_workflow(std::move(name_space), std::move(name), std::move(version), std::move(coroutine)), options);
    }

    /// The store's number of a workflow that was added. Throws `error{unknown_workflow}`.
    workflow_id id_of(workflow_key const& key) const;

    /// What `identity::custom` means for this engine's submissions.
    void identity_strategy(identity_function strategy);

    /// Calls `subscriber` with every event of its parameter type; see `event_bus::subscribe`.
    template <class Subscriber>
    [[nodiscard]] subscription subscribe(Subscriber&& subscriber,
                                         subscribe_options const& options = default_options_of<std::decay_t<Subscriber>>)
    {
        return bus().subscribe(std::forward<Subscriber>(subscriber), options);
    }

    /// The system's events and the ones that workflows declare.
    event_catalogue const& events() const noexcept { return catalogue_; }

    /// Stores a task of `name` ("shop/fulfil-order": the latest version; "shop/fulfil-order@1.0.0": that one) and starts
    /// it. Returns when it is durable. Input and options are taken before this returns.
    /// Throws `error{unknown_workflow}`, `error{invalid_input}`, `error{duplicate_task}`, `error{engine_stopped}`,
    /// `error{invalid_options}` for an identity key that is too long.
    template <class Input>
        requires(!std::same_as<std::remove_cvref_t<Input>, submit_options>)
    boost::asio::awaitable<task_handle> submit(std::string_view name, Input&& input, submit_options const& options = {})
    {
        static_assert(!breaks_in_co_await<Input>, "tasker: g++ before 13 destroys an owning temporary inside co_await twice; "
                                                  "give the input a name and submit that");
        return submit_payload(name, codec<stored_type<Input>>::encode(input), options);
    }

    /// The same for a workflow that takes no input.
    boost::asio::awaitable<task_handle> submit(std::string_view name, submit_options const& options = {});

    /// The same with an input that is JSON text already.
    boost::asio::awaitable<task_handle> submit_json(std::string_view name, std::string_view json, submit_options const& options = {});

    /// The handle of a task of this store, known by its id. Asks nothing: awaiting throws `error{unknown_task}` if there is none.
    task_handle task(task_id id) const;

    /// Looks into the store for work at once, rather than when the next is due or at the next safety poll: for those who
    /// know of tasks that reached the store past every engine, as through an `outbox` on SQLite. Returns before it has looked.
    void look();

    /// Works until the engine is drained.
    boost::asio::awaitable<void> run();

    /// Ends gracefully: no step starts any more, running bodies finish, their outcomes are recorded, and every unfinished
    /// task is given back to the store for the next worker. Returns when that is done; `run` returns then too, and whoever
    /// awaits an unfinished task gets `error{engine_stopped}`.
    boost::asio::awaitable<void> drain();

    /// @name Commands: what an operator can ask of a task, wherever it lives
    /// Each returns when its effect is durable, or, when another live worker owns the task, when the request is stored for
    /// it: it obeys with its next heartbeat.
    /// Each throws `error{unknown_task}`, `error{unknown_step}`, `error{illegal_transition}` which says what the present
    /// state forbids, `error{command_pending}` when that worker has not yet carried out an earlier one, or
    /// `error{lease_lost}` when the task went to another worker before the effect was durable.
    /// @{

    /// Stops the task: no step starts any more, running bodies are asked to stop.
    boost::asio::awaitable<void> cancel(task_id id, std::string_view reason = {});
    /// Has a task in error run again: its failed steps start anew, with all their attempts.
    boost::asio::awaitable<void> retry(task_id id, std::string_view reason = {});
    /// Declares a task in error done by hand.
    boost::asio::awaitable<void> resolve(task_id id, std::string_view reason = {});
    /// Stops one step; its descendants can never run.
    boost::asio::awaitable<void> cancel_step(task_id id, std::string_view step, std::string_view reason = {});
    /// Has a failed step start anew, with all its attempts; a task in error runs again.
    boost::asio::awaitable<void> reset_step(task_id id, std::string_view step, std::string_view reason = {});
    /// Declares a pending or failed step done by hand, with the result its children get; a task in error runs again.
    template <class Result>
    boost::asio::awaitable<void> resolve_step(task_id id, std::string_view step, Result&& result, std::string_view reason = {})
    {
        static_assert(!breaks_in_co_await<Result>, "tasker: g++ before 13 destroys an owning temporary inside co_await twice; "
                                                   "give the result a name and pass that");
        return ask(id, command_kind::resolve_step, step, codec<stored_type<Result>>::encode(result), reason);
    }

    /// @}

    /// Sends a message to a task whose workflow is a coroutine, wherever it lives: `workflow_context::receive` takes it, first
    /// come, first served. Returns when it is durable. A task that waits for it goes on at once, or, when another live worker
    /// owns it, with that one's next heartbeat.
    /// Throws `error{unknown_task}`, `error{illegal_transition}` when the task is complete, cancelled or resolved,
    /// `error{invalid_input}` for a name that begins with `~`, and for a key of more than 512 bytes.
    template <class T>
    boost::asio::awaitable<void> send(task_id id, std::string_view name, T&& value, send_options const& options = {})
    {
        static_assert(!breaks_in_co_await<T>, "tasker: g++ before 13 destroys an owning temporary inside co_await twice; "
                                              "give the value a name and send that");
        return send_payload({id, 0, std::string{name}, codec<stored_type<T>>::encode(value), std::string{options.key}});
    }

    /// Starts a new task that has all that a coroutine's task had recorded before it came to checkpoint `from`, and goes on from there
    /// by itself: to try again what went wrong, or with code that has changed since. Messages stay behind. Returns when it is durable.
    /// Of a child that the task had started by then the fork hears the end when that was good, or cancelled; one that is not over, or
    /// failed, is started anew for the fork, with the same input. The original's children are its own.
    /// Throws `error{unknown_task}`, `error{unknown_step}` when the task never came to `from`, `error{unknown_workflow}` when a child
    /// runs one that this engine does not know.
    boost::asio::awaitable<task_handle> fork(task_id id, std::string_view from);

    /// The last value that the task's coroutine set under this name (`workflow_context::set_value`) and that is durable;
    /// nothing when there is none. Throws `error{unknown_task}`.
    template <class T>
    boost::asio::awaitable<std::optional<T>> value(task_id id, std::string_view name)
    {
        return decode_value<T>(value_payload(id, std::string{name}));
    }

    /// @name Looking at one task
    /// As it is in memory when it is resident here, else as it is stored. Each throws `error{unknown_task}`.
    /// @{

    /// For each unfinished step of a task, what it waits for.
    boost::asio::awaitable<std::vector<wait_reason>> why(task_id id);
    /// The task, its steps and its execution context as JSON text.
    boost::asio::awaitable<std::string> snapshot_json(task_id id);
    /// The task's readiness rows, one a step.
    boost::asio::awaitable<std::vector<step_readiness>> readiness(task_id id);
    /// The task seen from its steps.
    boost::asio::awaitable<execution_context> context(task_id id);

    /// @}

    /// The task's records as the store has them; nothing when it has none.
    boost::asio::awaitable<std::optional<task_snapshot>> load(task_id id);
    /// Tasks from newest to oldest, a page at a time.
    boost::asio::awaitable<std::vector<task_record>> find(task_filter const& filter, page const& which = {});
    /// The task's audit trail, in order; empty when the store does not know the task.
    boost::asio::awaitable<std::vector<transition_record>> history(task_id id);
    /// Counts over the store, and of the last `window`.
    boost::asio::awaitable<store_statistics> statistics(duration window);
    /// Deletes at most `limit` tasks that finished longer than `age` ago, in transactions of at most 500; returns how many.
    boost::asio::awaitable<std::size_t> purge(duration age, std::size_t limit);

    /// The engine's strand.
    boost::asio::any_io_executor get_executor() const noexcept;

private:
    boost::asio::awaitable<task_handle> submit_payload(std::string_view name, payload input, submit_options const& options);
    boost::asio::awaitable<void> ask(task_id id, command_kind kind, std::string_view step, payload result, std::string_view reason);
    boost::asio::awaitable<void> send_payload(message told);
    boost::asio::awaitable<std::optional<payload>> value_payload(task_id id, std::string name);
    template <class T>
    static boost::asio::awaitable<std::optional<T>> decode_value(boost::asio::awaitable<std::optional<payload>> stored)
    {
        auto const found = co_await std::move(stored);
        co_return found ? std::optional<T>{codec<T>::decode(*found)} : std::nullopt;
    }
    event_bus& bus() const;

    template <class Result, class Look>
    boost::asio::awaitable<Result> inspect(task_id id, Look look);
    template <class Ask>
    auto query(Ask ask) -> boost::asio::awaitable<std::invoke_result_t<Ask&, any_store&, time_point>>;

    boost::asio::any_io_executor strand_;
    std::shared_ptr<engine_core> core_;
    std::map<workflow_key, workflow_id> added_;
    event_catalogue catalogue_;
    identity_function strategy_;
};
using engine = basic_engine<void>;

} // namespace tasker

#if TASKER_SEPARATE_COMPILATION
extern template class tasker::basic_engine<void>;
#else
#include <tasker/engine.ipp>
#endif
