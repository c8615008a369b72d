#include <tasker/store/memory_store.hpp>

#include "support/catch.hpp"

using namespace tasker;

TEST_CASE("copies of a memory store share their data, two stores do not")
{
    memory_store first;
    memory_store copy = first;
    memory_store other;
    task_record task;
    task.id = {1, 1};
    commit_batch batch;
    batch.created = {task};
    first.commit(batch);
    CHECK(copy.load(task.id).has_value());
    CHECK_FALSE(other.load(task.id).has_value());
}

TEST_CASE("a memory store never blocks")
{
    CHECK_FALSE(memory_store{}.blocks());
}

TEST_CASE("a task of a workflow that nobody registered is kept, and counts the steps it has")
{
    memory_store store;
    task_record task;
    task.id = {1, 1};
    task.workflow = 42;
    commit_batch batch;
    batch.created = {task};
    step_record failed;
    failed.state = step_state::error;
    batch.steps = {{task.id, 0, 5, failed}};
    store.commit(batch);
    auto const counts = store.statistics({}, {});
    CHECK(counts.steps == std::map<step_state, std::size_t>{{step_state::error, 1}});
    CHECK(counts.retryable_errors == 1);
}

TEST_CASE("a step completed at once leaves the row and the lines that a commit of it leaves")
{
    worker_id const worker{7, 7};
    time_point const begun{duration{1'000}};
    time_point const ended{duration{2'000}};
    task_id const task{1, 1};
    payload const result{"42"};
    memory_store at_once;
    memory_store by_batch;
    for (memory_store* const store : {&at_once, &by_batch}) {
        commit_batch batch;
        batch.created.emplace_back().id = task;
        batch.created.back().worker = worker;
        batch.created.back().epoch = 1;
        store->commit(batch);
    }
    REQUIRE(at_once.complete({worker, task, 1, 2, begun, ended, result}));

    step_record done;
    done.state = step_state::complete;
    done.attempts = 1;
    done.started_at = begun;
    done.finished_at = ended;
    done.result = result;
    commit_batch batch;
    batch.worker = worker;
    batch.steps = {{task, 1, 2, done}};
    batch.transitions = {{task, step_no{2}, step_state::pending, step_state::in_progress, begun, 1, {}, 0},
                         {task, step_no{2}, step_state::in_progress, step_state::complete, ended, 1, {}, 0}};
    batch.transition_epochs = {1, 1};
    by_batch.commit(batch);
    CHECK(at_once.load(task)->steps == by_batch.load(task)->steps);
    CHECK(at_once.history(task) == by_batch.history(task));
}

TEST_CASE("a step is not completed at once by whoever does not hold the task's lease, or of a task that is gone")
{
    worker_id const owner{7, 7};
    task_id const task{1, 1};
    payload const result;
    memory_store store;
    commit_batch batch;
    batch.created.emplace_back().id = task;
    batch.created.back().worker = owner;
    batch.created.back().epoch = 2;
    batch.created.back().state = task_state::in_progress;
    store.commit(batch);
    auto const tried_by = [&](worker_id worker, task_id of, std::int64_t epoch) {
        return store.complete({worker, of, epoch, 0, {}, {}, result});
    };
    CHECK_FALSE(tried_by({8, 8}, task, 2));
    CHECK_FALSE(tried_by(owner, task, 1));
    CHECK_FALSE(tried_by({}, task, 2));
    CHECK_FALSE(tried_by(owner, {1, 2}, 2));
    CHECK(store.load(task)->steps.empty());
    CHECK(store.history(task).empty());
    CHECK(tried_by(owner, task, 2));

    commit_batch over;
    over.worker = owner;
    task_write& last = over.tasks.emplace_back();
    last.id = task;
    last.epoch = 2;
    last.state = task_state::complete;
    last.finished_at = time_point{duration{1}};
    last.release = true;
    store.commit(over);
    CHECK_FALSE(tried_by(owner, task, 2));
    REQUIRE(store.purge(time_point{duration{2}}, 1) == 1);
    CHECK_FALSE(tried_by(owner, task, 2));
}
