#include <tasker/flow/coroutine_workflow.hpp>
#include <tasker/flow/on.hpp>
#include <tasker/sql/transaction.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/store/sqlite_store.hpp>
#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/run_context.hpp"
#include "support/sql_place.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using namespace boost::asio::experimental::awaitable_operators;
namespace asio = boost::asio;
using support::on_each_database;
using support::run;
using support::sql_place;

namespace {

constexpr step_options blocks{.retry = {.max_attempts = 3, .backoff = {.initial = 1ms}}, .run_on = blocking};
constexpr engine_options patient{.blocking_threads = 4, .lease = 1h, .safety_poll = 1h};

/// Rung by a body, on any thread, for a coroutine of the context to hear.
class bell {
public:
    explicit bell(asio::io_context& context) : rung_{context, asio::steady_timer::time_point::max()} {}

    void ring()
    {
        asio::post(rung_.get_executor(), [this] { rung_.expires_at(asio::steady_timer::time_point::min()); });
    }
    asio::awaitable<void> heard()
    {
        boost::system::error_code ignored;
        co_await rung_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

private:
    asio::steady_timer rung_;
};

void make_ledger(sql_place const& place)
{
    place.execute("create table ledger (task varchar(40) not null, step varchar(40) not null, attempt integer not null, "
                  "primary key (task, step))");
}

std::string row_of(step_context const& step)
{
    return "('" + to_text(step.task()) + "', '" + std::string{step.step()} + "', " + std::to_string(step.attempt()) + ")";
}

void enter(step_context& step)
{
    sql::execute(sql_session(step), "insert into ledger (task, step, attempt) values " + row_of(step));
}

template <class Body>
workflow one_step(Body body, step_options const& options = blocks)
{
    workflow_builder flow{"ledger", "one"};
    flow.step("only", std::move(body), options);
    return std::move(flow).build();
}

/// Runs one task of `flow` on a store of its own.
/// `at_end` is called when the engine has drained, while its context is still there.
task_outcome run_one(any_store store, workflow const& flow, engine_options const& options = patient, std::function<void()> at_end = [] {})
{
    asio::io_context context;
    engine here{context, std::move(store), options};
    here.add(flow);
    task_outcome outcome;
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        task_handle const task = co_await here.submit("ledger/one");
        outcome = co_await task.outcome();
        co_await here.drain();
    }));
    at_end();
    return outcome;
}

} // namespace

TEST_CASE("a step's rows and its outcome become visible together, and its children find both")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        auto watched = place.open();
        std::int64_t seen_early = -1;
        std::int64_t seen_late = -1;
        step_state recorded_early = step_state::complete;
        workflow_builder flow{"ledger", "one"};
        auto const paid = flow.step("pay", [&](step_context& step) {
            enter(step);
            seen_early = place.number("select count(*) from ledger");
            recorded_early = watched.load(step.task())->steps.at(0).second.state;
            return 42;
        }, blocks);
        flow.step("ship", after(paid), [&](int receipt) {
            seen_late = place.number("select count(*) from ledger");
            return receipt + 1;
        });
        auto const outcome = run_one(place.open(), std::move(flow).build());
        CHECK(outcome.state == task_state::complete);
        CHECK(outcome.result.text() == "43");
        CHECK(seen_early == 0);
        CHECK(recorded_early == step_state::in_progress);
        CHECK(seen_late == 1);
        auto const history = watched.history(outcome.id);
        REQUIRE(history.size() == 7);
        for (std::size_t at = 0; at < history.size(); ++at)
            CHECK(history[at].sequence == static_cast<std::int64_t>(at) + 1);
    });
}

TEST_CASE("a body that throws after its insert leaves no row, and is tried again")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        auto const outcome = run_one(place.open(), one_step([](step_context& step) {
            enter(step);
            if (step.attempt() == 1)
                throw transient_error{"changed its mind"};
        }));
        CHECK(outcome.state == task_state::complete);
        CHECK(place.number("select count(*) from ledger") == 1);
        CHECK(place.number("select max(attempt) from ledger") == 2);
        auto store = place.open();
        CHECK(store.load(outcome.id)->steps.at(0).second.attempts == 2);
    });
}

