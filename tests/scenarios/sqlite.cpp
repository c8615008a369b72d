// Has the scenarios run on the SQLite store, too. Left out of the build where SOCI or SQLite is missing.

#include <tasker/store/sqlite_store.hpp>

#include "support/each_store.hpp"
#include "support/scratch_directory.hpp"

#include <memory>
#include <string>

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

TEST_CASE("engines of one scenario share one SQLite file, those of another do not")
{
    auto const register_in = [](tasker::any_store store, std::string const& name) {
        store.migrate();
        return store.register_workflow({"test", name, "1.0.0"}, tasker::graph{{}, {}});
    };
    auto const open = prepare_sqlite();
    CHECK(register_in(open(), "first") == 1);
    CHECK(register_in(open(), "second") == 2);
    CHECK(register_in(open(), "first") == 1);
    CHECK(register_in(prepare_sqlite()(), "second") == 1);
}
