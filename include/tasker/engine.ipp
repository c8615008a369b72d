#pragma once

#include <tasker/engine.hpp>
#include <tasker/flow/accepted_input.hpp>
#include <tasker/policy/identity.hpp>
#include <tasker/runtime/engine_core.hpp>
#include <tasker/runtime/initiate.hpp>
#include <tasker/runtime/strand.hpp>

#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

namespace detail {

/// Of the engine's strand, before other handlers of the executor have theirs; a simulation looks at each.
inline constexpr int rounds_in_a_row = 16;

template <class = void>
inline std::string identity_of(submission const& one, identity kind, submit_options const& options, engine::identity_function const& strategy)
{
    workflow const& flow = one.workflow->flow;
    switch (kind) {
    case identity::unique: return {};
    case identity::by_content:
        return content_identity(flow.key().name_space, flow.key().name, flow.key().version, one.input.text(), one.reason,
                                one.initiator, one.source_system);
    case identity::custom: break;
    }
    if (!strategy)
        throw error{errc::invalid_options, "identity::custom needs a strategy; set engine.identity_strategy first"};
    submit_options owned = options; // its views are of the caller's; ours live as long as this call
    owned.initiator = one.initiator;
    owned.source_system = one.source_system;
    owned.reason = one.reason;
    owned.key = {};
    return strategy(flow.full_name(), one.input, owned);
}

/// A filter with strings of its own.
class owned_filter {
public:
    explicit owned_filter(task_filter const& of)
        : name_space_{of.name_space}, name_{of.name}, version_{of.version}, state_{of.state}, identity_key_{of.identity_key}
    {
    }

    task_filter view() const { return {name_space_, name_, version_, state_, identity_key_}; }

private:
    std::optional<std::string> name_space_;
    std::optional<std::string> name_;
    std::optional<std::string> version_;
    std::optional<task_state> state_;
    std::optional<std::string> identity_key_;
};

} // namespace detail

template <class Lazy>
boost::asio::awaitable<task_outcome> basic_task_handle<Lazy>::outcome() const
{
    return detail::on_strand<void(std::exception_ptr, task_outcome)>::run(
        engine_, strand_, [id = id_](engine_core& core, auto done) { core.waiters.wait(id, std::move(done)); });
}

template <class Lazy>
boost::asio::awaitable<void> basic_task_handle<Lazy>::cancel(std::string_view reason) const
{
    return detail::on_strand<void(std::exception_ptr)>::run(
        engine_, strand_, [id = id_, asked = command{command_kind::cancel, {}, {}, std::string{reason}}](engine_core& core, auto done) mutable {
            core.commands.send(id, std::move(asked), std::move(done));
        });
}

template <class Lazy>
boost::asio::awaitable<void> basic_task_handle<Lazy>::send_payload(message told) const
{
    told.task = id_;
    return detail::on_strand<void(std::exception_ptr)>::run(engine_, strand_, [told = std::move(told)](engine_core& core, auto done) mutable {
        detail::require_message_name(told.name);
        if (auto const problem = problem_of_message_key(told.key))
            throw error{errc::invalid_input, *problem};
        core.post.send(std::move(told), std::move(done));
    });
}

template <class Lazy>
basic_engine<Lazy>::basic_engine(boost::asio::any_io_executor executor, any_store store, engine_options const& options,
                             engine_environment environment)
    : strand_{strand::make(std::move(executor), environment.calls == store_calls::in_place ? 1 : detail::rounds_in_a_row)}
{
    if (auto const problem = problem_of(options))
        throw error{errc::invalid_options, *problem};
    core_ = std::make_shared<engine_core>(strand_, std::move(store), options, std::move(environment));
    core_->serve();
}

template <class Lazy>
basic_engine<Lazy>::basic_engine(basic_engine&&) noexcept = default;
template <class Lazy>
basic_engine<Lazy>& basic_engine<Lazy>::operator=(basic_engine&&) noexcept = default;
template <class Lazy>
basic_engine<Lazy>::~basic_engine() = default;

template <class Lazy>
event_bus& basic_engine<Lazy>::bus() const { return core_->parts.events; }

template <class Lazy>
void basic_engine<Lazy>::add(workflow const& flow, add_options const& options)
{
    if (!options.replace && added_.contains(flow.key()))
        throw error{errc::already_registered, "workflow " + std::string{flow.full_name()} +
                                                  " is registered already; give a changed one another version, or say replace"};
    for (event_declaration const& one : flow.events())
        if (auto const problem = problem_of_event_name(one.name))
            throw error{errc::invalid_definition, "workflow " + std::string{flow.full_name()} + ": " + *problem};
    workflow_id const id = core_->parts.store.register_workflow(flow.key(), flow.shape());
    for (event_declaration const& one : flow.events())
        static_cast<void>(catalogue_.register_event(one.name, one.description, {std::string{flow.full_name()}})); // the first description stays
    added_.insert_or_assign(flow.key(), id);
    auto registered = std::make_shared<registered_workflow>(registered_workflow{flow, id, options.max_concurrent_steps, 0});
    boost::asio::dispatch(strand_, [weak = std::weak_ptr{core_}, registered = std::move(registered)]() mutable {
        if (auto const core = weak.lock())
            core->add(std::move(registered));
    });
}

