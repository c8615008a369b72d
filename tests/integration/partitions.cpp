#include <tasker/base/uuid_generator.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/testing/store_conformance.hpp>

#include "support/catch.hpp"
#include "support/postgres.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace tasker;

namespace {

constexpr duration one_day = 24h;

time_point now()
{
    return std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
}

/// The name's number: where the partition of `at` begins.
std::string start_of(time_point at)
{
    return std::to_string(std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch() / one_day * one_day).count());
}

/// How a store comes to its schema.
enum class schema_found { by_name, by_the_search_path };

/// A store with partitions of a day in a schema of its own, and short ways to fill it.
class partitioned_store {
public:
    explicit partitioned_store(schema_found found = schema_found::by_name) : store{open(found)}
    {
        store.migrate();
        workflow_ = store.register_workflow({"shop", "fulfil", "1.0.0"}, testing::bench::chain({"pay"}));
    }

    postgres_options options(duration of) const { return {.schema = schema.name(), .partition_span = of}; }

    /// A task made at `at` and finished at once, with a step and two lines of history.
    task_id finished(time_point at)
    {
        task_record task;
        task.id = ids_.next<task_id>(at);
        task.workflow = workflow_;
        task.identity_key = to_text(task.id);
        task.created_at = at;
        task.worker = worker_;
        task.epoch = 1;
        commit_batch batch;
        batch.worker = worker_;
        batch.created = {task};
        task_write end;
        end.id = task.id;
        end.epoch = 1;
        end.state = task_state::complete;
        end.finished_at = at;
        end.release = true;
        batch.tasks = {end};
        step_record step;
        step.state = step_state::complete;
        batch.steps = {{task.id, 1, 0, step}};
        batch.transitions = {{task.id, {}, "", "pending", at, 0, "", 0}, {task.id, {}, "pending", "complete", at, 0, "", 0}};
        batch.transition_epochs = {1, 1};
        store.commit(batch);
        return task.id;
    }

    void make_partition(time_point at) { session.exec("select make_partition(" + start_of(at) + ")"); }
    bool has_partition(time_point at)
    {
        return session.value("select count(*) from pg_inherits where inhrelid in (to_regclass($1), to_regclass($2))",
                             {"steps_" + start_of(at), "transitions_" + start_of(at)}) == "2";
    }
    /// The partition in which the task's rows lie; nothing when there are none.
    std::optional<std::string> place_of(std::string const& table, task_id task)
    {
        return session.value("select distinct cast(cast(tableoid as regclass) as text) from " + table + " where task_id = $1",
                             {to_text(task)});
    }

    support::scratch_schema schema;
    support::pg_session session = schema.session();
    postgres_store store;

private:
    postgres_store open(schema_found found) const
    {
        if (found == schema_found::by_name)
            return postgres_store{schema.connection(), options(one_day)};
        postgres_options const nameless{.schema = "", .partition_span = one_day};
        return postgres_store{schema.connection() + " options='-c search_path=" + schema.name() + "'", nameless};
    }

    workflow_id workflow_ = 0;
    uuid_generator ids_{1};
    worker_id worker_{1, 2};
};

/// Makes tables and functions in `place` that are called as those of the store in `schema`, and say that there is no task
/// and that every partition is there already.
void imitate(support::pg_session& caller, std::string const& place, std::string const& schema, std::string const& start)
{
    for (std::string const table : {"tasks", "steps", "transitions"})
        caller.exec("create table " + place + '.' + table + " (like " + schema + '.' + table + ')');
    for (std::string const table : {"steps_", "transitions_"})
        caller.exec("create table " + place + '.' + table + start + " ()");
    caller.exec("create function " + place + ".has_tasks(bigint, bigint) returns boolean language sql as 'select false';"
                "create function " + place + ".partition_span() returns bigint language sql as 'select cast(0 as bigint)';"
                "create function " + place + ".partition_bound(bigint) returns uuid language sql as 'select gen_random_uuid()'");
}

} // namespace

TEST_CASE("the PostgreSQL store keeps every sentence of the store contract with partitions, too", "[conformance]")
{
    if (!support::postgres_connection())
        return;
    for (duration const of : {duration{1h}, duration{24h * 3650}}) // most rows in none of them, and all in one
        for (testing::conformance_check const& check : testing::conformance_checks)
            DYNAMIC_SECTION(check.sentence << " (" << to_text(of) << ')')
            {
                support::scratch_schema const schema;
                postgres_options const options{.schema = schema.name(), .partition_span = of};
                REQUIRE_NOTHROW(testing::run_check(check, postgres_store{schema.connection(), options}));
            }
}

