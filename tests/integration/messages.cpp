#include <tasker/store/any_store.hpp>
#include <tasker/testing/conformance/bench.hpp>

#include "support/catch.hpp"
#include "support/sql_place.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_database;
using support::sql_place;
using testing::bench;
using kind = announcement::kind;

namespace {

constexpr announcement last{kind::tasks_over, {}, {9, 9}};

/// Hears what is announced in a database; nothing where processes do not hear each other.
class listener {
public:
    listener(any_store& store, sql_place const& place) : place_{place}, source_{store.listen()} {}

    /// What has been announced since the last call.
    std::vector<announcement> heard()
    {
        std::vector<announcement> all;
        if (!source_)
            return all;
        place_.execute("select pg_notify('tasker_" + place_.schema() + "', '" + to_text(last) + "')");
        for (;;) {
            pollfd one{source_->descriptor(), POLLIN, 0};
            REQUIRE(::poll(&one, 1, 30'000) == 1);
            for (announcement const& said : source_->read()) {
                if (said == last)
                    return all;
                all.push_back(said);
            }
        }
    }

    /// Of these alone, those that can be heard here.
    std::vector<announcement> only(std::vector<announcement> said) const { return source_ ? std::move(said) : std::vector<announcement>{}; }

private:
    sql_place const& place_;
    std::unique_ptr<announcement_source> source_;
};

message note_to(task_record const& task, std::string key = {})
{
    return {task.id, 0, "news", payload{"1"}, std::move(key)};
}

/// A task of alice's that has started, and that she then leaves in the store for an hour.
task_record parked(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    commit_batch batch = at.batch_of(at.alice);
    batch.tasks = {bench::write_of(task)};
    batch.tasks.front().started_at = at.now;
    batch.tasks.front().wake_at = at.now + 1h;
    batch.tasks.front().release = true;
    at.store.commit(batch);
    return task;
}

announcement const due_at_once{kind::work_due, {}, {}};

announcement asked(worker_id owner)
{
    return {kind::command_left, {}, owner};
}

} // namespace

TEST_CASE("a message from another process wakes a parked task, and whoever can run it hears of it")
{
    on_each_database([](sql_place const& place) {
        any_store here = place.open();
        any_store elsewhere = place.open();
        bench at{here};
        task_record const task = parked(at);
        listener ear{here, place};
        CHECK(here.next_due(at.bob, at.now, at.workflows) == at.now + 1h);
        CHECK(elsewhere.send(note_to(task, "once")) == send_answer::stored);
        CHECK(elsewhere.send(note_to(task, "once")) == send_answer::known);
        CHECK(ear.heard() == ear.only({due_at_once}));
        CHECK(here.next_due(at.bob, at.now, at.workflows) == at.now);
        auto const claimed = at.claim(at.bob);
        REQUIRE(claimed.size() == 1);
        CHECK(claimed.front().snapshot.messages.size() == 1);
    });
}

TEST_CASE("a message from another process comes with the task that nobody has claimed yet, and wakes nobody")
{
    on_each_database([](sql_place const& place) {
        any_store here = place.open();
        any_store elsewhere = place.open();
        bench at{here};
        task_record task = at.draft();
        task.wake_at = at.now + 1h;
        at.create(task);
        listener ear{here, place};
        CHECK(elsewhere.send(note_to(task)) == send_answer::stored);
        CHECK(ear.heard().empty());
        CHECK(here.next_due(at.bob, at.now, at.workflows) == at.now + 1h);
        auto const claimed = at.claim_named(at.bob, task.id);
        REQUIRE(claimed.size() == 1);
        CHECK(claimed.front().snapshot.messages.size() == 1);
    });
}

TEST_CASE("a message from another process reaches the owner of its task by the next heartbeat, and the owner hears that it should beat")
{
    on_each_database([](sql_place const& place) {
        any_store here = place.open();
        any_store elsewhere = place.open();
        bench at{here};
        task_record const task = at.create_owned(at.alice);
        listener ear{here, place};
        CHECK(elsewhere.send(note_to(task)) == send_answer::stored);
        CHECK(ear.heard() == ear.only({asked(at.alice)}));
        auto const beat = here.heartbeat({at.alice, at.now, at.lease});
        CHECK(beat.mail == std::vector{std::pair{task.id, std::int64_t{1}}});
        CHECK(here.mail(task.id, 0).size() == 1);
        CHECK(here.heartbeat({at.bob, at.now, at.lease}).mail.empty());
    });
}

TEST_CASE("what a batch sends is heard once it is committed, once a listener")
{
    on_each_database([](sql_place const& place) {
        any_store here = place.open();
        bench at{here};
        task_record const sender = at.create_owned(at.alice);
        std::vector<task_record> const waiting{parked(at), parked(at)};
        std::vector<task_record> const foreign{at.create_owned(at.bob), at.create_owned(at.bob)};
        listener ear{here, place};
        commit_batch batch = at.batch_of(at.alice);
        batch.number = 1;
        for (task_record const& task : waiting)
            batch.sent.push_back({sender.id, sender.epoch, note_to(task)});
        for (task_record const& task : foreign)
            batch.sent.push_back({sender.id, sender.epoch, note_to(task)});
        here.commit(batch);
        CHECK(ear.heard() == ear.only({due_at_once, asked(at.bob)}));
        CHECK(here.commit(batch).was_committed);
        CHECK(ear.heard().empty());
        CHECK(at.claim(at.bob).size() == 2);
        CHECK(here.heartbeat({at.bob, at.now, at.lease}).mail.size() == 4);
        batch.number = 2;
        for (message_write& write : batch.sent)
            write.epoch = 17;
        CHECK(here.commit(batch).lease_lost.size() == 1);
        CHECK(ear.heard().empty());
    });
}

TEST_CASE("a task that is written off with a message that its owner had not seen is told to be due at once")
{
    on_each_database([](sql_place const& place) {
        any_store here = place.open();
        bench at{here};
        task_record const task = at.create_owned(at.alice);
        here.send(note_to(task));
        listener ear{here, place};
        commit_batch batch = at.batch_of(at.alice);
        batch.tasks = {bench::write_of(task)};
        batch.tasks.front().wake_at = at.now + 1h;
        batch.tasks.front().release = true;
        here.commit(batch);
        auto const told = ear.heard();
        CHECK(std::count(told.begin(), told.end(), due_at_once) == (place.is_postgres() ? 1 : 0));
        CHECK(here.load(task.id)->task.wake_at == std::nullopt);
    });
}