template <class Lazy>
workflow_id basic_engine<Lazy>::id_of(workflow_key const& key) const
{
    auto const at = added_.find(key);
    if (at == added_.end())
        throw error{errc::unknown_workflow, "workflow " + to_text(key) + " was not added to this engine"};
    return at->second;
}

template <class Lazy>
void basic_engine<Lazy>::look()
{
    boost::asio::dispatch(strand_, [weak = std::weak_ptr{core_}] {
        if (auto const core = weak.lock())
            core->leases.look();
    });
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::run()
{
    return detail::on_strand<void(std::exception_ptr)>::run(
        std::weak_ptr{core_}, strand_, [](engine_core& core, auto done) { core.when_drained(std::move(done)); });
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::drain()
{
    return detail::on_strand<void(std::exception_ptr)>::run(
        std::weak_ptr{core_}, strand_, [](engine_core& core, auto done) { core.drain_down(std::move(done)); });
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::ask(task_id id, command_kind kind, std::string_view step, payload result,
                                                       std::string_view reason)
{
    return detail::on_strand<void(std::exception_ptr)>::run(
        std::weak_ptr{core_}, strand_,
        [id, asked = command{kind, std::string{step}, std::move(result), std::string{reason}}](engine_core& core, auto done) mutable {
            core.commands.send(id, std::move(asked), std::move(done));
        });
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::send_payload(message told)
{
    return task(told.task).send_payload(std::move(told));
}

template <class Lazy>
boost::asio::awaitable<task_handle> basic_engine<Lazy>::fork(task_id id, std::string_view from)
{
    return detail::on_strand<void(std::exception_ptr, task_handle)>::run(
        std::weak_ptr{core_}, strand_,
        [id, from = std::string{from}, weak = std::weak_ptr{core_}, strand = strand_](engine_core& core, unique_function<void(std::exception_ptr, task_handle)> done) {
            detail::fork_task(core, id, from, [done = std::move(done), weak, strand](std::exception_ptr problem, task_id made) mutable {
                done(problem, task_handle{made, weak, strand});
            });
        });
}

template <class Lazy>
boost::asio::awaitable<std::optional<payload>> basic_engine<Lazy>::value_payload(task_id id, std::string name)
{
    return query([id, wanted = "value:" + name](any_store& store, time_point) {
        auto const loaded = store.load(id);
        if (!loaded)
            throw error{errc::unknown_task, "the store has no task " + to_text(id)};
        std::optional<payload> last;
        std::string_view last_name; // `value:x#10` follows `value:x#9`, which follows `value:x`
        auto const follows = [&](std::string_view later) { return later.size() > last_name.size() || (later.size() == last_name.size() && later > last_name); };
        for (auto const& [no, record] : loaded->steps)
            if ((record.name == wanted || record.name.starts_with(wanted + '#')) && follows(record.name)) {
                last = record.result;
                last_name = record.name;
            }
        return last;
    });
}

template <class Lazy>
template <class Result, class Look>
boost::asio::awaitable<Result> basic_engine<Lazy>::inspect(task_id id, Look look)
{
    return detail::on_strand<void(std::exception_ptr, Result)>::run(
        std::weak_ptr{core_}, strand_, [id, look](engine_core& core, auto done) {
            core.view(id, [look, done = std::move(done)](std::exception_ptr problem, std::optional<task_view> view) mutable {
                Result seen{};
                try {
                    if (!problem)
                        seen = look(*view);
                } catch (...) { // a payload that a user's codec made is no JSON
                    problem = std::current_exception();
                }
                done(problem, std::move(seen));
            });
        });
}

template <class Lazy>
template <class Ask>
auto basic_engine<Lazy>::query(Ask ask) -> boost::asio::awaitable<std::invoke_result_t<Ask&, any_store&, time_point>>
{
    using result = std::invoke_result_t<Ask&, any_store&, time_point>;
    return detail::on_strand<void(std::exception_ptr, result)>::run(
        std::weak_ptr{core_}, strand_, [ask = std::move(ask)](engine_core& core, auto done) mutable {
            core.query(std::move(ask), [done = std::move(done)](std::exception_ptr problem, std::optional<result> answer) mutable {
                done(problem, answer ? std::move(*answer) : result{});
            });
        });
}

template <class Lazy>
boost::asio::awaitable<std::vector<wait_reason>> basic_engine<Lazy>::why(task_id id)
{
    return inspect<std::vector<wait_reason>>(id, [](task_view const& view) { return why_waiting(view); });
}

template <class Lazy>
boost::asio::awaitable<std::string> basic_engine<Lazy>::snapshot_json(task_id id)
{
    return inspect<std::string>(id, [](task_view const& view) { return to_json_text(view); });
}

template <class Lazy>
boost::asio::awaitable<std::vector<step_readiness>> basic_engine<Lazy>::readiness(task_id id)
{
    return inspect<std::vector<step_readiness>>(id, [](task_view const& view) { return view.readiness; });
}

template <class Lazy>
boost::asio::awaitable<execution_context> basic_engine<Lazy>::context(task_id id)
{
    return inspect<execution_context>(id, [](task_view const& view) { return summarize(view.readiness); });
}

template <class Lazy>
boost::asio::awaitable<std::optional<task_snapshot>> basic_engine<Lazy>::load(task_id id)
{
    return query([id](any_store& store, time_point) { return store.load(id); });
}

template <class Lazy>
boost::asio::awaitable<std::vector<task_record>> basic_engine<Lazy>::find(task_filter const& filter, page const& which)
{
    return query([wanted = detail::owned_filter{filter}, which](any_store& store, time_point) { return store.find(wanted.view(), which); });
}

template <class Lazy>
boost::asio::awaitable<std::vector<transition_record>> basic_engine<Lazy>::history(task_id id)
{
    return query([id](any_store& store, time_point) { return store.history(id); });
}

template <class Lazy>
boost::asio::awaitable<store_statistics> basic_engine<Lazy>::statistics(duration window)
{
    return query([window](any_store& store, time_point now) { return store.statistics(now, now - window); });
}

template <class Lazy>
boost::asio::awaitable<std::size_t> basic_engine<Lazy>::purge(duration age, std::size_t limit)
{
    return query([age, limit](any_store& store, time_point now) {
        std::size_t purged = 0;
        for (std::size_t last = 1; last > 0 && purged < limit; purged += last) // in small transactions: commits go in between
            last = store.purge(now - age, std::min<std::size_t>(limit - purged, 500));
        return purged;
    });
}

template <class Lazy>
boost::asio::awaitable<task_handle> basic_engine<Lazy>::submit_payload(std::string_view name, payload input,
                                                                         submit_options const& options)
{
    submission asked;
    asked.on_duplicate = options.on_duplicate;
    asked.priority = options.priority;
    asked.delay = options.delay;
    asked.initiator = options.initiator;
    asked.source_system = options.source_system;
    asked.reason = options.reason;
    asked.input = std::move(input);
    auto identify = [kind = options.identity, key = std::string{options.key}, options, strategy = strategy_](submission const& one) {
        return key.empty() ? detail::identity_of(one, kind, options, strategy) : key;
    };
    return detail::on_strand<void(std::exception_ptr, task_handle)>::run(
        std::weak_ptr{core_}, strand_,
        [name = std::string{name}, asked = std::move(asked), identify, weak = std::weak_ptr{core_},
         strand = strand_](engine_core& core, unique_function<void(std::exception_ptr, task_handle)> done) mutable {
            try {
                asked.workflow = core.registry.find(name);
                asked.input = detail::accept_input(asked.workflow->flow, asked.input);
                asked.identity_key = identify(asked);
                if (auto const problem = problem_of_identity_key(asked.identity_key))
                    throw error{errc::invalid_options, *problem};
            } catch (...) {
                done(std::current_exception(), {});
                return;
            }
            asked.done = [done = std::move(done), weak, strand](std::exception_ptr problem, task_id id) mutable {
                done(problem, task_handle{id, weak, strand});
            };
            core.submit(std::move(asked));
        });
}

template <class Lazy>
boost::asio::awaitable<task_handle> basic_engine<Lazy>::submit(std::string_view name, submit_options const& options)
{
    return submit_payload(name, payload{}, options);
}

template <class Lazy>
boost::asio::awaitable<task_handle> basic_engine<Lazy>::submit_json(std::string_view name, std::string_view json,
                                                                      submit_options const& options)
{
    return submit_payload(name, payload{std::string{json}}, options);
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::cancel(task_id id, std::string_view reason)
{
    return ask(id, command_kind::cancel, {}, {}, reason);
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::retry(task_id id, std::string_view reason)
{
    return ask(id, command_kind::retry, {}, {}, reason);
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::resolve(task_id id, std::string_view reason)
{
    return ask(id, command_kind::resolve, {}, {}, reason);
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::cancel_step(task_id id, std::string_view step, std::string_view reason)
{
    return ask(id, command_kind::cancel_step, step, {}, reason);
}

template <class Lazy>
boost::asio::awaitable<void> basic_engine<Lazy>::reset_step(task_id id, std::string_view step, std::string_view reason)
{
    return ask(id, command_kind::reset_step, step, {}, reason);
}

template <class Lazy>
task_handle basic_engine<Lazy>::task(task_id id) const { return {id, core_, strand_}; }

template <class Lazy>
void basic_engine<Lazy>::identity_strategy(identity_function strategy) { strategy_ = std::move(strategy); }

template <class Lazy>
boost::asio::any_io_executor basic_engine<Lazy>::get_executor() const noexcept { return strand_; }

} // namespace tasker
