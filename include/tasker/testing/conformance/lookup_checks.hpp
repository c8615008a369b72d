#pragma once

#include <tasker/testing/conformance/bench.hpp>

#include <algorithm>

namespace tasker::testing::conformance {

inline void same_shape(bench& at)
{
    graph const diamond{{{"a"}, {"b"}, {"c"}, {"d"}}, {{0, 1}, {0, 2}, {1, 3}, {2, 3}}};
    workflow_key const key{"name space", "it's \"quoted\"", "1.0.0-rc.1"};
    workflow_id const number = at.store.register_workflow(key, diamond);
    expect(number != at.workflow, "every workflow has its own number");
    expect(at.store.register_workflow(key, diamond) == number, "the same shape keeps its number");
    workflow_id const empty = at.store.register_workflow({"shop", "empty", "1.0.0"}, graph{});
    expect(at.store.register_workflow({"shop", "empty", "1.0.0"}, graph{}) == empty, "a workflow may have no steps");
}

inline void other_shape(bench& at)
{
    workflow_key const key{"shop", "fulfil", "1.0.0"};
    auto const expect_refused = [&](graph const& shape, std::string_view part) {
        try {
            at.store.register_workflow(key, shape);
        } catch (error const& problem) {
            std::string_view const what = problem.what();
            expect(problem.code() == errc::shape_conflict, "another shape is a shape_conflict");
            expect(what.find("shop/fulfil@1.0.0") != what.npos, "a shape conflict names the workflow");
            expect(what.find(part) != what.npos, "a shape conflict names the difference");
            return;
        }
        expect(false, "another shape under the same version must be refused");
    };
    expect_refused(bench::chain({"validate", "charge", "ship", "notify"}), "notify");
    expect_refused(bench::chain({"validate", "charge"}), "ship");
    expect_refused(bench::chain({"validate", "pay", "ship"}), "pay");
    expect_refused(graph{{{"validate"}, {"charge"}, {"ship"}}, {{0, 1}}}, "\"charge\" -> \"ship\"");
    expect(at.store.register_workflow(key, bench::chain({"validate", "charge", "ship"})) == at.workflow,
           "a refused registration changes nothing");
}

inline void versions_side_by_side(bench& at)
{
    graph const shape = bench::chain({"validate"});
    workflow_id const second = at.store.register_workflow({"shop", "fulfil", "2.0.0"}, shape);
    workflow_id const elsewhere = at.store.register_workflow({"store", "fulfil", "1.0.0"}, shape);
    expect(second != at.workflow && elsewhere != second && elsewhere != at.workflow,
           "versions and namespaces are workflows of their own [A13]");
    task_record task = at.draft();
    task.workflow = second;
    at.create(task);
    at.create();
    expect(at.store.claim({at.alice, at.now, 9, std::vector{second}, {}}).size() == 1,
           "a worker of one version leaves the other's tasks alone");
}

inline void find_filters(bench& at)
{
    workflow_id const second = at.store.register_workflow({"shop", "fulfil", "2.0.0"}, bench::chain({"validate"}));
    workflow_id const other = at.store.register_workflow({"bank", "pay", "1.0.0"}, bench::chain({"pay"}));
    std::vector<task_id> ids;
    for (workflow_id const workflow : {at.workflow, second, other, at.workflow}) {
        task_record task = at.draft();
        task.workflow = workflow;
        task.state = ids.size() == 3 ? task_state::error : task_state::pending;
        ids.push_back(at.create(task).id);
    }
    auto const found = [&](task_filter const& filter) { return bench::ids_of(at.store.find(filter, {})); };
    expect(found({}) == std::vector{ids[3], ids[2], ids[1], ids[0]}, "without a filter, all tasks from newest to oldest");
    task_filter filter;
    filter.name_space = "shop";
    expect(found(filter) == std::vector{ids[3], ids[1], ids[0]}, "a namespace filters");
    filter.version = "1.0.0";
    expect(found(filter) == std::vector{ids[3], ids[0]}, "filters narrow each other");
    filter.state = task_state::error;
    expect(found(filter) == std::vector{ids[3]}, "a state filters");
    filter.name = "pay";
    expect(found(filter).empty(), "filters that nothing fits find nothing");
    task_filter by_version;
    by_version.version = "1.0.0";
    expect(found(by_version) == std::vector{ids[3], ids[2], ids[0]}, "a version filters by itself");
    task_filter by_key;
    std::string const key = "key-" + to_text(ids[1]);
    by_key.identity_key = key;
    expect(found(by_key) == std::vector{ids[1]}, "an identity key finds its one task");
    task_filter hostile;
    hostile.name = "' or 1=1 --";
    expect(found(hostile).empty(), "a filter is data, never code");
}

inline void find_pages(bench& at)
{
    commit_batch batch = at.batch_of(at.alice);
    for (std::size_t no = 0; no < page_limit_cap + 5; ++no)
        batch.created.push_back(at.draft());
    at.store.commit(batch);
    expect(at.store.find({}, {{}, 1'000'000}).size() == page_limit_cap, "a page is cut to 1,000 [J22]");
    expect(at.store.find({}, {{}, 0}).empty(), "a page of none is empty");
    std::vector<task_id> seen;
    page next{{}, 400};
    while (true) {
        auto const tasks = at.store.find({}, next);
        for (auto const& task : tasks)
            seen.push_back(task.id);
        if (tasks.size() < next.limit)
            break;
        next.before = tasks.back().id;
    }
    std::reverse(seen.begin(), seen.end());
    std::vector<task_id> created;
    for (auto const& task : batch.created)
        created.push_back(task.id);
    expect(seen == created, "pages give every task once, from newest to oldest");
}

inline void load_unknown(bench& at)
{
    expect(!at.store.load(at.draft().id), "an unknown task is not found [E12]");
}

inline void empty_statistics(bench& at)
{
    auto const counts = at.store.statistics(at.now, at.now);
    auto const is_zero = [](auto const& pair) { return pair.second == 0; };
    expect(std::all_of(counts.tasks.begin(), counts.tasks.end(), is_zero) &&
               std::all_of(counts.steps.begin(), counts.steps.end(), is_zero),
           "an empty store counts nothing [J12]");
    expect(counts.retryable_errors + counts.exhausted_errors + counts.in_backoff + counts.created_since +
                   counts.finished_since == 0,
           "an empty store has no errors [J12]");
}

inline void statistics(bench& at)
{
    step_options patient;
    patient.retry.max_attempts = 3;
    step_options once;
    once.retry.retryable = false;
    at.workflow = at.store.register_workflow({"shop", "patient", "1.0.0"}, bench::chain({"a", "b", "c"}, patient));
    task_record task = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    auto const fail = [&](step_no no, int attempts, failure_kind kind, std::optional<time_point> next) {
        step_record step;
        step.state = step_state::error;
        step.attempts = attempts;
        step.last_failure = failure{kind, "", ""};
        step.next_retry_at = next;
        batch.steps.push_back(bench::write_of(task, no, step));
    };
    fail(0, 2, failure_kind::transient, at.now + std::chrono::microseconds{1});
    fail(1, 2, failure_kind::timeout, at.now);
    at.store.commit(batch);
    task = at.create_owned(at.alice);
    batch.steps.clear();
    fail(0, 3, failure_kind::transient, at.now + std::chrono::hours{1});
    fail(1, 1, failure_kind::permanent, {});
    at.store.commit(batch);
    at.workflow = at.store.register_workflow({"shop", "once", "1.0.0"}, bench::chain({"a", "b"}, once));
    task = at.create_owned(at.alice);
    batch.steps.clear();
    fail(0, 1, failure_kind::transient, {});
    at.store.commit(batch);

    auto const counts = at.store.statistics(at.now, at.now);
    expect(counts.tasks.at(task_state::pending) == 3, "tasks are counted by state [J11]");
    expect(counts.steps.at(step_state::error) == 5, "steps are counted by state [J11]");
    expect(counts.steps.at(step_state::pending) == 3, "a step without a row counts as pending");
    expect(counts.retryable_errors == 2, "a failed step with attempts left is retryable");
    expect(counts.exhausted_errors == 3, "no attempts left, not retryable and permanent are exhausted");
    expect(counts.in_backoff == 1, "a retryable step is in back-off until it is due");
}

inline void statistics_window(bench& at)
{
    auto const since = at.now;
    at.now -= std::chrono::microseconds{1};
    at.create();
    at.create_finished(task_state::complete, at.now);
    at.now = since;
    at.create();
    at.create_finished(task_state::error, since);
    at.create_finished(task_state::cancelled, since - std::chrono::microseconds{1});
    auto const counts = at.store.statistics(at.now, since);
    expect(counts.created_since == 3, "tasks created in the window are counted, its first moment included");
    expect(counts.finished_since == 1, "tasks finished in the window are counted, its first moment included");
    expect(counts.tasks.at(task_state::complete) == 1 && counts.tasks.at(task_state::error) == 1 &&
               counts.tasks.at(task_state::cancelled) == 1 && counts.tasks.at(task_state::pending) == 2,
           "tasks of any age are counted by state");
}

inline void changed_options(bench& at)
{
    step_options one_more;
    one_more.retry.max_attempts = 4;
    task_record const task = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    step_record step;
    step.state = step_state::error;
    step.attempts = 3;
    batch.steps = {bench::write_of(task, 0, step)};
    at.store.commit(batch);
    expect(at.store.statistics(at.now, at.now).exhausted_errors == 1, "three attempts of three are exhausted");
    expect(at.store.register_workflow({"shop", "fulfil", "1.0.0"}, bench::chain({"validate", "charge", "ship"}, one_more)) ==
               at.workflow,
           "options are not part of the shape");
    expect(at.store.statistics(at.now, at.now).retryable_errors == 1, "changed options count from then on");
}

inline task_record finish_without_release(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {bench::write_of(task)};
    batch.tasks[0].state = task_state::error;
    batch.tasks[0].finished_at = at.now;
    at.store.commit(batch);
    return task;
}

inline void purge(bench& at)
{
    task_record const old = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    step_record step;
    step.result = payload{"1"};
    batch.steps = {bench::write_of(old, 0, step)};
    batch.tasks = {bench::write_of(old)};
    batch.tasks[0].state = task_state::complete;
    batch.tasks[0].finished_at = at.now;
    batch.tasks[0].release = true;
    at.add_transition(batch, old, {}, "in_progress", "complete");
    at.store.commit(batch);
    task_record const live = at.create();
    task_record const recent = at.create_finished(task_state::error, at.now + std::chrono::microseconds{1});
    task_record const asked = at.create_finished(task_state::error, at.now);
    at.store.request(asked.id, {command_kind::retry, "", {}, ""});
    task_record const held = finish_without_release(at);

    expect(at.store.purge(at.now, 10) == 0, "purge spares what finished at its limit of time");
    expect(at.store.purge(at.now + std::chrono::microseconds{1}, 10) == 1, "purge deletes what finished before");
    expect(!at.store.load(old.id) && at.store.history(old.id).empty(), "a purged task is gone, its history too");
    expect(at.store.statistics(at.now, at.now).steps.at(step_state::pending) == 12, "a purged task's steps are gone");
    expect(at.store.load(live.id) && at.store.load(recent.id), "live and recent tasks stay");
    expect(at.store.load(asked.id).has_value(), "a task that somebody asked something of stays");
    expect(at.load(held.id).task.worker == at.alice, "a finished task that a worker still owns stays");
    at.store.heartbeat({at.alice, at.now, duration::zero()});
    expect(at.store.purge(at.now + std::chrono::microseconds{1}, 10) == 1 && !at.store.load(held.id),
           "a finished task goes once its owner let go of it");
    task_record again = at.draft();
    again.identity_key = old.identity_key;
    at.create(again);
    expect(at.store.load(again.id).has_value(), "a purged task's identity key is free again");
}

inline void bounded_purge(bench& at)
{
    for (int no = 0; no < 25; ++no)
        at.create_finished(task_state::complete, at.now);
    auto const before = at.now + std::chrono::seconds{1};
    expect(at.store.purge(before, 10) == 10 && at.store.find({}, {}).size() == 15, "purge deletes no more than asked");
    expect(at.store.purge(before, 0) == 0, "purge of none deletes none");
    expect(at.store.purge(before, 10) == 10 && at.store.purge(before, 10) == 5, "purge goes on where it stopped");
}

} // namespace tasker::testing::conformance