TEST_CASE("what the database refuses fails the attempt in the database's own words")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        auto const outcome = run_one(place.open(), one_step([](step_context& step) {
            enter(step);
            enter(step);
        }));
        CHECK(outcome.state == task_state::error);
        auto store = place.open();
        auto const record = store.load(outcome.id)->steps.at(0).second;
        CHECK(record.attempts == 3);
        REQUIRE(record.last_failure);
        CHECK(record.last_failure->kind == failure_kind::transient);
        std::string const words = place.is_postgres() ? "duplicate key" : "UNIQUE constraint failed";
        CHECK(record.last_failure->what.find(words) != std::string::npos);
        CHECK(place.number("select count(*) from ledger") == 0);
    });
}

TEST_CASE("a constraint that the database checks at the commit fails the attempt, and nothing of it stays")
{
    if (!support::postgres_connection())
        return;
    auto const place = sql_place::on_postgres();
    place.execute("create table ledger (task text not null, step text not null, attempt integer, "
                  "unique (task, step) deferrable initially deferred)");
    auto const outcome = run_one(place.open(), one_step([](step_context& step) {
        enter(step);
        if (step.attempt() == 1)
            enter(step);
    }));
    CHECK(outcome.state == task_state::complete);
    CHECK(place.number("select count(*) from ledger where attempt = 2") == 1);
    CHECK(place.number("select count(*) from ledger") == 1);
    auto store = place.open();
    auto const history = store.history(outcome.id);
    CHECK(std::any_of(history.begin(), history.end(), [](transition_record const& line) {
        return line.to == "error" && line.detail.find("duplicate key") != std::string::npos;
    }));
}

TEST_CASE("a body that ends the transaction itself is not tried again")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        auto const outcome = run_one(place.open(), one_step([](step_context& step) {
            enter(step);
            sql::execute(sql_session(step), "commit");
        }));
        CHECK(outcome.state == task_state::error);
        CHECK(outcome.what.find("leave begin, commit and rollback to the engine") != std::string::npos);
        auto store = place.open();
        CHECK(store.load(outcome.id)->steps.at(0).second.attempts == 1);
    });
}

namespace {

/// How the answer to a commit gets lost.
struct loss {
    bool arrives = false;        ///< the commit does
    int unreachable = 0;         ///< so many questions afterwards find no server
    int commits = 0;
};

/// A store that loses the answer to its first commit of a body's transaction.
class deaf_store {
public:
    deaf_store(any_store into, std::shared_ptr<loss> plan) : into_{std::move(into)}, plan_{std::move(plan)} {}

    bool blocks() const { return into_.blocks(); }
    void migrate() { into_.migrate(); }
    workflow_id register_workflow(workflow_key const& key, graph const& shape) { return into_.register_workflow(key, shape); }
    commit_result commit(commit_batch const& batch) { return into_.commit(batch); }
    std::vector<claimed_task> claim(claim_request const& request) { return into_.claim(request); }
    std::optional<task_snapshot> load(task_id task) { return into_.load(task); }
    heartbeat_result heartbeat(heartbeat_request const& beat)
    {
        if (plan_->commits > 0 && plan_->unreachable-- > 0)
            throw error{errc::store_unavailable, "there is no server; the test will start it"};
        return into_.heartbeat(beat);
    }
    request_answer request(task_id task, command const& asked) { return into_.request(task, asked); }
    send_answer send(message const& told) { return into_.send(told); }
    std::vector<message> mail(task_id task, std::int64_t after) { return into_.mail(task, after); }
    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        return into_.next_due(worker, now, workflows);
    }
    std::vector<task_record> find(task_filter const& filter, page const& which) { return into_.find(filter, which); }
    std::vector<transition_record> history(task_id task) { return into_.history(task); }
    store_statistics statistics(time_point now, time_point since) { return into_.statistics(now, since); }
    std::size_t purge(time_point before, std::size_t limit) { return into_.purge(before, limit); }
    std::unique_ptr<store_transaction> begin() { return std::make_unique<deaf_transaction>(into_.begin(), plan_); }

private:
    class deaf_transaction final : public store_transaction {
    public:
        deaf_transaction(std::unique_ptr<store_transaction> into, std::shared_ptr<loss> plan)
            : into_{std::move(into)}, plan_{std::move(plan)}
        {
        }
        void* session() override { return into_->session(); }
        transaction_end commit(commit_batch const& batch) override
        {
            if (plan_->commits++ > 0)
                return into_->commit(batch);
            if (plan_->arrives)
                CHECK(into_->commit(batch).how == transaction_end::kind::committed);
            into_.reset();
            return {transaction_end::kind::in_doubt, "the connection broke"};
        }

