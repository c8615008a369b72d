#include <tasker/store/any_store.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/testing/conformance/bench.hpp>
#include <tasker/testing/conformance/concurrency_checks.hpp>

#include "support/catch.hpp"
#include "support/postgres.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using testing::bench;

namespace {

constexpr int rounds = 150;

/// A batch that writes all tasks of `own` in some order and, in every other round, sends a message to each of `others`.
commit_batch crossing(bench const& at, worker_id worker, int round, std::vector<task_record> own, std::vector<task_record> others,
                      std::minstd_rand& random)
{
    std::shuffle(own.begin(), own.end(), random);
    std::shuffle(others.begin(), others.end(), random);
    commit_batch batch = at.batch_of(worker);
    batch.number = round + 1;
    for (task_record const& task : own)
        batch.tasks.push_back(bench::write_of(task));
    if (round % 2 == 0)
        for (task_record const& to : others)
            batch.sent.push_back({own.front().id, own.front().epoch, {to.id, 0, "round", {}, to_text(worker) + std::to_string(round)}});
    return batch;
}

} // namespace

// Rows that somebody else has locked hold up nobody for long.

TEST_CASE("a claim leaves the tasks of a dead worker that just commits to a later one, and gives out all others at once")
{
    if (!support::postgres_connection())
        return;
    support::scratch_schema const schema;
    // A claim that waits all the same is ended by the server, and fails the test.
    any_store store{postgres_store{schema.connection() + " options='-c lock_timeout=20s'", {.schema = schema.name()}}};
    bench at{store};
    worker_id const carol{at.alice.high, at.alice.low + 2};
    task_record const left = at.create_owned(at.alice);
    task_record const orphan = at.create_owned(carol);
    at.now += at.lease;
    task_record const due = at.create();

    auto commit_under_way = schema.session();
    commit_under_way.exec("begin; update workers set batch = batch where id = '" + to_text(at.alice) + "'");
    auto const claimed = at.claim(at.bob);
    CHECK(bench::ids_of(claimed) == std::vector{orphan.id, due.id});
    CHECK(at.claim_named(at.bob, left.id).empty());
    CHECK(at.load(left.id).task.worker == at.alice);
    CHECK(at.next_due(at.bob) == at.now);
    commit_under_way.exec("commit");

    auto const later = at.claim(at.bob);
    CHECK(bench::ids_of(later) == std::vector{left.id});
    CHECK((later.size() == 1 && later.front().recovered));
}

TEST_CASE("workers whose batches send to each other's tasks, and others who send to them, never wait in a circle")
{
    if (!support::postgres_connection())
        return;
    support::scratch_schema const schema;
    any_store store{postgres_store{schema.connection(), {.schema = schema.name()}}};
    bench at{store};
    std::vector const workers{at.alice, at.bob};
    std::vector<std::vector<task_record>> tasks(2);
    for (int count = 0; count < 12; ++count) // by turns, so that neither has the lower ids
        tasks[static_cast<std::size_t>(count % 2)].push_back(at.create_owned(workers[static_cast<std::size_t>(count % 2)]));
    auto const [first, second] = testing::conformance::race([&](int which) {
        auto const self = static_cast<std::size_t>(which);
        std::minstd_rand random{self + 1};
        std::size_t refused = 0;
        for (int round = 0; round < rounds; ++round) {
            auto const result = store.commit(crossing(at, workers[self], round, tasks[self], tasks[1 - self], random));
            refused += result.lease_lost.size();
            store.send({tasks[1 - self][static_cast<std::size_t>(round) % 6].id, 0, "single", {}, {}});
        }
        return refused;
    });
    CHECK(first + second == 0);
    for (auto const& own : tasks)
        for (task_record const& task : own) {
            std::set<std::string> keys;
            std::int64_t last = 0;
            for (message const& told : store.mail(task.id, 0)) {
                CHECK(told.sequence == ++last);
                keys.insert(told.key);
            }
            CHECK(keys.size() == rounds / 2 + 1); // those without a key among them
            CHECK(last == rounds / 2 + rounds / 6);
        }
}

TEST_CASE("a worker that retires while others send to its tasks waits in no circle with them")
{
    if (!support::postgres_connection())
        return;
    support::scratch_schema const schema;
    any_store store{postgres_store{schema.connection(), {.schema = schema.name()}}};
    bench at{store};
    task_record const sender = at.create_owned(at.alice);
    for (int round = 0; round < 40; ++round) {
        std::vector<task_record> tasks;
        for (int count = 0; count < 8; ++count) { // an index lists them from the last to the first
            task_record task = at.draft();
            task.priority = count;
            task.worker = at.bob;
            task.epoch = 1;
            tasks.push_back(at.create(task));
        }
        commit_batch batch = at.batch_of(at.alice);
        for (task_record const& task : tasks)
            batch.sent.push_back({sender.id, sender.epoch, {task.id, 0, "round", {}, {}}});
        auto const [first, second] = testing::conformance::race([&](int which) {
            if (which == 0)
                return store.commit(batch).lease_lost.size();
            store.heartbeat({at.bob, at.now, duration::zero()});
            return std::size_t{0};
        });
        CHECK(first + second == 0);
        for (task_record const& task : tasks)
            CHECK(store.mail(task.id, 0).size() == 1);
    }
}
