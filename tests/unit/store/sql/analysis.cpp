#include <tasker/store/sql/analysis.hpp>
#include <tasker/store/sql/schema.hpp>
#include <tasker/store/sql/sqlite_dialect.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace tasker;
using tasker::sql::statement_text;

namespace {

struct database {
    database()
    {
        for (auto const& step : sql::migrations(sql::sqlite_dialect{"unused.db", {}}))
            for (auto const& sql : step.sql)
                sql::execute(session, sql);
    }

    /// How SQLite would run `text`, one line a table.
    std::string plan(statement_text const& text)
    {
        std::string lines;
        sql::query row{session, {"explain query plan " + text.sql, "", "iiit"}};
        for (bool more = row.run(); more; more = row.next()) {
            for (int column = 0; column < 3; ++column)
                row.integer();
            lines += row.text() + '\n';
        }
        return lines;
    }

    soci::session session{soci::sqlite3, ":memory:"};
};

std::size_t count_of(std::string const& text, std::string const& part)
{
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
        ++count;
    return count;
}

} // namespace

TEST_CASE("every question can be prepared, and says the type of each of its parameters and columns")
{
    database tables;
    for (auto const& of : sql::analysis_operations(sql::analysis_form::plain_statement)) {
        INFO(of.name);
        auto const as_it_is = [](sql::analysis_column const&, std::string const& column) { return column; };
        std::string const text = sql::whole_query(of, as_it_is);
        CHECK(sql::parameter_types(of).size() == of.arguments.size());
        CHECK(count_of(text, ":") == of.arguments.size());
        soci::statement prepared{tables.session};
        prepared.alloc();
        REQUIRE_NOTHROW(prepared.prepare(text));
        CHECK(static_cast<std::size_t>(prepared.get_backend()->prepare_for_describe()) == sql::column_types(of).size());
    }
}

TEST_CASE("questions about tasks look their rows up, and those about a window what is live or has ended in it")
{
    database tables;
    sql::analysis_texts const texts{sql::analysis_form::plain_statement};
    for (auto const* text : {&texts.step_readiness, &texts.execution_context, &texts.analytics, &texts.slowest_steps,
                             &texts.slowest_tasks}) {
        auto const plan = tables.plan(*text);
        INFO(text->sql << '\n' << plan);
        for (std::string const table : {"tasks", "steps", "parent", "defined", "edges"})
            CHECK(plan.find("SCAN " + table) == std::string::npos);
        CHECK(count_of(plan, "LEFT-JOIN") == count_of(plan, "?) LEFT-JOIN"));
    }
    for (auto const* text : {&texts.analytics, &texts.slowest_steps, &texts.slowest_tasks}) {
        CHECK_THAT(tables.plan(*text), support::contains("INDEX tasks_over (finished_at>?)"));
        CHECK_THAT(tables.plan(*text), support::contains("INDEX tasks_unusual (state=?)"));
    }
}

TEST_CASE("a comment on a function keeps its apostrophes")
{
    CHECK(sql::comment_on("f(bigint)", "the step's level") == "comment on function f(bigint) is 'the step''s level'");
}

TEST_CASE("a call passes numbers as what the function takes, and takes its answer as numbers")
{
    sql::analysis_texts const texts{sql::analysis_form::stored_function};
    CHECK(texts.slowest_tasks.sql ==
          "select task_id, name_space, name, version, attempts, micros_of(started_at), micros_of(finished_at), micros_of(took) "
          "from slowest_tasks(time_of(cast(:since as bigint)), cast(:at_most as bigint))");
    CHECK(texts.slowest_tasks.parameters == "ii");
    CHECK(texts.slowest_tasks.columns == "ttttiiii");
}