    private:
        std::unique_ptr<store_transaction> into_;
        std::shared_ptr<loss> plan_;
    };

    any_store into_;
    std::shared_ptr<loss> plan_;
};

static_assert(transactional_store<deaf_store>);

} // namespace

TEST_CASE("a commit in doubt neither doubles nor loses the user's row, whether it arrived or not")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        for (bool const arrives : {true, false}) {
            INFO("the commit " << (arrives ? "arrives" : "does not arrive"));
            auto const plan = std::make_shared<loss>();
            plan->arrives = arrives;
            plan->unreachable = 2;
            int executions = 0;
            auto const outcome = run_one(deaf_store{place.open(), plan}, one_step([&](step_context& step) {
                ++executions;
                enter(step);
                return executions;
            }));
            CHECK(outcome.state == task_state::complete);
            CHECK(executions == (arrives ? 1 : 2));
            CHECK(outcome.result.text() == std::to_string(executions));
            CHECK(plan->unreachable < 0);
            auto const mine = "select count(*) from ledger where task = '" + to_text(outcome.id) + "'";
            CHECK(place.number(mine) == 1);
            CHECK(place.number(mine + " and attempt = " + std::to_string(executions)) == 1);
        }
    });
}

TEST_CASE("a connection that the server ends under a body costs an attempt and nothing else")
{
    if (!support::postgres_connection())
        return;
    auto const place = sql_place::on_postgres();
    make_ledger(place);
    auto const outcome = run_one(place.open(), one_step([&](step_context& step) {
        enter(step);
        if (step.attempt() > 1)
            return;
        sql::query row{sql_session(step), {"select pg_backend_pid()", "", "i"}};
        row.run_once();
        place.number("select pg_terminate_backend(" + std::to_string(row.integer()) + ")::int");
    }));
    CHECK(outcome.state == task_state::complete);
    CHECK(place.number("select count(*) from ledger") == 1);
    CHECK(place.number("select max(attempt) from ledger") == 2);
}

TEST_CASE("a worker that lost its lease writes no row of its body's either")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        asio::io_context context;
        engine here{context, place.open(), patient};
        auto rival = place.open();
        worker_id const thief{1, 1};
        workflow_id known = 0;
        workflow const flow = one_step([&](step_context& step) {
            rival.heartbeat({thief, step.now(), 5h});
            if (place.is_postgres()) // on SQLite nobody can take the task once the transaction has begun
                enter(step);
            REQUIRE(rival.claim({thief, step.now() + 2h, 1, {&known, 1}, step.task()}).size() == 1);
            if (!place.is_postgres())
                enter(step);
        });
        here.add(flow);
        known = here.id_of(flow.key());
        bool lost = false;
        auto const heard = here.subscribe([&](task_lease_lost const&) { lost = true; context.stop(); }, {.delivery = delivery::in_place});
        asio::co_spawn(context, here.submit("ledger/one"), [](std::exception_ptr, task_handle) {});
        context.run_for(1min);
        CHECK(lost);
        CHECK(place.number("select count(*) from ledger") == 0);
        auto const found = rival.find({}, {});
        REQUIRE(found.size() == 1);
        CHECK(found.front().worker == thief);
        auto const stored = rival.load(found.front().id);
        for (auto const& [no, step] : stored->steps)
            CHECK(step.state == step_state::in_progress);
    });
}

