#pragma once

#include <tasker/base/uuid_generator.hpp>
#include <tasker/store/any_store.hpp>

#include <boost/assert/source_location.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tasker::testing {

/// Thrown when a store breaks a sentence of the contract.
class conformance_failure : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// Throws `conformance_failure` unless `holds`; `what` says what should have been.
inline void expect(bool holds, std::string_view what, boost::source_location const& where = BOOST_CURRENT_LOCATION)
{
    if (!holds)
        throw conformance_failure{std::string{what} + " (" + where.file_name() + ':' + std::to_string(where.line()) + ')'};
}

/// A fresh store with one registered workflow, two workers, and short ways to say what a check is about.
class bench {
public:
    explicit bench(any_store& fresh) : store{fresh}
    {
        store.migrate();
        workflow = store.register_workflow({"shop", "fulfil", "1.0.0"}, chain({"validate", "charge", "ship"}));
        workflows = {workflow};
    }

    static graph chain(std::vector<std::string> const& names, step_options options = {})
    {
        std::vector<step_definition> steps;
        std::vector<edge> edges;
        for (auto const& name : names) {
            if (auto const no = static_cast<step_no>(steps.size()); no > 0)
                edges.push_back({no - 1, no});
            steps.push_back({name, options});
        }
        return {std::move(steps), std::move(edges)};
    }

    /// A pending task nobody owns; ids grow with every call.
    task_record draft()
    {
        task_record task;
        task.id = ids_.next<task_id>(now);
        task.workflow = workflow;
        task.identity_key = "key-" + to_text(task.id);
        task.created_at = now;
        return task;
    }

    task_record create(task_record const& task)
    {
        commit_batch batch = batch_of(alice);
        batch.created.push_back(task);
        auto const result = store.commit(batch);
        expect(result.duplicates.empty() && result.lease_lost.empty(), "a creation was refused");
        return task;
    }

    task_record create() { return create(draft()); }

    /// A task that `owner` owns since its creation, under epoch 1; the owner's lease runs for a minute.
    task_record create_owned(worker_id owner)
    {
        store.heartbeat({owner, now, lease});
        task_record task = draft();
        task.worker = owner;
        task.epoch = 1;
        return create(task);
    }

    /// A finished task nobody owns.
    task_record create_finished(task_state state, time_point at)
    {
        task_record task = draft();
        task.state = state;
        task.finished_at = at;
        return create(task);
    }

    commit_batch batch_of(worker_id worker) const
    {
        commit_batch batch;
        batch.worker = worker;
        return batch;
    }

    static task_write write_of(task_record const& task)
    {
        task_write write;
        write.id = task.id;
        write.epoch = task.epoch;
        write.state = task.state;
        return write;
    }

    static step_write write_of(task_record const& task, step_no no, step_record record)
    {
        return {task.id, task.epoch, no, std::move(record)};
    }

    void add_transition(commit_batch& batch, task_record const& task, std::optional<step_no> step, state_name from,
                        state_name to) const
    {
        transition_record line;
        line.task = task.id;
        line.step = step;
        line.from = from;
        line.to = to;
        line.at = now;
        batch.transitions.push_back(std::move(line));
        batch.transition_epochs.push_back(task.epoch);
    }

    std::vector<claimed_task> claim(worker_id worker, std::size_t limit = 100)
    {
        return store.claim({worker, now, limit, workflows, {}});
    }

    std::vector<claimed_task> claim_named(worker_id worker, task_id task)
    {
        return store.claim({worker, now, 0, workflows, task});
    }

    std::optional<time_point> next_due(worker_id worker) { return store.next_due(worker, now, workflows); }

    task_snapshot load(task_id task)
    {
        auto found = store.load(task);
        expect(found.has_value(), "a stored task is not found");
        return *std::move(found);
    }

    static std::vector<task_id> ids_of(std::vector<claimed_task> const& claimed)
    {
        std::vector<task_id> ids;
        for (auto const& task : claimed)
            ids.push_back(task.snapshot.task.id);
        return ids;
    }

    static std::vector<task_id> ids_of(std::vector<task_record> const& tasks)
    {
        std::vector<task_id> ids;
        for (auto const& task : tasks)
            ids.push_back(task.id);
        return ids;
    }

    any_store& store;
    workflow_id workflow = 0;
    std::vector<workflow_id> workflows;
    time_point now{std::chrono::seconds{1'790'000'000} + std::chrono::microseconds{123'457}};
    duration lease = std::chrono::minutes{1};
    worker_id alice{0x0193'0000'0000'7000U, 0x8000'0000'0000'000aU};
    worker_id bob{0x0193'0000'0000'7000U, 0x8000'0000'0000'000bU};

private:
    uuid_generator ids_{1};
};

/// One sentence of the contract; `run` throws when the store breaks it.
struct conformance_check {
    std::string_view sentence;
    void (*run)(bench&);
};

} // namespace tasker::testing
