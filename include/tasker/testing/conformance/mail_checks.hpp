#pragma once

#include <tasker/testing/conformance/bench.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tasker::testing::conformance {

inline step_record checkpoint(std::string name, step_state state, std::int64_t order = 0)
{
    step_record record;
    record.name = std::move(name);
    record.state = state;
    record.order = order;
    return record;
}

inline message note_to(task_id task, std::string name, std::string text = "null", std::string key = {})
{
    return {task, 0, std::move(name), payload{std::move(text)}, std::move(key)};
}

inline std::vector<std::string> names_of(std::vector<message> const& told)
{
    std::vector<std::string> names;
    for (message const& one : told)
        names.push_back(one.name);
    return names;
}

/// A task of a workflow without steps, whose steps are its checkpoints.
inline task_record create_growing(bench& at)
{
    at.store.heartbeat({at.alice, at.now, at.lease});
    task_record task = at.draft();
    task.workflow = at.store.register_workflow({"shop", "growing", "1.0.0"}, graph{});
    task.worker = at.alice;
    task.epoch = 1;
    return at.create(task);
}

inline void checkpoints(bench& at)
{
    task_record const task = create_growing(at);
    step_record const slept = checkpoint("sleep:it's \"late\" — 漢字", step_state::complete, std::int64_t{1} << 40);
    step_record waiting = checkpoint("send[17]#2", step_state::pending);
    waiting.next_retry_at = at.now;
    commit_batch batch = at.batch_of(at.alice);
    batch.steps = {bench::write_of(task, 5, waiting), bench::write_of(task, 2, slept), bench::write_of(task, 0, {})};
    at.store.commit(batch);
    auto const stored = at.load(task.id).steps;
    expect(stored.size() == 3 && stored[0].second == step_record{} && stored[1] == std::pair{step_no{2}, slept} && stored[2] == std::pair{step_no{5}, waiting},
           "steps beyond the workflow's own come back as they were written, by number");
    batch.steps = {bench::write_of(task, 5, checkpoint("send[17]#2", step_state::complete, 7))};
    at.store.commit(batch);
    expect(at.load(task.id).steps.back().second == batch.steps.front().record, "a checkpoint written again keeps nothing of its earlier row");
}

inline void statistics_of_checkpoints(bench& at)
{
    task_record const task = create_growing(at);
    commit_batch batch = at.batch_of(at.alice);
    batch.steps = {bench::write_of(task, 0, checkpoint("a", step_state::complete, 1)), bench::write_of(task, 1, checkpoint("b", step_state::complete, 2)),
                   bench::write_of(task, 2, checkpoint("c", step_state::pending))};
    at.store.commit(batch);
    auto counts = at.store.statistics(at.now, at.now - std::chrono::hours{1});
    expect(counts.steps[step_state::complete] == 2 && counts.steps[step_state::pending] == 1, "steps beyond the workflow's own count by their state, and no others");
}

inline void renewal(bench& at)
{
    task_record const task = create_growing(at);
    commit_batch batch = at.batch_of(at.alice);
    batch.steps = {bench::write_of(task, 0, checkpoint("a", step_state::complete, 1)), bench::write_of(task, 1, checkpoint("b", step_state::complete, 2))};
    at.store.commit(batch);
    batch.steps = {bench::write_of(task, 0, checkpoint("c", step_state::pending))};
    batch.tasks = {bench::write_of(task)};
    batch.tasks.front().renewed_input = payload{R"({"round":2})"};
    at.store.commit(batch);
    auto const stored = at.load(task.id);
    expect(stored.task.input == payload{R"({"round":2})"}, "a renewed task has its new input");
    expect(stored.steps.size() == 1 && stored.steps.front().second.name == "c", "of a renewed task's steps only those of the batch are left");
    batch.steps.clear();
    batch.tasks = {bench::write_of(task)};
    at.store.commit(batch);
    expect(at.load(task.id).task.input == payload{R"({"round":2})"} && at.load(task.id).steps.size() == 1, "another write renews nothing");
}

