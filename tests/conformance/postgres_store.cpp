#include <tasker/store/postgres_store.hpp>
#include <tasker/testing/store_conformance.hpp>

#include "support/catch.hpp"
#include "support/postgres.hpp"

#include <string_view>
#include <utility>

using namespace tasker;

TEST_CASE("the PostgreSQL store keeps every sentence of the store contract "
          "[A07][A11][A13][B11][B12][B15][B16][C16][E12][F24][F25][J11][J12][J22]",
          "[conformance][postgres]")
{
    if (!support::postgres_connection())
        return;
    for (testing::conformance_check const& check : testing::conformance_checks)
        DYNAMIC_SECTION(check.sentence)
        {
            support::scratch_schema const schema;
            REQUIRE_NOTHROW(testing::run_check(check, postgres_store{schema.connection(), {.schema = schema.name()}}));
        }
}

TEST_CASE("the PostgreSQL store keeps its contract when no statement is prepared, as behind a transaction pooler",
          "[conformance][postgres]")
{
    if (!support::postgres_connection())
        return;
    for (testing::conformance_check const& check : testing::conformance_checks)
        DYNAMIC_SECTION(check.sentence)
        {
            support::scratch_schema const schema;
            postgres_options options;
            options.schema = "";
            options.statements = sql::statement_keeping::sent_each_time;
            REQUIRE_NOTHROW(testing::run_check(
                check, postgres_store{schema.connection() + " options='-c search_path=" + schema.name() + "'", options}));
        }
}

TEST_CASE("the PostgreSQL store fences alike where Citus spreads the rows of steps and history", "[conformance][postgres]")
{
    if (!support::postgres_connection())
        return;
    int checks = 0;
    for (testing::conformance_check const& check : testing::conformance_checks)
        if (check.sentence.find("lease") != std::string_view::npos || check.sentence.find("write") != std::string_view::npos ||
            check.sentence.find("batch") != std::string_view::npos) {
            INFO(check.sentence);
            ++checks;
            support::scratch_schema const schema;
            postgres_store store{schema.connection(), {.schema = schema.name()}};
            store.migrate();
            schema.session().exec("create table pg_dist_partition ()"); // by which the functions know
            REQUIRE_NOTHROW(testing::run_check(check, std::move(store)));
        }
    CHECK(checks > 5);
}
