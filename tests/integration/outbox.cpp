#include <tasker/sql/outbox.hpp>
#include <tasker/sql/transaction.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/store/sqlite_store.hpp>
#include <tasker/tasker.hpp>

#include "support/catch.hpp"
#include "support/refusal.hpp"
#include "support/run_context.hpp"
#include "support/sql_place.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using support::on_each_database;
using support::run;
using support::sql_place;

namespace {

/// Looks at nothing by itself while a test lasts.
constexpr engine_options idle{.lease = 1h, .safety_poll = 1h};

workflow doubling()
{
    workflow_builder flow{"post", "double", "1.0.0"};
    auto const number = flow.input<int>();
    flow.step("only", after(number), [](int given) { return 2 * given; });
    return std::move(flow).build();
}

workflow without_input()
{
    workflow_builder flow{"post", "bare"};
    flow.step("only", [] {});
    return std::move(flow).build();
}

any_store open_knowing(sql_place const& place, std::vector<workflow> const& flows)
{
    auto store = place.open();
    store.migrate();
    for (workflow const& flow : flows)
        store.register_workflow(flow.key(), flow.shape());
    return store;
}

outbox outbox_of(sql_place const& place)
{
    return place.is_postgres() ? outbox{place.schema()} : outbox{};
}

/// A session of the user's with a transaction open.
struct user_transaction {
    explicit user_transaction(sql_place const& place)
    {
        place.connect(session);
        session.begin();
    }
    soci::session session;
};

} // namespace

TEST_CASE("a task submitted in the user's transaction runs once that is committed, and never when it is rolled back")
{
    on_each_database([](sql_place const& place) {
        asio::io_context context;
        engine here{context, place.open(), idle};
        workflow const flow = doubling();
        here.add(flow);
        place.execute("create table orders (number integer)");
        auto post = outbox_of(place);
        task_id dropped;
        task_id kept;
        std::string result;
        REQUIRE(run(context, [&]() -> asio::awaitable<void> {
            co_await here.statistics(1h); // the look that `add` made comes before the tasks: only an announcement finds them
            {
                user_transaction mine{place};
                sql::execute(mine.session, "insert into orders (number) values (1)");
                dropped = post.submit(mine.session, flow, 1);
                mine.session.rollback();
            }
            {
                user_transaction mine{place};
                sql::execute(mine.session, "insert into orders (number) values (21)");
                kept = post.submit(mine.session, flow, 21);
                mine.session.commit();
            }
            if (!place.is_postgres())
                here.look();
            task_outcome const outcome = co_await here.task(kept).outcome();
            result = outcome.result.text();
            co_await here.drain();
        }));
        CHECK(result == "42");
        CHECK(place.number("select count(*) from orders") == 1);
        auto store = place.open();
        CHECK_FALSE(store.load(dropped));
        auto const history = store.history(kept);
        REQUIRE_FALSE(history.empty());
        CHECK(history.front().sequence == 1);
        CHECK(history.front().from.empty());
        CHECK(history.front().to == "pending");
        CHECK_FALSE(history.front().step);
    });
}

TEST_CASE("a task from an outbox is stored as an engine would store it for any worker")
{
    on_each_database([](sql_place const& place) {
        workflow const flow = doubling();
        auto store = open_knowing(place, {flow});
        auto post = outbox_of(place);
        soci::session session; // each statement commits by itself, and yet a task has its birth
        place.connect(session);
        submit_options const options{.key = "order-1", .priority = 7, .delay = 90s, .initiator = "web", .source_system = "shop", .reason = "sale"};
        task_id const later = post.submit(session, flow, 4, options);
        task_id const now = post.submit_json(session, flow, " 5 ");
        auto const record = store.load(later)->task;
        CHECK(record.state == task_state::pending);
        CHECK(record.input.text() == "4");
        CHECK(record.identity_key == "order-1");
        CHECK(record.priority == 7);
        CHECK(record.initiator == "web");
        CHECK(record.source_system == "shop");
        CHECK(record.reason == "sale");
        CHECK(record.wake_at == record.created_at + 90s);
        CHECK_FALSE(record.worker);
        CHECK(record.epoch == 0);
        CHECK(store.history(later).size() == 1);
        CHECK(store.history(later).front().at == record.created_at);
        auto const due = store.load(now)->task;
        CHECK_FALSE(due.wake_at);
        CHECK(due.identity_key == to_text(now));
        CHECK(later < now);
        workflow_id const known = record.workflow;
        auto const claimed = store.claim({{1, 1}, record.created_at + 1s, 10, {&known, 1}});
        REQUIRE(claimed.size() == 1);
        CHECK(claimed.front().snapshot.task.id == now);
    });
}

