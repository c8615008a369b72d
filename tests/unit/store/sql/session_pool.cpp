#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/sqlite_dialect.hpp>

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

using namespace tasker;
using namespace tasker::sql;

namespace {

struct pool_of_a_file {
    pool_of_a_file()
    {
        sessions.use([this](session& with) {
            dialect.found(with.connection());
            with.execute("create table t (x bigint not null)");
            return true;
        });
    }

    std::int64_t count()
    {
        return sessions.read([](session& with) {
            query& row = with.get({"select count(*) from t", "", "i"});
            row.run_once();
            return row.integer();
        });
    }

    support::scratch_directory directory;
    sqlite_dialect dialect{directory.path() / "pool.db", {.synchronous = sqlite_synchronous::off}};
    session_pool sessions{dialect};
};

int insert(session& with)
{
    return with.get({"insert into t (x) values (:x)", "i", ""}).run_once(1) ? 1 : 0;
}

} // namespace

TEST_CASE("work that throws leaves nothing behind, and the session works on [B15]")
{
    pool_of_a_file pool;
    CHECK_THROWS_AS(pool.sessions.write([](session& with) -> int {
        insert(with);
        throw std::runtime_error{"changed its mind"};
    }),
                    std::runtime_error);
    CHECK(pool.count() == 0);
    pool.sessions.write(insert);
    CHECK(pool.count() == 1);
}

TEST_CASE("a failed statement is told as an error of the library, and undoes its transaction")
{
    pool_of_a_file pool;
    try {
        pool.sessions.write([](session& with) {
            insert(with);
            return with.get({"insert into t (x) values (:x)", "i", ""}).run_once(std::optional<int>{});
        });
        FAIL("null was taken");
    } catch (error const& problem) {
        CHECK(problem.code() == errc::store_unavailable);
        CHECK(std::string{problem.what()}.find("pool.db") != std::string::npos);
    }
    CHECK(pool.count() == 0);
    pool.sessions.write(insert);
    CHECK(pool.count() == 1);
}

TEST_CASE("work that stops amid its rows does not keep the transaction open")
{
    pool_of_a_file pool;
    pool.sessions.write(insert);
    pool.sessions.write(insert);
    CHECK_THROWS_AS(pool.sessions.write([](session& with) -> int {
        with.get({"select x from t", "", "i"}).run();
        throw std::runtime_error{"saw enough"};
    }),
                    std::runtime_error);
    CHECK(pool.sessions.write([](session& with) {
        with.execute("drop table t");
        return true;
    }));
}

TEST_CASE("readers do not wait for the writer, and see what was there before it")
{
    pool_of_a_file pool;
    pool.sessions.write([&](session& with) {
        insert(with);
        CHECK(pool.count() == 0);
        return 0;
    });
    CHECK(pool.count() == 1);
}

TEST_CASE("a reader may read within a reader")
{
    pool_of_a_file pool;
    auto const both = pool.sessions.read([&](session&) { return pool.count(); });
    CHECK(both == 0);
}
