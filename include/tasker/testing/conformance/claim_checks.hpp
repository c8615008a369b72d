#pragma once

#include <tasker/testing/conformance/bench.hpp>

namespace tasker::testing::conformance {

inline void claim_order(bench& at)
{
    std::vector<task_id> ids;
    for (int const priority : {0, 5, -3, 5, 0}) {
        task_record task = at.draft();
        task.priority = priority;
        ids.push_back(at.create(task).id);
    }
    auto const first = bench::ids_of(at.claim(at.alice, 3));
    expect(first == std::vector{ids[1], ids[3], ids[0]}, "claims go by priority, then age, up to the limit");
    auto const rest = bench::ids_of(at.claim(at.alice, 3));
    expect(rest == std::vector{ids[4], ids[2]}, "the next claim goes on where the last one stopped");
    expect(at.claim(at.alice).empty(), "a claimed task is not given out again, to its owner neither");
}

inline void claimed_row(bench& at)
{
    task_record task = at.draft();
    task.wake_at = at.now;
    task.epoch = 4;
    task.recoveries = 2;
    task.worker = at.alice;
    commit_batch batch = at.batch_of(at.alice);
    batch.created = {task};
    batch.steps = {bench::write_of(task, 2, {}), bench::write_of(task, 1, {})};
    batch.tasks = {bench::write_of(task)};
    batch.tasks[0].release = true;
    batch.tasks[0].wake_at = at.now;
    batch.tasks[0].recoveries = 2;
    at.store.commit(batch);

    auto const claimed = at.claim(at.bob);
    task.worker = at.bob;
    task.epoch = 5;
    task.wake_at.reset();
    expect(claimed.size() == 1 && claimed[0].snapshot.task == task,
           "a claim names the new owner, raises the epoch and clears wake_at, and nothing else");
    expect(!claimed[0].recovered, "an unowned task is not recovered");
    expect(claimed[0].snapshot.steps.size() == 2 && claimed[0].snapshot.steps[0].first == 1,
           "a claimed task comes with its steps, in the order of their numbers");
    expect(at.load(task.id).task == task, "a claim is stored");
    batch = at.batch_of(at.bob);
    batch.tasks = {bench::write_of(task)};
    expect(at.store.commit(batch).lease_lost.empty(), "the claimer may write under the epoch it was given");
}

inline void claim_by_due_time(bench& at)
{
    task_record later = at.draft();
    later.wake_at = at.now + std::chrono::microseconds{2};
    later.priority = 9;
    at.create(later);
    task_record const at_once = at.create();
    task_record sooner = at.draft();
    sooner.wake_at = at.now + std::chrono::microseconds{1};
    at.create(sooner);
    expect(bench::ids_of(at.claim(at.alice)) == std::vector{at_once.id}, "a task that sleeps is not given out");
    at.now += std::chrono::microseconds{1};
    expect(bench::ids_of(at.claim(at.alice)) == std::vector{sooner.id}, "a task is given out at its very due time");
    at.now += std::chrono::microseconds{1};
    expect(bench::ids_of(at.claim(at.alice)) == std::vector{later.id}, "every sleeping task's time comes");
}

inline void claim_by_an_earlier_clock(bench& at)
{
    task_record task = at.draft();
    task.wake_at = at.now + std::chrono::seconds{1};
    at.create(task);
    at.now += std::chrono::seconds{1};
    expect(at.store.claim({at.alice, at.now, 0, at.workflows, {}}).empty(), "a claim of nothing gives nothing");
    at.now -= std::chrono::microseconds{1};
    expect(at.claim(at.alice).empty(), "a claim goes by its own `now`, whoever asked before");
}

inline void live_owner(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    at.now += at.lease - std::chrono::microseconds{1};
    expect(at.claim(at.bob).empty(), "a live worker's task is not given out");
    expect(at.claim_named(at.bob, task.id).empty(), "a live worker keeps its task when it is asked for by name");
    at.store.heartbeat({at.alice, at.now, at.lease});
    at.now += std::chrono::microseconds{1};
    expect(at.claim(at.bob).empty(), "a heartbeat extends the lease");
}

inline void dead_owner(bench& at)
{
    task_record task = at.create_owned(at.alice);
    at.now += at.lease;
    at.store.heartbeat({at.bob, at.now, at.lease});
    auto const claimed = at.claim(at.bob);
    task.worker = at.bob;
    task.epoch = 2;
    task.recoveries = 1;
    expect(claimed.size() == 1 && claimed[0].recovered, "a worker is dead the moment its lease is over [F24]");
    expect(claimed[0].snapshot.task == task && at.load(task.id).task == task, "a recovery is counted");
}

inline void finished_tasks_of_dead_workers(bench& at)
{
    task_record task = at.draft(); // cancelled, and its bodies had not ended when the worker died
    task.state = task_state::cancelled;
    task.finished_at = at.now;
    task.worker = at.alice;
    at.store.heartbeat({at.alice, at.now, at.lease});
    at.create(task);
    expect(at.claim(at.bob).empty(), "a live worker keeps its finished task");
    expect(at.next_due(at.bob) == at.now + at.lease, "a finished task is due when its owner's lease runs out");
    at.now += at.lease;
    auto const claimed = at.claim(at.bob);
    expect(claimed.size() == 1 && claimed[0].recovered, "a finished task is given out when its owner is dead");
}

inline void owner_without_heartbeat(bench& at)
{
    task_record task = at.draft();
    task.worker = at.alice;
    at.create(task);
    expect(at.claim(at.alice).empty(), "a worker's own task is not claimed again, heartbeat or not");
    auto const claimed = at.claim(at.bob);
    expect(claimed.size() == 1 && claimed[0].recovered, "a worker without a heartbeat counts as dead");
}

inline void orphans_rank_with_the_others(bench& at)
{
    task_record const orphan = at.create_owned(at.alice);
    task_record const young = at.create();
    task_record urgent = at.draft();
    urgent.priority = 1;
    at.create(urgent);
    at.now += at.lease;
    expect(bench::ids_of(at.claim(at.bob)) == std::vector{urgent.id, orphan.id, young.id},
           "tasks of dead workers rank with the others");
}

inline void workflows_of_the_claimer(bench& at)
{
    workflow_id const other = at.store.register_workflow({"shop", "refund", "1.0.0"}, bench::chain({"refund"}));
    task_record task = at.draft();
    task.workflow = other;
    at.create(task);
    expect(at.claim(at.alice).empty(), "a worker gets no task of a workflow it cannot run");
    expect(at.claim_named(at.alice, task.id).empty(), "a worker gets no task it cannot run, by name neither");
    expect(at.store.claim({at.alice, at.now, 9, {}, {}}).empty(), "a worker that can run nothing gets nothing");
    at.workflows = {at.workflow, other, other};
    task_record const second = at.create();
    expect(bench::ids_of(at.claim(at.alice)) == std::vector{task.id, second.id},
           "tasks of all the worker's workflows rank together, each once");
}

inline void finished_tasks(bench& at)
{
    for (std::size_t state = 2; state < state_names.size(); ++state) {
        task_record task = at.create_finished(static_cast<task_state>(state), at.now);
        expect(at.claim(at.alice).empty(), "a finished task is not given out");
        expect(at.store.request(task.id, {command_kind::retry, "", {}, ""}) == request_answer::stored,
               "a finished task takes a request");
        auto const claimed = at.claim(at.alice);
        expect(bench::ids_of(claimed) == std::vector{task.id} && claimed[0].snapshot.task.request.has_value(),
               "a finished task with a request is given out, request and all [J21]");
    }
}

inline void requested_tasks(bench& at)
{
    task_record asleep = at.draft();
    asleep.wake_at = at.now + std::chrono::hours{1};
    at.create(asleep);
    expect(at.claim(at.bob).empty(), "a task that sleeps is not given out");
    at.store.request(asleep.id, {command_kind::cancel, "", {}, "late"});
    expect(bench::ids_of(at.claim(at.bob)) == std::vector{asleep.id}, "a request wakes a sleeping task");

    task_record const orphan = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {bench::write_of(orphan)};
    batch.tasks[0].state = task_state::error;
    at.store.commit(batch);
    at.store.request(orphan.id, {command_kind::retry, "", {}, ""});
    expect(at.claim(at.bob).empty(), "a live worker carries the requests for its tasks out itself");
    at.now += at.lease;
    expect(bench::ids_of(at.claim(at.bob)) == std::vector{orphan.id}, "the requests for a dead worker's task are given out");
}

inline void named_task(bench& at)
{
    task_record asleep = at.draft();
    asleep.wake_at = at.now + std::chrono::hours{1};
    at.create(asleep);
    at.create();
    expect(bench::ids_of(at.claim_named(at.alice, asleep.id)) == std::vector{asleep.id},
           "a task asked for by name is given out alone, due or not");
    expect(at.claim_named(at.alice, asleep.id).empty(), "the owner does not claim its own task again");
    task_record const finished = at.create_finished(task_state::error, at.now);
    expect(bench::ids_of(at.claim_named(at.alice, finished.id)) == std::vector{finished.id},
           "a task asked for by name is given out finished or not");
    expect(at.claim_named(at.alice, at.draft().id).empty(), "an unknown task is not given out");
    task_record const orphan = at.create_owned(at.alice);
    at.now += at.lease;
    auto const claimed = at.claim_named(at.bob, orphan.id);
    expect(claimed.size() == 1 && claimed[0].recovered && claimed[0].snapshot.task.recoveries == 1,
           "a dead worker does not keep a task that is asked for by name");
}

} // namespace tasker::testing::conformance