TEST_CASE("two hundred tasks with two transactional steps each enter every row exactly once")
{
    on_each_database([](sql_place const& place) {
        constexpr int tasks = 200;
        make_ledger(place);
        asio::io_context context;
        engine here{context, place.open(), {.blocking_threads = 8, .lease = 1h}};
        workflow_builder flow{"ledger", "two"};
        std::atomic<int> failures = 0;
        auto const body = [&](step_context& step) {
            enter(step);
            if (step.attempt() == 1 && ++failures % 7 == 0)
                throw transient_error{"every seventh fails once"};
        };
        auto const first = flow.step("first", body, blocks);
        flow.step("beside", body, blocks);
        flow.step("second", after(ordering(first)), body, blocks);
        here.add(std::move(flow).build());
        int complete = 0;
        REQUIRE(run(context, [&]() -> asio::awaitable<void> {
            std::vector<task_handle> handles;
            for (int count = 0; count < tasks; ++count)
                handles.push_back(co_await here.submit("ledger/two"));
            for (task_handle const& one : handles) {
                task_outcome const outcome = co_await one.outcome();
                complete += outcome.state == task_state::complete ? 1 : 0;
            }
            co_await here.drain();
        }));
        CHECK(complete == tasks);
        CHECK(failures >= tasks);
        CHECK(place.number("select count(*) from ledger") == 3 * tasks);
        auto store = place.open();
        for (task_record const& task : store.find({}, {.limit = 1000})) {
            std::set<std::int64_t> sequences;
            for (transition_record const& line : store.history(task.id))
                sequences.insert(line.sequence);
            CHECK(*sequences.rbegin() == static_cast<std::int64_t>(sequences.size()));
        }
    });
}

TEST_CASE("an attempt whose time runs out leaves no row, and its late end counts for nothing")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        step_options impatient = blocks;
        impatient.timeout = 50ms;
        auto const outcome = run_one(place.open(), one_step([](step_context& step) {
            enter(step);
            while (step.attempt() == 1 && !step.cancelled())
                std::this_thread::yield();
        }, impatient));
        CHECK(outcome.state == task_state::complete);
        CHECK(place.number("select count(*) from ledger") == 1);
        CHECK(place.number("select max(attempt) from ledger") == 2);
        auto store = place.open();
        auto const history = store.history(outcome.id);
        CHECK(std::any_of(history.begin(), history.end(), [](transition_record const& line) {
            return line.to == "error" && line.detail.find("ran out of its time") != std::string::npos;
        }));
    });
}

TEST_CASE("a task cancelled while its body writes ends as the body does, rows and outcome alike")
{
    on_each_database([](sql_place const& place) {
        for (bool const obeys : {true, false}) {
            INFO("the body " << (obeys ? "throws" : "goes on"));
            if (obeys)
                make_ledger(place);
            asio::io_context context;
            engine here{context, place.open(), patient};
            bell writing{context};
            here.add(one_step([&](step_context& step) {
                enter(step);
                writing.ring();
                while (!step.cancelled())
                    std::this_thread::yield();
                if (obeys)
                    throw transient_error{"asked to stop"};
            }));
            std::optional<task_handle> task;
            REQUIRE(run(context, [&]() -> asio::awaitable<void> {
                task = co_await here.submit("ledger/one");
                co_await writing.heard();
                co_await here.cancel(task->id());
                co_await here.drain();
            }));
            auto store = place.open();
            auto const stored = store.load(task->id());
            CHECK(stored->task.state == task_state::cancelled);
            CHECK(stored->steps.at(0).second.state == (obeys ? step_state::cancelled : step_state::complete));
            CHECK(place.number("select count(*) from ledger") == (obeys ? 0 : 1));
        }
    });
}

TEST_CASE("draining waits for a body's transaction, and records what it did")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        asio::io_context context;
        engine here{context, place.open(), patient};
        std::promise<void> draining;
        bell writing{context};
        here.add(one_step([&](step_context& step) {
            writing.ring();
            draining.get_future().wait();
            enter(step);
        }));
        task_id id;
        REQUIRE(run(context, [&]() -> asio::awaitable<void> {
            id = (co_await here.submit("ledger/one")).id();
            co_await writing.heard();
            asio::co_spawn(context, here.drain(), [](std::exception_ptr) {});
            asio::post(context, [&] { draining.set_value(); });
            co_await here.run();
        }));
        CHECK(place.number("select count(*) from ledger") == 1);
        auto store = place.open();
        CHECK(store.load(id)->task.state == task_state::complete);
    });
}

