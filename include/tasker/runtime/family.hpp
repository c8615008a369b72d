#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/unique_function.hpp>
#include <tasker/base/uuid_generator.hpp>
#include <tasker/flow/accepted_input.hpp>
#include <tasker/model/child_record.hpp>
#include <tasker/plan/fork.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/make_view.hpp>
#include <tasker/runtime/task_initializer.hpp>
#include <tasker/runtime/task_ending.hpp>
#include <tasker/runtime/workflow_registry.hpp>
#include <tasker/store/any_store.hpp>

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

/// How tasks come out of tasks.
namespace tasker::detail {

/// Submits a child, or tells why it cannot be: a workflow that is not known may still be added.
template <class Submit>
void submit_child(workflow_registry const& known, child_start what, Submit submit)
{
    submission asked;
    try {
        asked.workflow = known.find(what.asked.workflow);
        asked.input = accept_input(asked.workflow->flow, what.asked.input);
    } catch (error const& problem) {
        bool const may_pass = problem.code() == errc::unknown_workflow;
        what.done(may_pass ? std::current_exception() : std::make_exception_ptr(permanent_error{problem.what()}), {});
        return;
    }
    asked.identity_key = std::move(what.key);
    asked.on_duplicate = on_duplicate::join;
    asked.parent = what.parent;
    asked.done = std::move(what.done);
    submit(std::move(asked));
}

/// Whether a start that failed had made its child before, when a worker died with it: of such a one, the failure says nothing.
template <class Core>
void look_for_child(Core& core, std::string key, std::exception_ptr why_not, unique_function<void(std::exception_ptr, task_id)> done)
{
    core.query([key = std::move(key)](any_store& in, time_point) { return in.find({.identity_key = key}, {.limit = 1}); },
               [why_not, done = std::move(done)](std::exception_ptr const& problem, std::optional<std::vector<task_record>> found) mutable {
                   if (problem)
                       done(std::make_exception_ptr(start_in_doubt{}), {});
                   else if (found->empty())
                       done(why_not, {});
                   else
                       done(nullptr, found->front().id);
               });
}

/// Starts the task of a child, or finds it when it was started before.
template <class Core>
void start_child_of(Core& core, child_start what)
{
    what.done = [&core, key = what.key, done = std::move(what.done)](std::exception_ptr const& problem, task_id id) mutable {
        if (problem)
            look_for_child(core, std::move(key), problem, std::move(done));
        else
            done(nullptr, id);
    };
    submit_child(core.registry, std::move(what), [&core](submission asked) { core.submit(std::move(asked)); });
}

/// A fork before its children are seen to.
struct fork_source {
    task_snapshot made;
    std::map<task_id, task_snapshot> children; ///< of the original, as they are
};

template <class = void>
inline fork_source read_fork(any_store& store, task_id original, std::string const& from, task_id made, time_point now)
{
    auto const loaded = store.load(original);
    if (!loaded)
        throw error{errc::unknown_task, "the store has no task " + to_text(original)};
    fork_source source{fork(*loaded, from, made, now), {}};
    for (auto const& [no, record] : source.made.steps)
        if (auto const started = child_in(record))
            if (task_id const id = started->id; auto child = store.load(id))
                source.children.emplace(id, std::move(*child));
    return source;
}

/// How a child ended, as its parent is told; nothing when it has not, or in error.
template <class = void>
inline std::optional<payload> end_of_child(task_snapshot const& child, workflow_registry const& known)
{
    if (!is_finished(child.task.state) || child.task.state == task_state::error)
        return std::nullopt;
    auto const registered = known.find(child.task.workflow);
    if (!registered)
        throw error{errc::unknown_workflow, "child " + to_text(child.task.id) + " belongs to a workflow that this engine does not know; add it first"};
    task_view const seen = stored_view(registered->flow, child, {});
    return as_told_to_parent(outcome_of_task(seen.flow, seen.task, seen.records));
}

/// All that a fork stores: itself, with its records, and the children that are made anew for it.
template <class = void>
inline commit_batch fork_batch(fork_source source, workflow_registry const& known, uuid_generator& ids, time_point now)
{
    auto const child_of = [&](task_id id) -> std::optional<forked_child> {
        auto const at = source.children.find(id);
        return at == source.children.end() ? std::nullopt : std::optional{forked_child{at->second, end_of_child(at->second, known)}};
    };
    commit_batch batch;
    batch.created = adopt_children(source.made, now, child_of, end_of, [&] { return ids.next<task_id>(now); });
    batch.created.push_back(source.made.task);
    for (task_record const& one : batch.created) {
        batch.transitions.push_back({one.id, {}, {}, one.state, now, 0, one.reason, 0});
        batch.transition_epochs.push_back(0);
    }
    for (auto& [no, record] : source.made.steps)
        batch.steps.push_back({source.made.task.id, 0, no, std::move(record)});
    return batch;
}

/// Stores a new task that has come as far as another one had before `from`; `then` when it is durable.
template <class Core>
void fork_task(Core& core, task_id id, std::string from, unique_function<void(std::exception_ptr, task_id)> then)
{
    auto const made = core.parts.ids.template next<task_id>(core.parts.now());
    auto store = [&core, made](std::optional<fork_source> source, unique_function<void(std::exception_ptr, task_id)> told) {
        core.query([batch = fork_batch(std::move(*source), core.registry, core.parts.ids, core.parts.now())](
                       any_store& into, time_point) { return into.commit(batch); },
                   [&core, made, told = std::move(told)](std::exception_ptr problem, std::optional<commit_result>) mutable {
                       core.leases.expect(core.parts.now());
                       told(problem, made);
                       core.schedule();
                   });
    };
    core.query([id, from = std::move(from), made](any_store& in, time_point now) { return read_fork(in, id, from, made, now); },
               [store, &core, made, then = std::move(then)](std::exception_ptr problem, std::optional<fork_source> source) mutable {
                   auto const told = std::make_shared<unique_function<void(std::exception_ptr, task_id)>>(std::move(then));
                   try {
                       if (problem)
                           std::rethrow_exception(problem);
                       store(std::move(source), [told](std::exception_ptr failed, task_id id_of) { (*told)(failed, id_of); });
                   } catch (...) {
                       (*told)(std::current_exception(), made);
                       core.schedule();
                   }
               });
}

} // namespace tasker::detail
