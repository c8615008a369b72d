#pragma once

#include <tasker/testing/conformance/bench.hpp>

namespace tasker::testing::conformance {

inline void numbered_batches(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    batch.number = 7;
    batch.created = {at.draft()};
    batch.steps = {bench::write_of(task, 0, {})};
    at.add_transition(batch, task, 0, "pending", "in_progress");
    expect(!at.store.commit(batch).was_committed, "a batch with a new number is committed");
    commit_result const again = at.store.commit(batch);
    expect(again.was_committed && again.duplicates.empty() && again.lease_lost.empty(),
           "the same batch is recognized by its number, and nothing else is said of it");
    expect(at.store.history(task.id).size() == 1, "the second try of a batch writes nothing");
    batch.number = 6;
    expect(at.store.commit(batch).was_committed, "a lower number is recognized, too");
    batch.created.clear();
    batch.number = 8;
    expect(!at.store.commit(batch).was_committed, "the next number counts again");
    batch.number = 0;
    expect(!at.store.commit(batch).was_committed, "a batch without a number is always committed");
    expect(at.store.history(task.id).size() == 3, "each of those that count is written");
    batch.number = 8;
    batch.worker = at.bob;
    expect(!at.store.commit(batch).was_committed, "each worker counts by itself");
}

inline void takeovers_are_told(bench& at)
{
    task_record const lost = at.create_owned(at.alice);
    auto const before = at.store.heartbeat({at.alice, at.now, at.lease});
    expect(before.holdings == std::vector{task_lease{lost.id, 1}}, "a worker that knows nothing is told what it owns");
    auto const known = at.store.heartbeat({at.alice, at.now, at.lease, before.takeovers});
    expect(known.takeovers == before.takeovers && !known.holdings, "while nobody takes over, a heartbeat tells no holdings");
    at.now += at.lease;
    expect(at.claim(at.bob).size() == 1, "the lease is over, so the task is given out");
    task_record const kept = at.create_owned(at.alice);
    auto const after = at.store.heartbeat({at.alice, at.now, at.lease, before.takeovers});
    expect(after.takeovers != before.takeovers, "a worker learns that somebody took tasks from it");
    expect(after.holdings == std::vector{task_lease{kept.id, 1}}, "and what it owns still");
    auto const later = at.store.heartbeat({at.alice, at.now, at.lease, after.takeovers});
    expect(later.takeovers == after.takeovers && !later.holdings, "it is told once");
}

inline void reclaimed_task(bench& at)
{
    task_record const task = at.create();
    expect(at.claim(at.alice).size() == 1, "an unowned task is given out"); // and say the answer gets lost
    at.store.heartbeat({at.alice, at.now, at.lease});
    expect(at.claim_named(at.alice, task.id).empty(), "a worker does not get by name what it owns");
    claim_request request{at.alice, at.now, 1, at.workflows, task.id, true};
    auto const again = at.store.claim(request);
    expect(again.size() == 1 && again[0].snapshot.task.epoch == 2 && !again[0].recovered,
           "unless it says that it lost the answer: then under a new epoch, and not as from a dead worker");
    request.worker = at.bob;
    expect(at.store.claim(request).empty(), "nobody else gets it so");
}

/// A backlog of one workflow does not keep others waiting.
inline void workflows_take_turns(bench& at)
{
    workflow_id const other = at.store.register_workflow({"shop", "return", "1.0.0"}, bench::chain({"check"}));
    at.workflows.push_back(other);
    std::vector<task_id> backlog;
    for (int count = 0; count < 4; ++count)
        backlog.push_back(at.create().id);
    task_record late = at.draft();
    late.workflow = other;
    at.create(late);
    task_record urgent = at.draft();
    urgent.priority = 1;
    at.create(urgent);
    auto const first = bench::ids_of(at.claim(at.alice, 3));
    expect(first == std::vector{urgent.id, backlog[0], late.id}, "priority first; within one, workflows take turns");
    auto const rest = bench::ids_of(at.claim(at.alice, 9));
    expect(rest == std::vector{backlog[1], backlog[2], backlog[3]}, "then by age");
}

/// Bytes that no JSON text and no UTF-8 holds must not keep a batch from being written.
inline void texts_of_any_bytes(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    batch.steps = {bench::write_of(task, 0, {})};
    batch.steps[0].record.state = step_state::error;
    using namespace std::string_literals;
    batch.steps[0].record.last_failure = failure{failure_kind::transient, "caf\xe9 \0 {\"\\,NULL}"s, "std::runtime_error"};
    at.add_transition(batch, task, 0, "in_progress", "error");
    batch.transitions.back().detail = "\xff\xfe";
    expect(at.store.commit(batch).lease_lost.empty(), "a batch with such texts is written");
    auto const stored = at.load(task.id);
    expect(stored.steps.size() == 1 && stored.steps[0].second.last_failure, "its step is there, with its failure");
    auto const& what = stored.steps[0].second.last_failure->what;
    expect(what.starts_with("caf") && what.ends_with(" {\"\\,NULL}"), "all that is text in a text comes back");
    expect(at.store.history(task.id).size() == 1, "its transition is there");
}

} // namespace tasker::testing::conformance
