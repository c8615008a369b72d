#include <tasker/store/any_store.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/testing/conformance/bench.hpp>

#include "support/catch.hpp"
#include "support/postgres.hpp"

#include <string>
#include <vector>

using namespace tasker;
using testing::bench;

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
