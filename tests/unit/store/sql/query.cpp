#include <tasker/store/sql/query.hpp>

#include "support/catch.hpp"

#include <soci/sqlite3/soci-sqlite3.h>

#include <limits>

using namespace tasker;
using tasker::sql::execute;
using tasker::sql::query;

namespace {

struct database {
    database() { execute(session, "create table cells (number bigint, words text)"); }
    soci::session session{soci::sqlite3, ":memory:"};
};

struct table : database {
    query insert{session, {"insert into cells (number, words) values (:number, :words)", "it", ""}};
    query select{session, {"select number, words from cells order by rowid", "", "it"}};
};

} // namespace

TEST_CASE("numbers of 64 bits and texts with quotes, umlauts and NULs pass through a query")
{
    table cells;
    std::string const words{"it's \"quoted\" ünïcödé\0 and :more ?1", 38};
    auto const number = GENERATE(std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                                 std::int64_t{1'790'000'000'123'456}, std::numeric_limits<std::int64_t>::max());
    cells.insert.run_once(number, words);
    CHECK(cells.insert.changed_rows() == 1);
    REQUIRE(cells.select.run_once());
    CHECK(cells.select.integer() == number);
    CHECK(cells.select.text() == words);
}

TEST_CASE("null is told from zero and from the empty text, and never shows the row before")
{
    table cells;
    cells.insert.run_once(7, "seven");
    cells.insert.run_once(std::optional<int>{}, std::optional<std::string_view>{});
    cells.insert.run_once(0, "");
    REQUIRE(cells.select.run());
    CHECK(cells.select.optional_integer() == 7);
    CHECK(cells.select.optional_text() == "seven");
    REQUIRE(cells.select.next());
    CHECK(cells.select.optional_integer() == std::nullopt);
    CHECK(cells.select.optional_text() == std::nullopt);
    REQUIRE(cells.select.next());
    CHECK(cells.select.optional_integer() == 0);
    CHECK(cells.select.optional_text() == "");
    CHECK_FALSE(cells.select.next());
}

TEST_CASE("null reads as zero, as the empty text and as no id")
{
    table cells;
    cells.insert.run_once(7, to_text(task_id{1, 2}));
    cells.insert.run_once(std::optional<int>{}, task_id{});
    REQUIRE(cells.select.run());
    CHECK(cells.select.integer() == 7);
    CHECK(cells.select.id<task_id>() == task_id{1, 2});
    REQUIRE(cells.select.next());
    CHECK(cells.select.integer() == 0);
    CHECK(cells.select.id<task_id>() == task_id{});
    CHECK_FALSE(cells.select.next());
}

TEST_CASE("a query that found nothing finds what comes later, run after run")
{
    table cells;
    CHECK_FALSE(cells.select.run_once());
    for (int round = 1; round <= 3; ++round) {
        cells.insert.run_once(round, "x");
        int rows = 0;
        for (bool more = cells.select.run(); more; more = cells.select.next())
            ++rows;
        CHECK(rows == round);
    }
}

TEST_CASE("a query run once keeps its last row and lets go of its table")
{
    table cells;
    cells.insert.run_once(1, "x");
    cells.insert.run_once(2, "y");
    REQUIRE(cells.select.run_once());
    CHECK(cells.select.integer() == 2);
    CHECK(cells.select.text() == "y");
    CHECK_NOTHROW(execute(cells.session, "drop table cells"));
}
