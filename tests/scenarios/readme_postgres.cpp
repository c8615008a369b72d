#include "support/catch.hpp"
#include "support/postgres.hpp"

#include <tasker/store/postgres_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <string>
#include <utility>

// What the README shows of PostgreSQL, compiled and run. A test of readme_page.cpp fails when the two differ.

namespace asio = boost::asio;

namespace {

tasker::engine join_the_others(asio::io_context& context, std::string const& server, std::string const& schema)
{
    return {context, tasker::postgres_store{server, {.schema = schema}}};
}

void migrate(std::string const& server, std::string const& schema)  // for a program of its own, run by the schema's owner
{
    tasker::postgres_store{server, {.schema = schema}}.migrate();
}

tasker::postgres_store behind_pgbouncer(std::string const& pooler, std::string const& server)
{
    return tasker::postgres_store{pooler, {.schema = "",                // see below
                                           .statements = tasker::sql::statement_keeping::sent_each_time,
                                           .listen_connection = server}}; // straight to it; or "none"
}

/// Has the engine run one task, and drains it.
int result_of_one_task(asio::io_context& context, tasker::engine& engine)
{
    tasker::workflow_builder flow{"readme", "count", "1.0.0"};
    flow.step("one", [] { return 1; });
    engine.add(std::move(flow).build());
    int result = 0;
    std::exception_ptr problem;
    auto const work = [&]() -> asio::awaitable<void> {
        tasker::task_handle const task = co_await engine.submit("readme/count");
        result = co_await task.result<int>();
        co_await engine.drain();
    };
    asio::co_spawn(context, work(), [&](std::exception_ptr thrown) { problem = thrown; });
    context.run();
    if (problem)
        std::rethrow_exception(problem);
    return result;
}

} // namespace

TEST_CASE("what the README shows of PostgreSQL runs")
{
    if (!support::postgres_connection())
        return;
    support::scratch_schema const place;

    migrate(place.connection(), place.name());
    {
        asio::io_context context;
        tasker::engine engine = join_the_others(context, place.connection(), place.name());
        CHECK(result_of_one_task(context, engine) == 1);
    }
    std::string const as_its_role = place.connection() + " options='-c search_path=" + place.name() + "'";
    asio::io_context context;
    tasker::engine engine{context, behind_pgbouncer(as_its_role, place.connection())};
    CHECK(result_of_one_task(context, engine) == 1);
    CHECK(place.session().value("select count(*) from tasks where state = 'complete'") == "2");
}