TEST_CASE("migrating makes the partitions of now and of the three spans to come, once")
{
    if (!support::postgres_connection())
        return;
    partitioned_store on;
    on.store.migrate();
    for (int ahead = 0; ahead < 4; ++ahead)
        CHECK(on.has_partition(now() + ahead * one_day));
    CHECK_FALSE(on.has_partition(now() + 5 * one_day));
    CHECK(on.session.value("select count(*) from pg_inherits where inhparent = cast('steps' as regclass)") == "5");
}

TEST_CASE("rows lie in the partition of their task's id, or in the rest when there is none for it")
{
    if (!support::postgres_connection())
        return;
    partitioned_store on;
    auto const long_ago = now() - 100 * one_day;
    on.make_partition(long_ago);
    auto const fits = on.finished(long_ago);
    auto const misses = on.finished(long_ago + 2 * one_day);
    for (std::string const table : {"steps", "transitions"}) {
        CHECK(on.place_of(table, fits) == table + "_" + start_of(long_ago));
        CHECK(on.place_of(table, misses) == table + "_rest");
    }
    CHECK(on.store.load(fits)->steps.size() == 1);
    CHECK(on.store.history(misses).size() == 2);
}

TEST_CASE("a purged task is gone at once, its partition with the last of its tasks")
{
    if (!support::postgres_connection())
        return;
    partitioned_store on;
    auto const day = now() - 100 * one_day;
    on.make_partition(day);
    std::vector<task_id> const tasks{on.finished(day), on.finished(day), on.finished(day)};
    CHECK(on.store.purge(now(), 2) == 2);
    CHECK(on.has_partition(day));
    CHECK(on.place_of("transitions", tasks[0])); // what is dropped later need not be deleted now
    CHECK_FALSE(on.store.load(tasks[0]));
    CHECK(on.store.history(tasks[0]).empty());
    CHECK(on.store.statistics(now(), now()).steps.at(step_state::complete) == 1);
    CHECK(on.store.history(tasks[2]).size() == 2);
    CHECK(on.store.purge(now(), 2) == 1);
    CHECK_FALSE(on.has_partition(day));
    CHECK(on.session.value("select count(*) from transitions") == "0");
    CHECK(on.has_partition(now()));
}

TEST_CASE("rows outside of the partitions that are over are purged one by one")
{
    if (!support::postgres_connection())
        return;
    partitioned_store on;
    std::vector<task_id> const tasks{on.finished(now() - 100 * one_day), on.finished(now() - 1s)}; // in the rest, and in today's
    CHECK(on.store.purge(now(), 10) == 2);
    for (task_id const task : tasks)
        for (std::string const table : {"steps", "transitions"})
            CHECK_FALSE(on.place_of(table, task));
    CHECK(on.has_partition(now()));
}

TEST_CASE("a partition that somebody reads is dropped by a later purge, and nobody waits for it long")
{
    if (!support::postgres_connection())
        return;
    partitioned_store on;
    auto const day = now() - 100 * one_day;
    on.make_partition(day);
    on.finished(day);
    auto reader = on.schema.session();
    reader.exec("begin; select from transitions limit 1");
    CHECK(on.store.purge(now(), 10) == 1);
    CHECK(on.has_partition(day));
    reader.exec("commit");
    CHECK(on.store.purge(now(), 10) == 0);
    CHECK_FALSE(on.has_partition(day));
}

TEST_CASE("a time whose rows lie in the rest already gets no partition of its own")
{
    if (!support::postgres_connection())
        return;
    partitioned_store on;
    auto const day = now() - 100 * one_day;
    auto const task = on.finished(day);
    on.make_partition(day);
    CHECK_FALSE(on.has_partition(day));
    CHECK(on.store.history(task).size() == 2);
    CHECK(on.store.purge(now(), 10) == 1);
    CHECK_FALSE(on.place_of("transitions", task));
}

TEST_CASE("what a caller has named like the store's tables and functions is not taken for them by those with their owner's rights")
{
    if (!support::postgres_connection())
        return;
    auto const found = GENERATE(schema_found::by_name, schema_found::by_the_search_path);
    partitioned_store on{found};
    auto const used = now() - 100 * one_day;
    auto const missing = now() - 200 * one_day;
    on.make_partition(used);
    on.finished(used);
    support::scratch_schema const theirs;
    for (std::string const& place : {std::string{"pg_temp"}, theirs.name()}) {
        INFO(place);
        auto caller = on.schema.session();
        imitate(caller, place, on.schema.name(), start_of(missing));
        caller.exec("set search_path = " + place + ", " + on.schema.name());
        caller.exec("select " + on.schema.name() + ".make_partition(" + start_of(missing) + ")");
        CHECK(on.has_partition(missing));
        caller.exec("select " + on.schema.name() + ".keep_partitions(" + start_of(now()) + "000)");
        CHECK_FALSE(on.has_partition(missing)); // it is over, and no task is in it
        CHECK(on.has_partition(used));
    }
}

