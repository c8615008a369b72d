#pragma once

#include <tasker/base/error.hpp>
#include <tasker/flow/accepted_input.hpp>
#include <tasker/plan/fork.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/task_initializer.hpp>
#include <tasker/runtime/workflow_registry.hpp>
#include <tasker/store/any_store.hpp>

#include <exception>
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

/// Stores what `fork` makes of a task.
inline commit_result store_fork(any_store& store, task_id original, std::string const& from, task_id made, time_point now)
{
    auto const loaded = store.load(original);
    if (!loaded)
        throw error{errc::unknown_task, "the store has no task " + to_text(original)};
    task_snapshot forked = fork(*loaded, from, made, now);
    commit_batch batch;
    batch.created.push_back(forked.task);
    batch.transitions.push_back({made, {}, "", std::string{name(forked.task.state)}, now, 0, forked.task.reason, 0});
    batch.transition_epochs.push_back(0);
    for (auto& [no, record] : forked.steps)
        batch.steps.push_back({made, 0, no, std::move(record)});
    return store.commit(batch);
}

} // namespace tasker::detail
