#include <tasker/base/error.hpp>
#include <tasker/engine.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/store/sql/postgres_listener.hpp>

#include "support/catch.hpp"
#include "support/postgres.hpp"
#include "support/run_context.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>

using namespace tasker;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using support::pg_session;
using support::postgres_connection;
using sql::postgres_listener;
using kind = announcement::kind;

namespace {

constexpr worker_id somebody{1, 2};

/// A channel that no other test speaks on.
std::string fresh_channel()
{
    std::random_device random;
    return "tasker_Test " + std::to_string(random()) + "\" \u00fc";
}

void announce(std::string const& channel, std::string const& text)
{
    pg_session{*postgres_connection()}.value("select pg_notify($1, $2)", {channel, text});
}

/// Ends the server's side of whoever listens on `channel`; how many did.
std::string terminate(std::string const& channel)
{
    return pg_session{*postgres_connection()}
        .value("select count(pg_terminate_backend(pid, 30000)) from pg_stat_activity where query = 'listen ' || quote_ident($1)", {channel})
        .value();
}

bool await_readable(postgres_listener const& listener)
{
    pollfd one{listener.descriptor(), POLLIN, 0};
    return ::poll(&one, 1, 30'000) == 1;
}

/// Reads until `count` have arrived, and at least once.
std::vector<announcement> hear(postgres_listener& listener, std::size_t count)
{
    std::vector<announcement> all;
    do {
        REQUIRE(await_readable(listener));
        for (announcement const& one : listener.read())
            all.push_back(one);
    } while (all.size() < count);
    return all;
}

announcement work_due(std::int64_t microseconds) { return {kind::work_due, time_point{duration{microseconds}}, somebody}; }

/// What reading throws once the connection is broken.
error broken(postgres_listener& listener)
{
    try {
        while (await_readable(listener))
            listener.read();
    } catch (error const& problem) {
        return problem;
    }
    return {errc::task_failed, "it never broke"};
}

/// A memory store whose processes hear one another through PostgreSQL.
struct memory_with_postgres : memory_store {
    std::string channel;
    bool blocks() const noexcept { return true; }
    std::unique_ptr<announcement_source> listen() { return std::make_unique<postgres_listener>(*postgres_connection(), channel); }
};
static_assert(announcing_store<memory_with_postgres>);

} // namespace

TEST_CASE("a PostgreSQL listener hears what others announce on its channel, in order")
{
    if (!postgres_connection())
        return;
    std::string const channel = fresh_channel();
    postgres_listener listener{*postgres_connection(), channel};
    CHECK(listener.read().empty());
    announcement const asked{kind::command_left, {}, somebody};
    announcement const over{kind::tasks_over, {}, somebody};
    announce(channel + "2", to_text(work_due(1)));
    announce(channel, to_text(work_due(2)));
    announce(channel, "something of a later version");
    announce(channel, to_text(asked));
    announce(channel, to_text(over));
    CHECK(hear(listener, 3) == std::vector{work_due(2), asked, over});
    CHECK(listener.read().empty());
}

TEST_CASE("a PostgreSQL listener hears everything when much is announced at once")
{
    if (!postgres_connection())
        return;
    std::string const channel = fresh_channel();
    postgres_listener listener{*postgres_connection(), channel};
    pg_session{*postgres_connection()}.value("select count(pg_notify($1, 'due ' || n || ' ' || $2)) from generate_series(1, 5000) n",
                                             {channel, to_text(somebody)});
    auto const heard = hear(listener, 5'000);
    REQUIRE(heard.size() == 5'000);
    CHECK(heard.front() == work_due(1));
    CHECK(heard.back() == work_due(5'000));
}

TEST_CASE("a PostgreSQL listener's descriptor is not inherited by other programs and does not block")
{
    if (!postgres_connection())
        return;
    postgres_listener const listener{*postgres_connection(), fresh_channel()};
    CHECK((::fcntl(listener.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(listener.descriptor(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("a PostgreSQL listener whose connection the server ends says so, and another one hears again")
{
    if (!postgres_connection())
        return;
    std::string const channel = fresh_channel();
    postgres_listener listener{*postgres_connection(), channel};
    REQUIRE(terminate(channel) == "1");
    error const problem = broken(listener);
    CHECK(problem.code() == errc::store_unavailable);
    CHECK_THAT(problem.what(), support::contains("broke (") && support::contains("connect again"));
    CHECK_THROWS_AS(listener.read(), error);

    postgres_listener another{*postgres_connection(), channel};
    announce(channel, to_text(work_due(7)));
    CHECK(hear(another, 1) == std::vector{work_due(7)});
}

TEST_CASE("a PostgreSQL listener that cannot connect says why and what to do")
{
    try {
        postgres_listener const listener{"host=/no/such/folder", "tasker"};
        FAIL("it connected");
    } catch (error const& problem) {
        CHECK(problem.code() == errc::store_unavailable);
        CHECK_THAT(problem.what(), support::contains("/no/such/folder") && support::contains("check the connection string"));
        CHECK_THAT(problem.what(), !support::contains("\n"));
    }
    CHECK_THROWS_AS((postgres_listener{"no connection string", "tasker"}), error);
}

TEST_CASE("a PostgreSQL listener refuses a channel whose name the server would cut")
{
    for (std::string const& channel : {std::string{}, std::string(64, 'c')})
        try {
            postgres_listener const listener{"host=/no/such/folder", channel};
            FAIL("it connected");
        } catch (error const& problem) {
            CHECK(problem.code() == errc::invalid_options);
        }
}

TEST_CASE("an engine hears on Asio what is announced through PostgreSQL, also after the server has hung up")
{
    if (!postgres_connection())
        return;
    asio::io_context context;
    memory_store const data;
    std::string const channel = fresh_channel();
    engine here{context, memory_with_postgres{data, channel}, {.lease = 3h, .safety_poll = 1h}};
    workflow_builder flow{"real", "one-step"};
    flow.step("only", [] {});
    workflow const one_step = std::move(flow).build();
    here.add(one_step);
    auto const store_one = [&](std::uint64_t number) {
        commit_batch batch;
        batch.created.emplace_back();
        batch.created.back().id = {number, 1};
        batch.created.back().workflow = here.id_of(one_step.key());
        batch.created.back().identity_key = std::to_string(number);
        batch.created.back().wake_at = time_point{};
        memory_store{data}.commit(batch);
        return batch.created.back().id;
    };
    std::size_t ended = 0;
    REQUIRE(support::run(context, [&]() -> asio::awaitable<void> {
        for (int turn = 0; turn < 4; ++turn) // connecting and looking are answered first, in one line
            co_await here.find({});
        for (std::uint64_t number = 1; number <= 3; ++number) {
            task_id const stored = store_one(number);
            if (number == 2)
                CHECK(terminate(channel) == "1"); // the engine looks once it has connected again
            else
                announce(channel, to_text(work_due(0)));
            task_outcome const outcome = co_await here.task(stored).outcome();
            ended += outcome.state == task_state::complete ? 1U : 0U;
        }
        co_await here.drain();
    }));
    CHECK(ended == 3);
}
