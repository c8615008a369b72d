#include <tasker/store/any_store.hpp>
#include <tasker/store/memory_store.hpp>

#include "support/catch.hpp"

#include <memory>

using namespace tasker;

namespace {

/// A memory store that cannot be copied and says that it blocks.
struct blocking_store : memory_store {
    std::unique_ptr<int> not_copyable;
    bool blocks() const noexcept { return true; }
};

} // namespace

TEST_CASE("any_store holds a store that can only be moved, and asks it everything")
{
    static_assert(!std::is_copy_constructible_v<blocking_store>);
    any_store held{blocking_store{}};
    CHECK(held.blocks());
    any_store moved = std::move(held);
    workflow_id const workflow = moved.register_workflow({"shop", "fulfil", "1.0.0"}, graph{{{"charge", {}}}, {}});
    CHECK(moved.register_workflow({"shop", "fulfil", "1.0.0"}, graph{{{"charge", {}}}, {}}) == workflow);
}

TEST_CASE("any_store keeps a copy of a store it was given by name")
{
    memory_store shared;
    any_store held{shared};
    CHECK_FALSE(held.blocks());
    task_record task;
    task.id = {1, 1};
    commit_batch batch;
    batch.created = {task};
    held.commit(batch);
    CHECK(shared.load(task.id).has_value());
}