TEST_CASE("an engine that is destroyed amid a body's transaction leaves nothing of it")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        asio::io_context context;
        std::optional<engine> here;
        here.emplace(context, place.open(), patient);
        std::promise<void> released;
        here->add(one_step([&](step_context& step) {
            enter(step);
            asio::post(context, [&] { context.stop(); });
            released.get_future().wait();
        }));
        asio::co_spawn(context, here->submit("ledger/one"), [](std::exception_ptr, task_handle) {});
        context.run_for(1min);
        REQUIRE(context.stopped());
        released.set_value(); // the body ends, and nobody is left to commit what it did
        here.reset();
        CHECK(place.number("select count(*) from ledger") == 0);
        auto store = place.open();
        CHECK(store.find({}, {}).front().state == task_state::in_progress);
    });
}

TEST_CASE("an engine that is destroyed wakes a body that waits for its transaction")
{
    auto const place = sql_place::on_sqlite();
    make_ledger(place);
    asio::io_context context;
    std::optional<engine> here;
    engine_options two_at_a_time = patient;
    two_at_a_time.max_concurrent_steps = 2;
    here.emplace(context, place.open(), two_at_a_time);
    std::atomic<bool> is_writing = false;
    std::promise<void> woken;
    workflow_builder flow{"ledger", "one"};
    flow.step("writes", [&](step_context& step) {
        enter(step);
        is_writing = true;
        woken.get_future().wait();
    }, blocks);
    flow.step("makes room", [&](step_context& step) -> async<> {
        while (!is_writing)
            co_await step.sleep_for(1ms);
    });
    flow.step("waits", [&](step_context& step) {
        asio::post(context, [&] { context.stop(); });
        try {
            enter(step); // that this step runs cannot be recorded while the other one writes
        } catch (std::exception const&) {
            woken.set_value();
            throw;
        }
    }, blocks);
    here->add(std::move(flow).build());
    asio::co_spawn(context, here->submit("ledger/one"), [](std::exception_ptr, task_handle) {});
    context.run_for(1min);
    REQUIRE(context.stopped());
    here.reset();
    CHECK(place.number("select count(*) from ledger") == 0);
}

TEST_CASE("where a body can have no transaction it is told what to do")
{
    auto const what = [](any_store store, workflow const& flow) {
        auto const outcome = run_one(std::move(store), flow);
        CHECK(outcome.state == task_state::error);
        return outcome.what;
    };
    auto const place = sql_place::on_sqlite();
    make_ledger(place);
    CHECK(what(memory_store{}, one_step(enter)).find("use sqlite_store or postgres_store") != std::string::npos);
    CHECK(what(place.open(), one_step(enter, {})).find("give the step .run_on = tasker::blocking") != std::string::npos);
    auto const coroutine = [](step_context& step) -> async<> {
        enter(step);
        co_return;
    };
    workflow_builder flow{"ledger", "one", "2.0.0"};
    flow.step("only", coroutine);
    CHECK(what(place.open(), std::move(flow).build()).find("make it a plain function") != std::string::npos);
    CHECK(place.number("select count(*) from ledger") == 0);
}

TEST_CASE("a body on the user's own pool can have a transaction")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        asio::thread_pool pool{2};
        auto const outcome = run_one(place.open(), one_step(enter, {.run_on = on(pool)}), patient, [&pool] { pool.join(); });
        CHECK(outcome.state == task_state::complete);
        CHECK(place.number("select count(*) from ledger") == 1);
    });
}

