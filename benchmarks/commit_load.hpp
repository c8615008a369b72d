#pragma once

#include <tasker/base/uuid_generator.hpp>
#include <tasker/store/store.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace benchmark {

/// Commits what a busy engine's journal commits, batch by batch: tasks are created, each step's start and end is a commit
/// of its own, beside a hundred others, and the last outcome takes the task's end with it.
template <tasker::store Store>
class commit_load {
public:
    static constexpr std::size_t tasks_a_round = 100;
    static constexpr tasker::step_no steps_a_task = 3;

    explicit commit_load(Store& store) : store_{store}
    {
        store_.migrate();
        std::vector<tasker::step_definition> steps(steps_a_task);
        for (tasker::step_no no = 0; no < steps_a_task; ++no)
            steps[no].name = "step " + std::to_string(no);
        workflow_ = store_.register_workflow({"benchmark", "chain", "1.0.0"},
                                             tasker::graph{std::move(steps), {{0, 1}, {1, 2}}});
        std::random_device random;
        worker_ = {(std::uint64_t{random()} << 32) | random(), (std::uint64_t{random()} << 32) | random()};
    }

    tasker::workflow_id workflow() const { return workflow_; }

    /// A hundred tasks from creation to end; how long it took, in seconds.
    double round()
    {
        auto const began = std::chrono::steady_clock::now();
        store_.heartbeat({worker_, now(), std::chrono::hours{1}});
        auto const tasks = create();
        for (tasker::step_no step = 0; step <= steps_a_task; ++step)
            advance(tasks, step);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }

private:
    static tasker::time_point now()
    {
        return std::chrono::time_point_cast<tasker::duration>(std::chrono::system_clock::now());
    }

    tasker::commit_batch empty_batch()
    {
        tasker::commit_batch batch;
        batch.worker = worker_;
        batch.number = ++number_;
        return batch;
    }

    std::vector<tasker::task_id> create()
    {
        std::vector<tasker::task_id> ids;
        auto batch = empty_batch();
        for (std::size_t made = 0; made < tasks_a_round; ++made) {
            tasker::task_record task;
            task.id = ids_.next<tasker::task_id>(now());
            task.workflow = workflow_;
            task.input = tasker::payload{R"({"sku":"A1","quantity":2,"to":"1 Long Lane, Somewhere"})"};
            task.identity_key = to_text(task.id);
            task.created_at = now();
            task.worker = worker_;
            task.epoch = 1;
            ids.push_back(task.id);
            note(batch, task.id, {}, "", "pending");
            batch.created.push_back(std::move(task));
        }
        store_.commit(batch);
        return ids;
    }

    /// The step before `step` ends in each of these tasks, and `step` starts.
    void advance(std::vector<tasker::task_id> const& tasks, tasker::step_no step)
    {
        auto batch = empty_batch();
        for (tasker::task_id const task : tasks) {
            if (step == 0)
                write(batch, task, tasker::task_state::in_progress, "pending");
            else
                write(batch, task, step - 1, tasker::step_state::complete, "in_progress");
            if (step < steps_a_task)
                write(batch, task, step, tasker::step_state::in_progress, "pending");
            else
                write(batch, task, tasker::task_state::complete, "in_progress");
        }
        store_.commit(batch);
    }

    void note(tasker::commit_batch& batch, tasker::task_id task, std::optional<tasker::step_no> step,
              tasker::state_name from, tasker::state_name to) const
    {
        batch.transitions.push_back({task, step, from, to, now(), step ? 1 : 0, {}, 0});
        batch.transition_epochs.push_back(1);
    }

    void write(tasker::commit_batch& batch, tasker::task_id task, tasker::task_state to, tasker::state_name from) const
    {
        tasker::task_write row;
        row.id = task;
        row.epoch = 1;
        row.state = to;
        row.started_at = now();
        if (is_finished(to))
            row.finished_at = now();
        row.release = is_finished(to);
        note(batch, task, {}, from, to);
        batch.tasks.push_back(std::move(row));
    }

    void write(tasker::commit_batch& batch, tasker::task_id task, tasker::step_no step, tasker::step_state to,
               tasker::state_name from) const
    {
        tasker::step_record record;
        record.state = to;
        record.started_at = now();
        if (to == tasker::step_state::complete) {
            record.attempts = 1;
            record.finished_at = now();
            record.result = tasker::payload{R"({"accepted":true,"reference":"2f0c1b9e"})"};
        }
        note(batch, task, step, from, to);
        batch.steps.push_back({task, 1, step, std::move(record)});
    }

    Store& store_;
    tasker::workflow_id workflow_ = 0;
    tasker::worker_id worker_;
    tasker::uuid_generator ids_{std::random_device{}()};
    std::int64_t number_ = 0;
};

} // namespace benchmark
