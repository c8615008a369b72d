#include <tasker/engine.hpp>
#include <tasker/runtime/clock.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/testing/store_conformance.hpp>

#include "support/catch.hpp"
#include "support/pg_session.hpp"
#include "support/postgres.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace tasker;
using namespace std::chrono_literals;

// What a server, a role, a machine or another session does to a store that did not expect it.

namespace {

/// The clock of a machine that is an hour ahead, until it is told the store's.
class fast_clock final : public clock {
public:
    time_point now() const override { return inner_.now() + ahead_.load(); }
    void synchronize(std::optional<time_point> store_now) override { inner_.synchronize(store_now); }
    void start_from(std::optional<time_point> store_now) override
    {
        ahead_ = duration::zero();
        inner_.start_from(store_now);
    }
    std::unique_ptr<tasker::alarm> make_alarm(boost::asio::any_io_executor executor) override { return inner_.make_alarm(std::move(executor)); }

private:
    system_clock inner_;
    std::atomic<duration> ahead_{1h};
};

/// A database of the test's own, gone with its scope; `how` as `create database` has it.
class scratch_database {
public:
    explicit scratch_database(std::string name, std::string const& how = {}) : name_{std::move(name)}
    {
        server_.exec("drop database if exists \"" + name_ + '"');
        server_.exec("create database \"" + name_ + "\" template template0 " + how);
    }
    scratch_database(scratch_database const&) = delete;
    scratch_database& operator=(scratch_database const&) = delete;
    ~scratch_database() { server_.exec("drop database \"" + name_ + "\" with (force)"); }

    std::string connection() const { return *support::postgres_connection() + " dbname='" + name_ + '\''; }

private:
    std::string name_;
    support::pg_session server_{*support::postgres_connection()};
};

std::string refusal_of(std::string const& connection, postgres_options const& options)
{
    try {
        postgres_store{connection, options}.migrate();
    } catch (error const& refused) {
        return refused.what();
    }
    return "it was taken";
}

} // namespace

TEST_CASE("the lease of a worker whose clock is ahead ends by the server's clock")
{
    if (!support::postgres_connection())
        return;
    support::scratch_schema const schema;
    boost::asio::io_context context;
    engine here{context, postgres_store{schema.connection(), {.schema = schema.name()}}, {.lease = 10s}, {.time = std::make_shared<fast_clock>()}};
    CHECK(schema.session().value("select count(*) from workers where expires_at > "
                                 "(extract(epoch from clock_timestamp()) * 1000000)::bigint + 10000000") == "0");
    CHECK(schema.session().value("select count(*) from workers where expires_at > 60000000") == "1");
}

TEST_CASE("a worker that stands still while the answer to a claim is on its way keeps no task from others")
{
    if (!support::postgres_connection())
        return;
    support::scratch_schema const schema;
    any_store store = postgres_store{schema.connection(), {.schema = schema.name()}};
    testing::bench at{store};
    constexpr std::size_t count = 200;
    commit_batch many;
    while (many.created.size() < count) {
        task_record one = at.draft();
        one.input = payload{'"' + std::string(40'000, 'x') + '"'};
        many.created.push_back(std::move(one));
    }
    store.commit(many);
    support::pg_session still = schema.session();
    REQUIRE(PQsendQuery(still.native(),
                        ("select * from claim_tasks('" + to_text(at.bob) + "', " + std::to_string(at.now.time_since_epoch().count()) +
                         ", 256, array(select id from workflows), '{}', null, false)").c_str()) == 1);
    support::pg_session look = schema.session();
    auto const pid = std::to_string(PQbackendPID(still.native()));
    while (look.value("select state = 'idle' or wait_event = 'ClientWrite' from pg_stat_activity where pid = $1", {pid}) != "t") {
    }
    at.now += 1h;
    CHECK(at.claim(at.alice, 2 * count).size() == count);
}

TEST_CASE("a database whose name has spaces in it is connected to")
{
    if (!support::postgres_connection())
        return;
    scratch_database const database{"tasker test =  here"};
    postgres_store store{database.connection(), {}};
    REQUIRE_NOTHROW(store.migrate());
    CHECK(store.find({}, {}).empty());
}

TEST_CASE("a database that has no place for some letters is refused before anything is stored")
{
    if (!support::postgres_connection())
        return;
    scratch_database const database{"tasker_test_latin1", "encoding 'LATIN1' locale 'C'"};
    CHECK_THAT(refusal_of(database.connection(), {}), support::contains("stores texts as LATIN1") && support::contains("encoding UTF8"));
}

TEST_CASE("what a role is set to is overruled, or refused where a session may be somebody else's")
{
    if (!support::postgres_connection())
        return;
    scratch_database const database{"tasker_test_settings"};
    support::pg_session session{database.connection()};
    session.exec("alter database tasker_test_settings set default_transaction_isolation = 'serializable';"
                 "alter database tasker_test_settings set array_nulls = off");
    CHECK_THAT(refusal_of(database.connection(), {.schema = "", .statements = sql::statement_keeping::sent_each_time}),
               support::contains("as serializable") && support::contains("alter role"));
    any_store store = postgres_store{database.connection(), {}};
    testing::bench at{store};
    at.create();
    CHECK(at.claim(at.alice).size() == 1);
}

TEST_CASE("a schema whose name is too long for a channel is refused when it is found by the search path")
{
    if (!support::postgres_connection())
        return;
    scratch_database const database{"tasker_test_names"};
    std::string const name(60, 's');
    support::pg_session session{database.connection()};
    session.exec("create schema " + name + "; alter database tasker_test_names set search_path = " + name);
    CHECK_THAT(refusal_of(database.connection(), {.schema = ""}), support::contains("name is too long for the channel"));
}

TEST_CASE("a role that may not use the schema is told which right it lacks")
{
    if (!support::postgres_connection())
        return;
    support::scratch_schema const schema;
    support::pg_session session{schema.connection()};
    session.exec("create role " + schema.name() + " login; grant create on database " +
                 session.value("select quote_ident(current_database())").value() + " to " + schema.name());
    CHECK_THAT(refusal_of(schema.connection() + " user=" + schema.name(), {.schema = schema.name()}),
               support::contains("does not give this role the right") && support::contains("grant it usage of the schema"));
    session.exec("drop owned by " + schema.name() + "; drop role " + schema.name());
}