TEST_CASE("in a simulation a body's transaction begins and ends in place")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        testing::simulation_options options;
        options.store = [&] { return place.open(); };
        testing::simulation sim{std::move(options)};
        workflow_builder flow{"ledger", "one"};
        step_options slow = blocks;
        slow.retry = {.max_attempts = 3, .backoff = {.initial = 2s}, .jitter = jitter::none};
        auto const first = flow.step("first", [](step_context& step) {
            enter(step);
            if (step.attempt() == 1)
                throw transient_error{"not yet"};
            return 1;
        }, slow);
        flow.step("second", after(first), [](step_context& step, int value) {
            enter(step);
            return value + 1;
        }, blocks);
        flow.step("beside", enter, blocks);
        auto const report = sim.run(std::move(flow).build());
        CHECK(report.state == task_state::complete);
        CHECK(report.elapsed == 2s);
        CHECK(place.number("select count(*) from ledger") == 3);
    });
}

TEST_CASE("steps of a coroutine write rows in transactions of their own, each once, whatever crashes")
{
    on_each_database([](sql_place const& place) {
        step_options const quick{.durability = durability::volatile_};
        auto const flow = coroutine_workflow("ledger", "coroutine", "1.0.0", [quick](workflow_context& wf) -> asio::awaitable<std::string> {
            std::string text = co_await wf.step("drawn", [] { return std::string{"v"}; }, quick);
            auto const beside = [&]() -> asio::awaitable<void> {
                for (int round = 0; round < 3; ++round)
                    text += std::to_string(co_await wf.step("quick", [round] { return round; }, quick));
            };
            auto const writes = [&]() -> asio::awaitable<void> {
                for (int round = 0; round < 2; ++round)
                    co_await wf.step("writes", [&](step_context& step) {
                        enter(step);
                        if (step.attempt() == 1)
                            throw transient_error{"not yet"};
                    }, blocks);
            };
            co_await (writes() && beside());
            try {
                co_await wf.step("refused", [](step_context& step) {
                    enter(step);
                    enter(step);
                }, {.retry = {.max_attempts = 1}, .run_on = blocking});
            } catch (step_error const&) {
                text += '!';
            }
            co_return text;
        });
        bool crashed = true;
        std::size_t rows = 0;
        for (std::size_t handlers = 1; crashed; handlers += 3) {
            INFO("crash after handler " << handlers);
            if (handlers == 1)
                make_ledger(place);
            testing::simulation_options options;
            options.seed = 1'000 * handlers;
            options.store = [&] { return place.open(); };
            options.engine.lease = 1h;
            testing::simulation sim{std::move(options)};
            auto const id = sim.submit(flow);
            std::size_t done = 0;
            while (done < handlers && !is_finished(sim.await(sim.engine().load(id))->task.state) && sim.step(sim.now() + 1h))
                ++done;
            crashed = !is_finished(sim.await(sim.engine().load(id))->task.state);
            sim.crash(2h);
            sim.finish(id);
            REQUIRE(sim.report(id).state == task_state::complete);
            CHECK(sim.report(id).result<std::string>() == "v012!");
            rows += 2; // the primary key forbids more
            CHECK(place.number("select count(*) from ledger") == static_cast<std::int64_t>(rows));
        }
    });
}

TEST_CASE("events of a transactional step are told once it is durable, in order, with what the body published")
{
    on_each_database([](sql_place const& place) {
        make_ledger(place);
        asio::io_context context;
        engine here{context, place.open(), patient};
        std::vector<std::string> told;
        std::vector<std::int64_t> rows;
        auto const note = [&](std::string what) {
            told.push_back(std::move(what));
            rows.push_back(place.number("select count(*) from ledger"));
        };
        auto const started = here.subscribe([&](step_started const&) { note("started"); }, {.delivery = delivery::in_place});
        auto const custom = here.subscribe([&](custom_event const& one) { note(one.name); }, {.delivery = delivery::in_place});
        auto const completed = here.subscribe([&](step_completed const& one) { note("completed " + std::string{one.result.text()}); },
                                              {.delivery = delivery::in_place});
        here.add(one_step([](step_context& step) {
            enter(step);
            step.publish("ledger.entered", 1);
            return 7;
        }));
        REQUIRE(run(context, [&]() -> asio::awaitable<void> {
            task_handle const task = co_await here.submit("ledger/one");
            co_await task.result<int>();
            co_await here.drain();
        }));
        CHECK(told == std::vector<std::string>{"started", "ledger.entered", "completed 7"});
        CHECK(rows == std::vector<std::int64_t>{0, 1, 1});
    });
}