TEST_CASE("a submission whose identity is stored already is refused or joined, by key and by content alike")
{
    on_each_database([](sql_place const& place) {
        workflow const flow = doubling();
        asio::io_context context;
        engine here{context, place.open(), idle};
        here.add(flow);
        submit_options const by_content{.identity = identity::by_content, .delay = 1h, .reason = "sale"};
        task_id by_engine;
        REQUIRE(run(context, [&]() -> asio::awaitable<void> {
            task_handle const task = co_await here.submit("post/double", 9, by_content);
            by_engine = task.id();
        }));

        auto post = outbox_of(place);
        user_transaction mine{place};
        submit_options joining = by_content;
        joining.on_duplicate = on_duplicate::join;
        CHECK(post.submit(mine.session, flow, 9, joining) == by_engine);
        CHECK(post.submit(mine.session, flow, 10, joining) != by_engine);
        submit_options const keyed{.key = "order-1"};
        task_id const first = post.submit(mine.session, flow, 1, keyed);
        auto const refused = support::refused([&] { post.submit(mine.session, flow, 2, keyed); });
        CHECK(refused.code == errc::duplicate_task);
        CHECK(refused.what.find(to_text(first)) != std::string::npos);
        task_id const other = post.submit(mine.session, flow, 3); // the refusal left the transaction as it was
        mine.session.commit();
        auto store = place.open();
        CHECK(store.load(first)->task.input.text() == "1");
        CHECK(store.load(other));
        CHECK(store.find({}, {}).size() == 4);
        CHECK(store.history(first).size() == 1);
    });
}

TEST_CASE("an outbox refuses what an engine would refuse, and writes nothing")
{
    on_each_database([](sql_place const& place) {
        workflow const flow = doubling();
        auto store = open_knowing(place, {without_input()});
        auto post = outbox_of(place);
        user_transaction mine{place};
        auto const unknown = support::refused([&] { post.submit(mine.session, flow, 1); });
        CHECK(unknown.code == errc::unknown_workflow);
        CHECK(unknown.what.find("have an engine add it once") != std::string::npos);
        CHECK(support::refused([&] { post.submit(mine.session, flow); }).code == errc::invalid_input);
        CHECK(support::refused([&] { post.submit(mine.session, flow, "text"); }).code == errc::invalid_input);
        CHECK(support::refused([&] { post.submit(mine.session, without_input(), 1); }).code == errc::invalid_input);
        submit_options const custom{.identity = identity::custom};
        CHECK(support::refused([&] { post.submit(mine.session, without_input(), custom); }).code == errc::invalid_options);
        task_id const fine = post.submit(mine.session, without_input());
        mine.session.commit();
        CHECK(store.find({}, {}).size() == 1);
        CHECK(store.load(fine));
    });
}

TEST_CASE("a transactional step submits a task that exists exactly when the step is complete")
{
    on_each_database([](sql_place const& place) {
        asio::io_context context;
        engine here{context, place.open(), idle};
        workflow const flow = doubling();
        here.add(flow);
        workflow_builder parent{"post", "parent"};
        parent.step("only", [&](step_context& step) {
            auto post = outbox_of(place);
            task_id const child = post.submit(sql_session(step), flow, step.attempt());
            if (step.attempt() == 1)
                throw transient_error{"not yet"};
            return to_text(child);
        }, {.retry = {.backoff = {.initial = 1ms}}, .run_on = blocking});
        here.add(std::move(parent).build());
        std::string child;
        std::string doubled;
        REQUIRE(run(context, [&]() -> asio::awaitable<void> {
            task_handle const task = co_await here.submit("post/parent");
            child = co_await task.result<std::string>();
            here.look();
            task_outcome const outcome = co_await here.task(*parse_id<task_id>(child)).outcome();
            doubled = outcome.result.text();
            co_await here.drain();
        }));
        CHECK(doubled == "4");
        auto store = place.open();
        CHECK(store.find({}, {}).size() == 2);
    });
}

TEST_CASE("an outbox without a schema of its own writes where the session finds the tables")
{
    if (!support::postgres_connection())
        return;
    auto const place = sql_place::on_postgres();
    auto store = open_knowing(place, {without_input()});
    user_transaction mine{place};
    sql::execute(mine.session, "set local search_path = " + place.schema());
    task_id const task = outbox{""}.submit(mine.session, without_input());
    mine.session.commit();
    CHECK(store.load(task));
}

TEST_CASE("an outbox reaches an SQLite file that the session has attached")
{
    auto const place = sql_place::on_sqlite();
    auto store = open_knowing(place, {without_input()});
    soci::session elsewhere{soci::sqlite3, "db=:memory:"};
    {
        soci::session session;
        place.connect(session);
        sql::query file{session, {"select file from pragma_database_list where name = 'main'", "", "t"}};
        file.run_once();
        sql::execute(elsewhere, "attach '" + file.text() + "' as queue");
    }
    task_id const task = outbox{"queue"}.submit(elsewhere, without_input());
    CHECK(store.load(task));
    CHECK(store.history(task).size() == 1);
}
