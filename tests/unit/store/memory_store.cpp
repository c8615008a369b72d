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