inline void messages_in_order(bench& at)
{
    task_record const task = at.create();
    task_record const other = at.create();
    message first = note_to(task.id, "approval", R"({"by":"Zoë \"O'Brien\"","text":"a\nb %s :name ?1 漢字"})", "key 'one'");
    message second = note_to(task.id, "approval");
    expect(at.store.send(first) == send_answer::stored && at.store.send(note_to(other.id, "x")) == send_answer::stored &&
               at.store.send(second) == send_answer::stored,
           "a live task takes messages");
    first.sequence = 1;
    second.sequence = 2;
    std::vector<message> const both{first, second};
    expect(at.store.mail(task.id, 0) == both && at.load(task.id).messages == both, "messages come back as they were sent, numbered from 1 within their task");
    expect(at.load(task.id).task.mail == 2, "a task's row counts its messages");
    expect(at.store.mail(task.id, 1) == std::vector{second} && at.store.mail(task.id, 2).empty(), "only later messages are told when asked so");
    expect(at.claim_named(at.alice, task.id).front().snapshot.messages == both, "a claim brings the messages along");
    expect(at.store.mail(at.draft().id, 0).empty(), "an unknown task has no messages");
    expect(at.store.send(note_to(at.draft().id, "x")) == send_answer::unknown, "an unknown task takes none");
}

inline void messages_with_keys(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    task_record const other = at.create();
    expect(at.store.send(note_to(task.id, "a", "1", "key")) == send_answer::stored, "the first message with a key is stored");
    expect(at.store.send(note_to(task.id, "b", "2", "key")) == send_answer::known, "the second is not");
    expect(at.store.send(note_to(other.id, "c", "3", "key")) == send_answer::stored, "keys of other tasks do not count");
    commit_batch batch = at.batch_of(at.alice);
    batch.taken = {{task.id, task.epoch, 1}};
    at.store.commit(batch);
    expect(at.store.send(note_to(task.id, "d", "4", "key")) == send_answer::known, "a message that was taken still has its key");
    expect(at.store.mail(task.id, 0).empty() && at.load(task.id).task.mail == 1, "what is not stored does not count");
}

inline void taken_messages(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    for (char const* name : {"a", "b", "c"})
        at.store.send(note_to(task.id, name));
    commit_batch batch = at.batch_of(at.alice);
    batch.taken = {{task.id, task.epoch, 2}};
    expect(at.store.commit(batch).lease_lost.empty(), "the owner takes messages");
    expect(names_of(at.store.mail(task.id, 0)) == std::vector<std::string>{"a", "c"}, "a message that was taken is told no more");
    expect(names_of(at.load(task.id).messages) == std::vector<std::string>{"a", "c"}, "nor loaded");
    at.store.send(note_to(task.id, "d"));
    expect(at.store.mail(task.id, 3).front().sequence == 4, "numbers are never given twice");
}

inline void messages_of_former_owners(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    task_record const other = at.create();
    at.store.send(note_to(task.id, "a"));
    for (commit_batch batch : {at.batch_of(at.bob), at.batch_of(at.alice)}) {
        std::int64_t const epoch = batch.worker == at.bob ? task.epoch : task.epoch + 1;
        batch.taken = {{task.id, epoch, 1}};
        batch.sent = {{task.id, epoch, note_to(other.id, "b")}};
        expect(at.store.commit(batch).lease_lost == std::vector{task_lease{task.id, epoch}}, "who does not own the task is told so, once");
    }
    expect(at.store.mail(task.id, 0).size() == 1 && at.store.mail(other.id, 0).empty(), "who does not own a task takes none of its messages and sends none in its name");
}

inline void sent_messages(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    task_record const other = at.create();
    commit_batch batch = at.batch_of(at.alice);
    batch.sent = {{task.id, task.epoch, note_to(other.id, "a", "1", "key")}, {task.id, task.epoch, note_to(other.id, "b", "2", "key")},
                  {task.id, task.epoch, note_to(at.draft().id, "c")}, {task.id, task.epoch, note_to(task.id, "d")}};
    auto const result = at.store.commit(batch);
    expect(result.lease_lost.empty() && result.duplicates.empty(), "messages that cannot be stored refuse nothing");
    expect(names_of(at.store.mail(other.id, 0)) == std::vector<std::string>{"a"}, "a commit sends as a call does: once a key");
    expect(names_of(at.store.mail(task.id, 0)) == std::vector<std::string>{"d"}, "a task may send to itself");
}

