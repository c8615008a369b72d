// Has the scenarios run on the SQLite store, too. Left out of the build where SOCI or SQLite is missing.

#include <tasker/store/sqlite_store.hpp>

#include "support/each_store.hpp"
#include "support/scratch_directory.hpp"

#include <memory>

namespace {

support::store_opener prepare_sqlite()
{
    return [directory = std::make_shared<support::scratch_directory>()] {
        tasker::sqlite_options const quick{.synchronous = tasker::sqlite_synchronous::off};
        return tasker::any_store{tasker::sqlite_store{directory->path() / "tasks.db", quick}};
    };
}

support::store_registration const sqlite{{"SQLite", prepare_sqlite}};

} // namespace

TEST_CASE("engines of one scenario share one SQLite file")
{
    auto const open = prepare_sqlite();
    tasker::any_store first = open();
    first.migrate();
    first.heartbeat(tasker::worker_id{}, {}, std::chrono::seconds{1});
    tasker::commit_batch batch;
    tasker::task_record task;
    task.identity_key = "only";
    batch.created.push_back(task);
    first.commit(batch);
    CHECK(open().find({}, {}).size() == 1);
}