TEST_CASE("a schema keeps the span that it was made with: another is refused, none goes on with it")
{
    if (!support::postgres_connection())
        return;
    partitioned_store on;
    postgres_store as_it_is{on.schema.connection(), on.options(0h)};
    CHECK_NOTHROW(as_it_is.migrate());
    try {
        postgres_store{on.schema.connection(), on.options(48h)}.migrate();
        FAIL("another span was taken");
    } catch (error const& refused) {
        CHECK(refused.code() == errc::invalid_options);
        CHECK_THAT(refused.what(), support::contains("partition_span"));
    }
    support::scratch_schema const whole;
    postgres_store{whole.connection(), {.schema = whole.name()}}.migrate();
    postgres_options const later{.schema = whole.name(), .partition_span = one_day};
    CHECK_THROWS_AS((postgres_store{whole.connection(), later}.migrate()), error);
}

TEST_CASE("a PostgreSQL schema of the previous version is brought to the newest, in partitions or not, and keeps what is in it")
{
    if (!support::postgres_connection())
        return;
    for (duration const span : {duration{0}, one_day}) {
        INFO("in partitions of " << to_text(span));
        support::scratch_schema const schema;
        postgres_options const options{.schema = schema.name(), .partition_span = span};
        sql::postgres_dialect const dialect{schema.connection(), options};
        auto session = schema.session();
        session.exec("create table schema_version (version integer not null primary key); insert into schema_version values (1), (2)");
        for (sql::migration const& step : sql::migrations(dialect))
            if (step.version <= 2)
                for (std::string const& text : step.sql)
                    session.exec(text);
        session.exec("create function commit_batch(bigint) returns bigint language sql as 'select 1'");
        session.exec("create function claim_tasks(bigint) returns table (o_task uuid) language sql as 'select null::uuid'");
        std::string const id = "01930000-0000-7000-0000-000000000001";
        session.exec("insert into workflows (name_space, name, version) values ('shop', 'fulfil', '1.0.0');"
                     "insert into tasks (id, workflow_id, state, input, priority, identity_key, initiator, source_system, reason, created_at, "
                     "started_at, wake_at, status_reason, epoch, recoveries) values ('" + id +
                     "', 1, 'in_progress', 'null', 0, 'old', '', '', '', 1, 1, 2000000000000000, '', 4, 0);"
                     "insert into steps (task_id, step_no, state, attempts, result) values ('" + id + "', 0, 'complete', 1, '17')");

        postgres_store store{schema.connection(), options};
        store.migrate();
        CHECK(session.value("select count(*) from pg_proc where proname in ('commit_batch', 'claim_tasks') and "
                            "pronamespace = (select oid from pg_namespace where nspname = current_schema())") == "2");
        auto const workflow = store.register_workflow({"shop", "fulfil", "1.0.0"}, graph{});
        worker_id const worker{1, 1};
        std::vector const workflows{workflow};
        auto const task = parse_id<task_id>(id).value();
        CHECK(store.claim({worker, now(), 10, workflows}).empty());
        CHECK(store.send({task, 0, "news", {}, {}}) == send_answer::stored);
        auto const claimed = store.claim({worker, now(), 10, workflows});
        REQUIRE(claimed.size() == 1);
        CHECK(claimed.front().snapshot.task.epoch == 5);
        CHECK(claimed.front().snapshot.messages.size() == 1);
        REQUIRE(claimed.front().snapshot.steps.size() == 1);
        CHECK(claimed.front().snapshot.steps.front().second.result == payload{"17"});
        commit_batch batch;
        batch.worker = worker;
        step_record slept;
        slept.name = "sleep";
        batch.steps = {{task, 5, 1, slept}};
        CHECK(store.commit(batch).lease_lost.empty());
        CHECK(store.statistics(now(), now()).steps.at(step_state::pending) == 1);
    }
}

TEST_CASE("a span of partitions is a minute at least and a hundred years at most")
{
    for (duration const wrong : {duration{-1h}, duration{59s}, duration{24h * 36'501}, duration{1h + 1us}}) {
        INFO(to_text(wrong));
        CHECK_THROWS_AS((sql::postgres_dialect{"dbname=none", {.partition_span = wrong}}), error);
    }
    for (duration const right : {duration{0}, duration{1min}, duration{24h * 36'500}})
        CHECK_NOTHROW((sql::postgres_dialect{"dbname=none", {.partition_span = right}}));
}