inline void messages_sent_again(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    task_record const other = at.create();
    at.store.send(note_to(task.id, "a"));
    commit_batch batch = at.batch_of(at.alice);
    batch.number = 7;
    batch.taken = {{task.id, task.epoch, 1}};
    batch.sent = {{task.id, task.epoch, note_to(other.id, "b")}};
    expect(!at.store.commit(batch).was_committed, "a batch of messages alone counts");
    expect(at.store.commit(batch).was_committed, "and is known when it comes again");
    expect(at.store.mail(task.id, 0).empty() && at.store.mail(other.id, 0).size() == 1, "what a batch takes and sends counts once");
}

inline void messages_go_with_their_task(bench& at)
{
    task_record const failed = at.create_finished(task_state::error, at.now);
    task_record const left = at.create();
    at.store.send(note_to(failed.id, "a"));
    at.store.send(note_to(left.id, "a"));
    expect(at.store.purge(at.now + std::chrono::hours{1}, 10) == 1, "a task with messages is purged as any");
    expect(at.store.mail(failed.id, 0).empty() && at.store.mail(left.id, 0).size() == 1, "with its task go its messages, and no others");
}

/// A task that started, and waits in the store for an hour.
inline task_record create_waiting(bench& at)
{
    task_record task = at.draft();
    task.started_at = at.now;
    task.wake_at = at.now + std::chrono::hours{1};
    return at.create(task);
}

inline void message_wakes(bench& at)
{
    task_record const waiting = create_waiting(at);
    task_record delayed = at.draft();
    delayed.wake_at = at.now + std::chrono::hours{1};
    at.create(delayed);
    at.store.send(note_to(waiting.id, "a"));
    at.store.send(note_to(delayed.id, "a"));
    expect(at.next_due(at.bob) == at.now, "a task with news is due now");
    expect(bench::ids_of(at.claim(at.bob)) == std::vector{waiting.id}, "a message makes a task claimable that waits in the store, but none that is yet to start");
}

inline void message_amid_release(bench& at)
{
    for (std::int64_t const seen : {0, 1}) {
        task_record const task = at.create_owned(at.alice);
        at.store.send(note_to(task.id, "a"));
        commit_batch batch = at.batch_of(at.alice);
        batch.tasks = {bench::write_of(task)};
        batch.tasks.front().started_at = at.now;
        batch.tasks.front().wake_at = at.now + std::chrono::hours{1};
        batch.tasks.front().release = true;
        batch.tasks.front().mail_seen = seen;
        at.store.commit(batch);
        expect(at.claim(at.bob).size() == (seen == 0 ? 1 : 0), "a task that is written off is claimable at once if it has a message that its owner had not seen, and only then");
    }
}

inline void messages_to_finished_tasks(bench& at)
{
    for (task_state const state : {task_state::complete, task_state::cancelled, task_state::resolved_manually})
        expect(at.store.send(note_to(at.create_finished(state, at.now).id, "a")) == send_answer::over, "a task that is over takes no message");
    task_record const failed = at.create_finished(task_state::error, at.now);
    expect(at.store.send(note_to(failed.id, "a")) == send_answer::stored && at.claim(at.bob).empty(), "a task in error takes messages, and stays where it is");
    expect(at.store.mail(failed.id, 0).size() == 1, "a task in error keeps its messages");
}

inline void mail_reaches_the_owner(bench& at)
{
    task_record const mine = at.create_owned(at.alice);
    task_record const silent = at.create_owned(at.alice);
    task_record const foreign = at.create_owned(at.bob);
    at.store.send(note_to(mine.id, "a"));
    at.store.send(note_to(mine.id, "b"));
    at.store.send(note_to(foreign.id, "c"));
    auto const told = at.store.heartbeat({at.alice, at.now, at.lease});
    expect(told.mail == std::vector{std::pair{mine.id, std::int64_t{2}}}, "a heartbeat tells which of the worker's tasks have messages, and the last one's number");
    commit_batch batch = at.batch_of(at.alice);
    batch.taken = {{mine.id, mine.epoch, 1}, {mine.id, mine.epoch, 2}};
    at.store.commit(batch);
    expect(at.store.heartbeat({at.alice, at.now, at.lease}).mail.empty(), "what was taken is told no more");
    static_cast<void>(silent);
}

} // namespace tasker::testing::conformance
