#include <tasker/store/sql/sqlite_dialect.hpp>

#include "support/catch.hpp"

#include <sstream>

using namespace tasker;
using tasker::sql::sqlite_dialect;

TEST_CASE("an SQLite store refuses what is no file, and says what to use instead")
{
    for (std::string const name : {"", ":memory:", "a\"b.db"}) {
        INFO(name);
        try {
            sqlite_dialect const refused{name, {}};
            FAIL("the name was taken");
        } catch (error const& problem) {
            CHECK(problem.code() == errc::invalid_options);
            CHECK(std::string{problem.what()}.find("memory_store") != std::string::npos);
        }
    }
    CHECK_THROWS_AS((sqlite_dialect{"a.db", {.busy_timeout = duration{-1}}}), error);
}

TEST_CASE("each failure of SQLite is told with the file's name and a way out")
{
    sqlite_dialect const dialect{"orders.db", {}};
    std::pair<int, std::string> const cases[] = {
        {SQLITE_BUSY, "busy_timeout"},     {SQLITE_LOCKED, "busy_timeout"}, {SQLITE_NOTADB, "name another file"},
        {SQLITE_CORRUPT, "backup"},        {SQLITE_CANTOPEN, "directory"},  {SQLITE_READONLY, "right to write"},
        {SQLITE_FULL, "free space"},       {SQLITE_IOERR, "disk"},          {SQLITE_MISUSE, "cannot be used"},
        {SQLITE_IOERR | (3 << 8), "disk"},
    };
    for (auto const& [code, advice] : cases) {
        auto const told = dialect.explain(soci::sqlite3_soci_error{"what SQLite said", code});
        INFO(told.what());
        CHECK(told.code() == errc::store_unavailable);
        CHECK(std::string{told.what()}.find("orders.db") != std::string::npos);
        CHECK(std::string{told.what()}.find(advice) != std::string::npos);
        CHECK(std::string{told.what()}.find("what SQLite said") != std::string::npos);
    }
    CHECK(dialect.explain(soci::soci_error{"anything else"}).code() == errc::store_unavailable);
}
