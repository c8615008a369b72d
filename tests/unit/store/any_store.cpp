#include <tasker/store/any_store.hpp>
#include <tasker/store/memory_store.hpp>

#include "support/catch.hpp"

#include <memory>
#include <vector>

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

TEST_CASE("any_store listens through a store that has a way to, and through no other")
{
    struct silent_source final : announcement_source {
        int descriptor() const override { return 42; }
        std::vector<announcement> read() override { return {}; }
    };
    struct listening_store : memory_store {
        std::unique_ptr<announcement_source> listen() { return std::make_unique<silent_source>(); }
    };
    auto const source = any_store{listening_store{}}.listen();
    REQUIRE(source != nullptr);
    CHECK(source->descriptor() == 42);
    CHECK(any_store{memory_store{}}.listen() == nullptr);
}

TEST_CASE("any_store begins a transaction in a store that has some, and in no other")
{
    struct empty_transaction final : store_transaction {
        void* session() override { return this; }
        transaction_end commit(commit_batch const&) override { return {transaction_end::kind::in_doubt, "no answer"}; }
    };
    struct transactional : memory_store {
        std::unique_ptr<store_transaction> begin() { return std::make_unique<empty_transaction>(); }
    };
    any_store with{transactional{}};
    CHECK(with.is_transactional());
    auto const begun = with.begin();
    REQUIRE(begun != nullptr);
    CHECK(begun->session() == begun.get());
    CHECK(begun->commit({}).how == transaction_end::kind::in_doubt);
    any_store without{memory_store{}};
    CHECK_FALSE(without.is_transactional());
    CHECK(without.begin() == nullptr);
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
