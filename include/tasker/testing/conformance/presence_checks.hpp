#pragma once

#include <tasker/testing/conformance/bench.hpp>

namespace tasker::testing::conformance {

inline void requests_reach_the_owner(bench& at)
{
    task_record const mine = at.create_owned(at.alice);
    task_record const quiet = at.create_owned(at.alice);
    task_record const foreign = at.create_owned(at.bob);
    command const asked{command_kind::resolve_step, "charge", payload{R"({"paid":"cash"})"}, "it's “fine”"};
    expect(at.store.request(mine.id, asked) == request_answer::stored, "a known task takes a request");
    expect(at.store.request(foreign.id, {}) == request_answer::stored, "another worker's task takes a request");
    auto const told = at.store.heartbeat({at.alice, at.now, at.lease}).requests;
    expect(told.size() == 1 && told[0].first == mine.id && told[0].second == asked,
           "a heartbeat tells the requests for this worker's tasks, whole, and no others");
    expect(at.store.heartbeat({at.alice, at.now, at.lease}).requests.size() == 1, "a request stays until it is cleared");

    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {bench::write_of(mine)};
    batch.tasks[0].clear_request = true;
    at.store.commit(batch);
    expect(at.store.heartbeat({at.alice, at.now, at.lease}).requests.empty(), "a cleared request is not told again");
    expect(!at.load(quiet.id).task.request, "a request concerns one task");
    expect(at.store.request(at.draft().id, {}) == request_answer::unknown, "a request for an unknown task is refused");
}

inline void earlier_request_stays(bench& at)
{
    command const first{command_kind::resolve_step, "charge", payload{"1"}, "paid in cash"};
    command const second{command_kind::cancel, "", {}, "too late"};
    for (task_record const& task : {at.create(), at.create_owned(at.alice), at.create_finished(task_state::error, at.now)}) {
        expect(at.store.request(task.id, first) == request_answer::stored, "a task without a request takes one");
        for (command const& later : {second, first})
            expect(at.store.request(task.id, later) == request_answer::pending, "a second request is told of the first");
        expect(at.load(task.id).task.request == first, "nothing of a request may be overwritten by a later one");
    }
}

inline void request_after_the_last(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {bench::write_of(task)};
    batch.tasks[0].clear_request = true;
    for (command_kind const kind : {command_kind::retry, command_kind::cancel}) {
        command const asked{kind, "", {}, ""};
        expect(at.store.request(task.id, asked) == request_answer::stored, "a task takes a request once the last is cleared");
        expect(at.load(task.id).task.request == asked, "each request is stored in its turn");
        at.store.commit(batch);
    }
}

inline void retirement(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    task_record const other = at.create_owned(at.bob);
    at.store.heartbeat({at.alice, at.now, duration::zero()});
    expect(!at.load(task.id).task.worker, "retiring frees the worker's tasks at once");
    expect(at.load(other.id).task.worker == at.bob, "retiring frees nobody else's tasks");
    worker_id const carol{1, 2};
    at.store.heartbeat({carol, at.now, at.lease});
    auto const claimed = at.claim(carol);
    expect(bench::ids_of(claimed) == std::vector{task.id}, "a freed task is claimable at once");
    expect(!claimed[0].recovered && claimed[0].snapshot.task.recoveries == 0, "a retired worker did not die");
    task_record const late = at.create_owned(at.bob);
    at.store.heartbeat({at.bob, at.now, duration::zero()});
    at.store.heartbeat({at.bob, at.now, at.lease});
    expect(bench::ids_of(at.claim(at.bob)) == std::vector{other.id, late.id}, "a worker may come back after retiring");
}

inline void next_due_of_unowned_tasks(bench& at)
{
    expect(!at.next_due(at.alice), "an empty store has nothing to wait for");
    at.create_finished(task_state::error, at.now);
    expect(!at.next_due(at.alice), "a finished task is nothing to wait for");
    task_record task = at.draft();
    task.wake_at = at.now + std::chrono::hours{2};
    at.create(task);
    expect(at.next_due(at.alice) == task.wake_at, "a sleeping task is due at its wake_at");
    task = at.draft();
    task.wake_at = at.now + std::chrono::microseconds{1};
    at.create(task);
    expect(at.next_due(at.alice) == task.wake_at, "the earliest task counts");
    workflow_id const other = at.store.register_workflow({"shop", "refund", "1.0.0"}, bench::chain({"refund"}));
    expect(!at.store.next_due(at.alice, at.now, std::vector{other}), "tasks of other workflows do not count");
    expect(!at.store.next_due(at.alice, at.now, {}), "no workflows, nothing due");
    task = at.draft();
    at.create(task);
    expect(at.next_due(at.alice) <= at.now, "a task without wake_at is due now");
    expect(at.claim_named(at.alice, task.id).size() == 1, "a due task can be claimed");
    expect(at.next_due(at.alice) > at.now, "a task that is owned is not due");
    at.now += std::chrono::hours{3};
    expect(at.next_due(at.bob) <= at.now, "the past means now");
}

inline void next_due_of_leases(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    expect(!at.next_due(at.alice), "a worker does not wait for its own lease");
    expect(at.next_due(at.bob) == at.now + at.lease, "a foreign lease is due when it runs out");
    workflow_id const other = at.store.register_workflow({"shop", "refund", "1.0.0"}, bench::chain({"refund"}));
    expect(!at.store.next_due(at.bob, at.now, std::vector{other}), "leases on other workflows' tasks do not count");
    worker_id const idle{1, 2};
    at.store.heartbeat({idle, at.now, std::chrono::seconds{1}});
    expect(at.next_due(at.bob) == at.now + at.lease, "the lease of a worker without tasks does not count");
    at.now += at.lease;
    expect(at.next_due(at.bob) <= at.now, "a dead worker's task is due now");
    expect(at.claim(at.bob).size() == 1 && !at.next_due(at.bob), "a recovered task is not due any more");

    task_record const done = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {bench::write_of(done)};
    batch.tasks[0].state = task_state::complete;
    at.store.commit(batch);
    expect(at.next_due(at.bob).has_value(), "a finished task that its worker has not let go of is due when the lease runs out");
    task_record orphan = at.draft();
    orphan.worker = idle;
    at.store.heartbeat({idle, at.now, duration::zero()});
    at.create(orphan);
    expect(at.next_due(at.bob) <= at.now, "a worker without a heartbeat counts as dead");
}

inline void next_due_of_requests(bench& at)
{
    task_record const finished = at.create_finished(task_state::error, at.now);
    at.store.request(finished.id, {command_kind::retry, "", {}, ""});
    at.store.heartbeat({at.alice, at.now, at.lease});
    expect(at.next_due(at.alice) <= at.now, "an unowned task with a request is due now");
    expect(at.claim(at.alice).size() == 1 && at.next_due(at.bob) == at.now + at.lease,
           "a request that a worker holds is nobody else's while it lives");
    task_record const owned = at.create_owned(at.alice);
    at.store.request(owned.id, {});
    expect(at.next_due(at.bob) == at.now + at.lease, "a request for a live worker's task does not hurry the others");
    task_record asleep = at.draft();
    asleep.wake_at = at.now + std::chrono::hours{1};
    at.create(asleep);
    at.store.request(asleep.id, {});
    expect(at.next_due(at.bob) <= at.now, "a request for a sleeping task is due now");
}

} // namespace tasker::testing::conformance
