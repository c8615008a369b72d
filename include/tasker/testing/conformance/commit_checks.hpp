#pragma once

#include <tasker/testing/conformance/bench.hpp>

namespace tasker::testing::conformance {

inline task_record full_task(bench& at)
{
    task_record task = at.draft();
    task.state = task_state::in_progress;
    task.input = payload{R"({"text":"it's \"quoted\" — ünïcödé 漢字 🦊","lines":"a\nb","percent":"%s :name ?1"})"};
    task.priority = -7;
    task.identity_key = "key with 'quotes' and ünïcödé";
    task.initiator = "Zoë O'Brien";
    task.source_system = "back-office; drop table tasks;--";
    task.reason = "line one\nline two\ttabbed";
    task.created_at = at.now - std::chrono::hours{24 * 365 * 60} + std::chrono::microseconds{1};
    task.started_at = at.now + std::chrono::microseconds{1};
    task.finished_at = time_point{};
    task.wake_at = at.now + std::chrono::hours{24 * 365 * 100};
    task.status_reason = "waiting_for_dependencies";
    task.worker = at.alice;
    task.epoch = std::int64_t{1} << 40;
    task.recoveries = 9;
    task.parent = task_id{0x0193'0000'0000'7000U, 0x8000'0000'0000'00ffU};
    task.request = command{command_kind::resolve_step, "charge", payload{R"({"by":"hand"})"}, "paid in cash, \"exactly\""};
    return task;
}

inline void round_trip_of_a_task(bench& at)
{
    task_record const task = at.create(full_task(at));
    auto const stored = at.load(task.id);
    expect(stored.task == task, "a task must come back as it was written");
    expect(stored.steps.empty(), "a step without a row must not come back");
    expect(at.store.find({}, {}).at(0) == task, "find must return the whole row");
}

inline void round_trip_of_unset_fields(bench& at)
{
    task_record const task = at.create();
    expect(at.load(task.id).task == task, "unset and empty fields must come back unset and empty");
    task_record asked = at.draft();
    asked.request = command{};
    at.create(asked);
    expect(at.load(asked.id).task.request == command{}, "a request with empty fields must not be mistaken for none");
}

inline void round_trip_of_steps(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    step_record full;
    full.state = step_state::error;
    full.attempts = 3;
    full.backoff_request = std::chrono::microseconds{1};
    full.started_at = at.now - std::chrono::microseconds{1};
    full.finished_at = at.now;
    full.next_retry_at = at.now + std::chrono::hours{24 * 365 * 100};
    full.result = payload{R"(["it's", "漢字", "\\u0000"])"};
    full.last_failure = failure{failure_kind::timeout, "HTTP 500 — “später”", "shop::gateway_error<int>"};
    step_record empty_failure;
    empty_failure.backoff_request = duration::zero();
    empty_failure.last_failure = failure{};
    commit_batch batch = at.batch_of(at.alice);
    batch.steps = {bench::write_of(task, 2, full), bench::write_of(task, 0, empty_failure), bench::write_of(task, 1, {})};
    at.store.commit(batch);
    std::vector<std::pair<step_no, step_record>> const expected{{0, empty_failure}, {1, {}}, {2, full}};
    expect(at.load(task.id).steps == expected, "steps must come back as written, in the order of their numbers");

    batch = at.batch_of(at.alice);
    batch.steps = {bench::write_of(task, 2, {}), bench::write_of(task, 0, full)};
    at.store.commit(batch);
    auto const rewritten = at.load(task.id).steps;
    expect(rewritten.at(2).second == step_record{} && rewritten.at(0).second == full, "a step's write replaces its whole row");
}

inline void round_trip_of_enumerations(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    for (std::size_t no = 0; no < std::max(state_names.size(), command_names.size()); ++no) {
        commit_batch batch = at.batch_of(at.alice);
        step_record step;
        step.state = static_cast<step_state>(no % state_names.size());
        step.last_failure = failure{static_cast<failure_kind>(no % failure_names.size()), "", ""};
        batch.steps = {bench::write_of(task, 0, step)};
        task_write write = bench::write_of(task);
        write.state = static_cast<task_state>(no % state_names.size());
        write.clear_request = true; // of the round before
        batch.tasks = {write};
        at.store.commit(batch);
        command const asked{static_cast<command_kind>(no % command_names.size()), "", {}, ""};
        at.store.request(task.id, asked);
        auto const stored = at.load(task.id);
        expect(stored.steps.at(0).second == step && stored.task.state == write.state, "every state must come back [B12]");
        expect(stored.task.request == asked, "every command must come back");
    }
}

inline void large_payloads(bench& at)
{
    std::string text = "\"";
    for (std::size_t size = 0; text.size() < (std::size_t{1} << 20); ++size)
        text += size % 3 == 0 ? "é'" : "0123456789";
    text += '"';
    task_record task = at.draft();
    task.input = payload{text};
    task.worker = at.alice;
    at.create(task);
    step_record step;
    step.result = payload{text};
    step.last_failure = failure{failure_kind::transient, text, text};
    commit_batch batch = at.batch_of(at.alice);
    batch.steps = {bench::write_of(task, 0, step)};
    at.store.commit(batch);
    auto const stored = at.load(task.id);
    expect(stored.task == task && stored.steps.at(0).second == step, "payloads of 1 MB must come back whole");
}

inline void task_writes(bench& at)
{
    task_record task = at.create(full_task(at));
    task_write write;
    write.id = task.id;
    write.epoch = task.epoch;
    write.state = task_state::pending;
    write.status_reason = "it's waiting";
    write.wake_at = at.now + std::chrono::seconds{5};
    write.recoveries = 2;
    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {write};
    at.store.commit(batch);
    task.state = write.state;
    task.status_reason = write.status_reason;
    task.started_at = write.started_at;
    task.finished_at = write.finished_at;
    task.wake_at = write.wake_at;
    task.recoveries = write.recoveries;
    expect(at.load(task.id).task == task, "a task's write sets its fields, unset ones too, and leaves the others alone");

    batch.tasks[0].clear_request = true;
    batch.tasks[0].release = true;
    at.store.commit(batch);
    task.request.reset();
    task.worker = {};
    expect(at.load(task.id).task == task, "release gives the lease up, clear_request forgets the command");
}

inline void writes_of_a_creation(bench& at)
{
    task_record owned = at.draft();
    owned.worker = at.alice;
    owned.epoch = 1;
    task_record const unowned = at.draft();
    commit_batch batch = at.batch_of(at.alice);
    batch.created = {owned, unowned};
    batch.steps = {bench::write_of(owned, 1, {})};
    at.add_transition(batch, owned, {}, "", "pending");
    at.add_transition(batch, unowned, {}, "", "pending");
    auto const result = at.store.commit(batch);
    expect(result.lease_lost.empty() && result.duplicates.empty(), "a batch may write what it creates");
    expect(at.load(owned.id).steps.size() == 1, "a step of a task created in the same batch must be stored");
    expect(at.store.history(owned.id).size() == 1 && at.store.history(unowned.id).size() == 1,
           "the birth of a task must be stored with it, owned or not");
}

inline void duplicates(bench& at)
{
    task_record const first = at.create();
    task_record second = at.draft();
    second.identity_key = first.identity_key;
    second.worker = at.alice;
    task_record const third = at.draft();
    commit_batch batch = at.batch_of(at.alice);
    batch.created = {second, third};
    batch.steps = {bench::write_of(second, 0, {})};
    batch.tasks = {bench::write_of(second)};
    at.add_transition(batch, second, {}, "", "pending");
    auto const result = at.store.commit(batch);
    expect(result.duplicates.size() == 1 && result.duplicates[0].refused == second.id &&
               result.duplicates[0].existing == first.id,
           "a second creation with the same identity key must be reported with the first one's id [A07]");
    expect(result.lease_lost.empty(), "a duplicate is no lost lease");
    expect(!at.store.load(second.id) && at.store.history(second.id).empty(), "nothing of a duplicate may be stored");
    expect(at.load(first.id).task == first, "the existing task stays as it was");
    expect(at.store.load(third.id).has_value(), "the rest of the batch is stored");
    expect(at.store.find({}, {}).size() == 2, "exactly one task per identity key");
}

inline void twins_in_one_batch(bench& at)
{
    task_record const first = at.draft();
    task_record second = at.draft();
    second.identity_key = first.identity_key;
    commit_batch batch = at.batch_of(at.alice);
    batch.created = {first, second};
    auto const result = at.store.commit(batch);
    expect(result.duplicates.size() == 1 && result.duplicates[0].existing == first.id, "the first of two twins wins");
    expect(at.store.load(first.id).has_value() && !at.store.load(second.id), "only the first of two twins is stored");
}

inline void repeated_batch(bench& at)
{
    task_record task = at.draft();
    task.worker = at.alice;
    commit_batch batch = at.batch_of(at.alice);
    batch.created = {task};
    at.add_transition(batch, task, {}, "", "pending");
    at.store.commit(batch);
    auto const again = at.store.commit(batch);
    expect(again.duplicates.size() == 1 && again.duplicates[0].refused == task.id &&
               again.duplicates[0].existing == task.id && again.lease_lost.empty(),
           "a creation that is stored already is a duplicate of itself");
    expect(at.store.history(task.id).size() == 1, "a repeated creation must not double the audit trail");
    batch.worker = at.bob;
    auto const foreign = at.store.commit(batch);
    expect(foreign.duplicates.size() == 1 && foreign.lease_lost.empty(), "a duplicate is no lost lease, whoever owns the task");
}

inline void history_of_a_task(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    task_record const other = at.create_owned(at.alice);
    std::vector<transition_record> expected;
    for (int round = 0; round < 3; ++round) {
        commit_batch batch = at.batch_of(at.alice);
        at.now += std::chrono::seconds{1};
        at.add_transition(batch, task, {}, round == 0 ? state_name{} : state_name{step_state::in_progress}, "pending");
        at.add_transition(batch, other, 0, "pending", "in_progress");
        at.add_transition(batch, task, 0, "", "in_progress");
        at.add_transition(batch, task, 2, "in_progress", "error");
        batch.transitions.back().attempt = round + 1;
        batch.transitions.back().detail = "it's \"gone\": 漢字";
        at.store.commit(batch);
        for (auto const& line : batch.transitions)
            if (line.task == task.id)
                expected.push_back(line);
    }
    auto stored = at.store.history(task.id);
    for (std::size_t line = 0; line < stored.size(); ++line) {
        expect(line == 0 || stored[line].sequence > stored[line - 1].sequence, "sequence must grow within a task [B11]");
        if (line < expected.size())
            expected[line].sequence = stored[line].sequence;
    }
    expect(stored == expected, "history must be complete and in the order of writing [B11][C16]");
    expect(at.store.history(other.id).size() == 3, "histories must not mix");
    expect(at.store.history(at.draft().id).empty(), "an unknown task has no history");
}

inline void large_batches(bench& at)
{
    commit_batch batch = at.batch_of(at.alice);
    for (int no = 0; no < 3000; ++no) {
        task_record task = at.draft();
        task.worker = at.alice;
        batch.created.push_back(task);
        batch.steps.push_back(bench::write_of(task, 0, {}));
        batch.tasks.push_back(bench::write_of(task));
        at.add_transition(batch, task, {}, "", "pending");
        at.add_transition(batch, task, 0, "", "pending");
    }
    auto const result = at.store.commit(batch);
    expect(result.duplicates.empty() && result.lease_lost.empty(), "a batch of thousands must be taken");
    auto const counts = at.store.statistics(at.now, at.now);
    expect(counts.tasks.at(task_state::pending) == 3000, "every task of a large batch must be stored");
    expect(at.store.history(batch.created.back().id).size() == 2, "every transition of a large batch must be stored");
}

inline void mismatched_epochs(bench& at)
{
    task_record const task = at.draft();
    commit_batch batch = at.batch_of(at.alice);
    batch.created = {task};
    at.add_transition(batch, task, {}, "", "pending");
    batch.transition_epochs.clear();
    bool refused = false;
    try {
        at.store.commit(batch);
    } catch (error const& problem) {
        refused = problem.code() == errc::invalid_options;
    }
    expect(refused && !at.store.load(task.id), "transitions without epochs must be refused before anything is written [B15]");
}

inline void empty_batch(bench& at)
{
    auto const result = at.store.commit(at.batch_of(at.alice));
    expect(result.duplicates.empty() && result.lease_lost.empty(), "an empty batch changes nothing");
}

} // namespace tasker::testing::conformance
