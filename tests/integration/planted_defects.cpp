#include <tasker/sql/transaction.hpp>
#include <tasker/tasker.hpp>
#include <tasker/testing/conformance/bench.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/sql_place.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_database;
using support::sql_place;

// Each of these was written for a defect that was planted by hand and that no other test found.

namespace {

/// A store that refuses the engine's own commits while it is told to, and no others.
class refusing_store {
public:
    refusing_store(any_store into, std::shared_ptr<bool> refuses) : into_{std::move(into)}, refuses_{std::move(refuses)} {}

    bool blocks() const { return into_.blocks(); }
    void migrate() { into_.migrate(); }
    workflow_id register_workflow(workflow_key const& key, graph const& shape) { return into_.register_workflow(key, shape); }
    commit_result commit(commit_batch const& batch)
    {
        if (*refuses_)
            throw error{errc::store_unavailable, "the disk is full; the test will make room"};
        return into_.commit(batch);
    }
    std::vector<claimed_task> claim(claim_request const& request) { return into_.claim(request); }
    std::optional<task_snapshot> load(task_id task) { return into_.load(task); }
    heartbeat_result heartbeat(heartbeat_request const& beat) { return into_.heartbeat(beat); }
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
    std::unique_ptr<store_transaction> begin() { return into_.begin(); }

private:
    any_store into_;
    std::shared_ptr<bool> refuses_;
};

static_assert(transactional_store<refusing_store>);

} // namespace

TEST_CASE("no transaction begins in place while the record that its step runs is refused, and no late record overwrites an outcome")
{
    on_each_database([](sql_place const& place) {
        place.execute("create table ledger (attempt integer not null)");
        auto const refuses = std::make_shared<bool>(false);
        testing::simulation_options options;
        options.store = [&] { return any_store{refusing_store{place.open(), refuses}}; };
        testing::simulation sim{std::move(options)};
        workflow_builder flow{"ledger", "one"};
        int attempts = 0;
        flow.step("only", [&](step_context& step) {
            *refuses = ++attempts == 1;
            auto const make_room = std::unique_ptr<bool, void (*)(bool*)>{refuses.get(), [](bool* full) { *full = false; }};
            sql::execute(sql_session(step), "insert into ledger (attempt) values (" + std::to_string(step.attempt()) + ")");
        }, {.retry = {.backoff = {.initial = 1s}}, .run_on = blocking});
        auto const report = sim.run(std::move(flow).build());
        CHECK(report.state == task_state::complete);
        CHECK(attempts == 2);
        CHECK(place.number("select count(*) from ledger") == 1);
        CHECK(place.number("select max(attempt) from ledger") == 2);
        auto const stored = place.open().load(report.id);
        CHECK(stored->steps.at(0).second.state == step_state::complete);
        CHECK(stored->steps.at(0).second.attempts == 2);
    });
}

TEST_CASE("no transaction begins while the batch with the record that its step runs is tried again and again, and that batch overwrites no outcome")
{
    on_each_database([](sql_place const& place) {
        place.execute("create table ledger (attempt integer not null)");
        auto const refuses = std::make_shared<bool>(false);
        testing::simulation_options options;
        options.store = [&] { return any_store{refusing_store{place.open(), refuses}}; };
        testing::simulation sim{std::move(options)};
        workflow_builder flow{"ledger", "two"};
        int attempts = 0;
        flow.step("pay", [&](step_context& step) {
            ++attempts;
            auto const make_room = std::unique_ptr<bool, void (*)(bool*)>{refuses.get(), [](bool* full) { *full = false; }};
            sql::execute(sql_session(step), "insert into ledger (attempt) values (" + std::to_string(step.attempt()) + ")");
        }, {.retry = {.backoff = {.initial = 1s}}, .priority = 1, .run_on = blocking}); // so that it is recorded first
        flow.step("fill the disk", [&] { *refuses = true; });
        auto const report = sim.run(std::move(flow).build());
        CHECK(report.state == task_state::complete);
        CHECK(attempts == 2);
        CHECK(place.number("select count(*) from ledger") == 1);
        CHECK(place.number("select max(attempt) from ledger") == 2);
        CHECK(place.open().load(report.id)->steps.at(0).second.state == step_state::complete);
    });
}

TEST_CASE("a worker killed with -9 is dead at once in every database, however long its lease [F24]")
{
    on_each_database([](sql_place const& place) {
        support::child_process child{[&](support::child_process& parent) {
            auto own = place.open();
            testing::bench at{own};
            at.lease = 24h;
            at.create_owned(at.alice);
            parent.tell(1);
            parent.hear();
            return 0;
        }};
        REQUIRE(child.hear());
        auto store = place.open();
        testing::bench at{store};
        store.heartbeat({at.bob, at.now, at.lease});
        CHECK(at.claim(at.bob).empty());
        CHECK(at.next_due(at.bob) == at.now + 24h);
        child.kill();
        CHECK(at.next_due(at.bob) == at.now);
        auto const claimed = at.claim(at.bob);
        REQUIRE(claimed.size() == 1);
        CHECK(claimed[0].recovered);
        CHECK(claimed[0].snapshot.task.recoveries == 1);
    });
}

TEST_CASE("a body's transaction whose lease is lost leaves no row, is told as complete by nobody, and starts no child")
{
    on_each_database([](sql_place const& place) {
        place.execute("create table ledger (task varchar(40) not null)");
        boost::asio::io_context context;
        engine here{context, place.open(), {.blocking_threads = 4, .lease = 1h, .safety_poll = 1h}};
        auto rival = place.open();
        worker_id const thief{1, 1};
        workflow_id known = 0;
        std::atomic<bool> goes_on = false;
        workflow_builder flow{"ledger", "two"};
        auto const paid = flow.step("pay", [&](step_context& step) {
            while (rival.load(step.task())->steps.empty()) // the lease is to be lost between the record of the start and the end
                std::this_thread::yield();
            rival.heartbeat({thief, step.now(), 5h});
            REQUIRE(rival.claim({thief, step.now() + 2h, 1, {&known, 1}, step.task()}).size() == 1);
            sql::execute(sql_session(step), "insert into ledger (task) values ('" + to_text(step.task()) + "')");
        }, {.run_on = blocking});
        flow.step("ship", after(ordering(paid)), [&goes_on] { goes_on = true; });
        workflow const both = std::move(flow).build();
        here.add(both);
        known = here.id_of(both.key());
        bool lost = false;
        int told = 0;
        auto const loss = here.subscribe([&](task_lease_lost const&) { lost = true; context.stop(); }, {.delivery = delivery::in_place});
        auto const ends = here.subscribe([&](step_completed const&) { ++told; }, {.delivery = delivery::in_place});
        boost::asio::co_spawn(context, here.submit("ledger/two"), [](std::exception_ptr, task_handle) {});
        context.run_for(1min);
        CHECK(lost);
        CHECK(told == 0);
        CHECK_FALSE(goes_on);
        CHECK(place.number("select count(*) from ledger") == 0);
    });
}

TEST_CASE("a heartbeat that PostgreSQL gets to see late does not shorten the lease")
{
    if (!support::postgres_connection())
        return;
    sql_place const place = sql_place::on_postgres();
    auto store = place.open();
    testing::bench at{store};
    at.create_owned(at.alice);
    store.heartbeat({at.alice, at.now + 10s, at.lease});
    store.heartbeat({at.alice, at.now, at.lease});
    at.now += at.lease;
    CHECK(at.claim(at.bob).empty());
    at.now += 10s;
    CHECK(at.claim(at.bob).size() == 1);
}
