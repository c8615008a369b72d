#pragma once

#include <tasker/testing/conformance/bench.hpp>

#include <algorithm>

namespace tasker::testing::conformance {

/// A batch of `worker` that touches the task's row, a step and the audit trail.
inline commit_batch touch_everything(bench& at, worker_id worker, task_record const& task)
{
    commit_batch batch = at.batch_of(worker);
    task_write write = bench::write_of(task);
    write.state = task_state::cancelled;
    batch.tasks = {write};
    step_record step;
    step.state = step_state::complete;
    batch.steps = {bench::write_of(task, 0, step), bench::write_of(task, 1, step)};
    at.add_transition(batch, task, {}, "pending", "cancelled");
    at.add_transition(batch, task, 0, "in_progress", "complete");
    return batch;
}

inline void expect_untouched(bench& at, task_record const& task)
{
    auto const stored = at.load(task.id);
    expect(stored.task == task && stored.steps.empty(), "nothing of a refused task may be written");
    expect(at.store.history(task.id).empty(), "no transition of a refused task may be written");
}

/// `task` as the batch knew it: its epoch is the one that was refused.
inline void expect_lost(commit_result const& result, task_record const& task)
{
    expect(result.lease_lost == std::vector{task_lease{task.id, task.epoch}},
           "a lost lease must be reported exactly once, with the epoch of the refused rows");
    expect(result.duplicates.empty(), "a lost lease is no duplicate");
}

inline void foreign_worker(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    expect_lost(at.store.commit(touch_everything(at, at.bob, task)), task);
    expect_untouched(at, task);
}

inline void unowned_task(bench& at)
{
    task_record const task = at.create();
    expect_lost(at.store.commit(touch_everything(at, at.alice, task)), task);
    expect_untouched(at, task);
    expect_lost(at.store.commit(touch_everything(at, {}, task)), task);
    expect_untouched(at, task);
}

inline void stale_epoch(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    for (std::int64_t const epoch : {0, 2}) {
        task_record stale = task;
        stale.epoch = epoch;
        expect_lost(at.store.commit(touch_everything(at, at.alice, stale)), stale);
        expect_untouched(at, task);
    }
}

inline void unknown_task(bench& at)
{
    task_record const task = at.draft();
    expect_lost(at.store.commit(touch_everything(at, at.alice, task)), task);
    expect(!at.store.load(task.id) && at.store.history(task.id).empty(), "a write must not make a task");
}

/// Alice released a task and claimed it again while a batch still held rows of her first time.
inline void epochs_apart(bench& at)
{
    task_record const before = at.create_owned(at.alice);
    at.store.heartbeat({at.alice, at.now, duration::zero()});
    at.store.heartbeat({at.alice, at.now, at.lease});
    task_record const task = at.claim(at.alice).at(0).snapshot.task;
    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {bench::write_of(before), bench::write_of(task)};
    batch.tasks[0].state = task_state::cancelled;
    batch.tasks[1].status_reason = "second time";
    step_record step;
    step.attempts = 1;
    batch.steps = {bench::write_of(task, 0, step), bench::write_of(before, 1, step), bench::write_of(task, 2, step)};
    at.add_transition(batch, before, {}, "pending", "cancelled");
    at.add_transition(batch, task, 0, "pending", "in_progress");
    at.add_transition(batch, before, 1, "pending", "in_progress");
    at.add_transition(batch, task, 2, "pending", "in_progress");
    expect_lost(at.store.commit(batch), before);
    auto const stored = at.load(task.id);
    expect(stored.task.status_reason == "second time" && stored.task.state == task.state,
           "the row under the owner's epoch must be written, the one under the earlier epoch must not");
    expect(stored.steps.size() == 2 && stored.steps[0].first == 0 && stored.steps[1].first == 2,
           "steps under the owner's epoch must be written, those under the earlier epoch must not");
    auto const lines = at.store.history(task.id);
    expect(lines.size() == 2 && lines[0].step == step_no{0} && lines[1].step == step_no{2},
           "transitions under the owner's epoch must be written, those under the earlier epoch must not");
}

inline void each_stale_row_alone(bench& at)
{
    auto const spoil = [&](auto change) {
        task_record const task = at.create_owned(at.alice);
        commit_batch batch = touch_everything(at, at.alice, task);
        change(batch);
        task_record stale = task;
        stale.epoch = 0;
        expect_lost(at.store.commit(batch), stale);
        auto const stored = at.load(task.id);
        auto const rows = stored.steps.size() + at.store.history(task.id).size() + (stored.task == task ? 0 : 1);
        expect(rows == 4, "of five rows the stale one is refused, and it alone");
    };
    spoil([](commit_batch& batch) { batch.tasks[0].epoch = 0; });
    spoil([](commit_batch& batch) { batch.steps[1].epoch = 0; });
    spoil([](commit_batch& batch) { batch.transition_epochs[1] = 0; });
}

inline void several_lost_epochs(bench& at)
{
    task_record const task = at.create_owned(at.bob);
    commit_batch batch = at.batch_of(at.alice);
    for (std::int64_t const epoch : {3, 1, 2, 1, 3}) {
        task_record stale = task;
        stale.epoch = epoch;
        batch.steps.push_back(bench::write_of(stale, static_cast<step_no>(epoch - 1), {}));
        at.add_transition(batch, stale, {}, "pending", "cancelled");
    }
    auto found = at.store.commit(batch).lease_lost;
    std::sort(found.begin(), found.end());
    expect(found == std::vector{task_lease{task.id, 1}, task_lease{task.id, 2}, task_lease{task.id, 3}},
           "every refused epoch of a task must be reported, and each once");
    expect_untouched(at, task);
}

inline void others_of_the_batch(bench& at)
{
    task_record const kept = at.create_owned(at.alice);
    task_record const lost = at.create_owned(at.bob);
    task_record const also_kept = at.create_owned(at.alice);
    commit_batch batch = touch_everything(at, at.alice, lost);
    for (task_record const& task : {kept, also_kept}) {
        commit_batch const more = touch_everything(at, at.alice, task);
        batch.tasks.insert(batch.tasks.begin(), more.tasks.begin(), more.tasks.end());
        batch.steps.insert(batch.steps.end(), more.steps.begin(), more.steps.end());
        batch.transitions.insert(batch.transitions.end(), more.transitions.begin(), more.transitions.end());
        batch.transition_epochs.insert(batch.transition_epochs.end(), 2, task.epoch);
    }
    expect_lost(at.store.commit(batch), lost);
    expect_untouched(at, lost);
    for (task_record const& task : {kept, also_kept}) {
        expect(at.load(task.id).task.state == task_state::cancelled && at.load(task.id).steps.size() == 2,
               "the other tasks of a batch must be written");
        expect(at.store.history(task.id).size() == 2, "the other tasks' audit trail must be written");
    }
}

inline void former_owner(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    at.now += at.lease;
    at.store.heartbeat({at.bob, at.now, at.lease});
    auto const claimed = at.claim(at.bob);
    expect(claimed.size() == 1 && claimed[0].recovered, "a dead worker's task must be given out");
    task_record const taken = claimed[0].snapshot.task;
    expect_lost(at.store.commit(touch_everything(at, at.alice, task)), task);
    expect_untouched(at, taken);
    expect(at.store.commit(touch_everything(at, at.bob, taken)).lease_lost.empty(), "the new owner may write");
}

/// Alice, slow but alive, gets her task back through a claim: what she began before must still be refused.
inline void own_former_epoch(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    at.store.heartbeat({at.alice, at.now, duration::zero()});
    auto const claimed = at.claim(at.alice);
    expect(claimed.size() == 1, "a retired worker's task is free");
    expect_lost(at.store.commit(touch_everything(at, at.alice, task)), task);
    expect_untouched(at, claimed[0].snapshot.task);
}

inline void released_task(bench& at)
{
    task_record task = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {bench::write_of(task)};
    batch.tasks[0].release = true;
    at.add_transition(batch, task, {}, "in_progress", "pending");
    expect(at.store.commit(batch).lease_lost.empty(), "the batch that releases a task may still write it");
    expect(at.store.history(task.id).size() == 1, "the transition that goes with a release must be written");
    task.worker = {};
    expect_lost(at.store.commit(touch_everything(at, at.alice, task)), task);
    expect(at.load(task.id).steps.empty() && at.store.history(task.id).size() == 1,
           "after a release its former owner writes nothing");
}

} // namespace tasker::testing::conformance
