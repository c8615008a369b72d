#include <tasker/store/sqlite_store.hpp>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <set>

#include <sys/resource.h>
#include <sys/stat.h>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr time_point now{std::chrono::seconds{1'790'000'000}};
constexpr sqlite_options quick{.synchronous = sqlite_synchronous::off};
constexpr worker_id alice{1, 1};
constexpr worker_id bob{1, 2};

workflow_id register_in(sqlite_store& store)
{
    return store.register_workflow({"shop", "fulfil", "1.0.0"}, graph{{{"charge", {}}, {"ship", {}}}, {{0, 1}}});
}

/// A migrated store on `file`.
sqlite_store open(std::filesystem::path const& file, sqlite_options const& options = quick)
{
    sqlite_store store{file, options};
    store.migrate();
    return store;
}

task_record draft(workflow_id workflow, std::uint64_t number, worker_id owner = {})
{
    task_record task;
    task.id = {0x0193'0000'0000'7000U, number};
    task.workflow = workflow;
    task.identity_key = std::to_string(number);
    task.created_at = now;
    task.worker = owner;
    task.epoch = owner ? 1 : 0;
    return task;
}

commit_batch creation_of(worker_id worker, std::vector<task_record> tasks)
{
    commit_batch batch;
    batch.worker = worker;
    batch.created = std::move(tasks);
    return batch;
}

/// Makes the task's row, its first step and the length of its history all say `number`.
void write_everywhere(commit_batch& batch, task_record const& task, int number)
{
    task_write write;
    write.id = task.id;
    write.epoch = task.epoch;
    write.recoveries = number;
    batch.tasks.push_back(write);
    step_record step;
    step.attempts = number;
    batch.steps.push_back({task.id, task.epoch, 0, step});
    transition_record line;
    line.task = task.id;
    line.to = "pending";
    batch.transitions.push_back(line);
    batch.transition_epochs.push_back(task.epoch);
}

/// What `work` throws must be an error of the library that says each of `parts`.
template <class Work>
void check_error(errc code, std::vector<std::string> const& parts, Work work)
{
    try {
        work();
    } catch (error const& problem) {
        INFO(problem.what());
        CHECK(problem.code() == code);
        for (auto const& part : parts)
            CHECK(std::string{problem.what()}.find(part) != std::string::npos);
        return;
    }
    FAIL("nothing was thrown");
}

/// Runs `statement` past the library.
void tamper(std::filesystem::path const& file, std::string const& statement)
{
    soci::session session{soci::sqlite3, "db=\"" + file.string() + '"'};
    sql::execute(session, statement);
}

} // namespace

TEST_CASE("a missing file is created and brought to the newest schema, and migrating again changes nothing")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "name with spaces & = signs.db";
    workflow_id workflow = 0;
    {
        auto store = open(file);
        workflow = register_in(store);
        store.commit(creation_of(alice, {draft(workflow, 1)}));
        store.migrate();
    }
    CHECK(std::filesystem::exists(file));
    auto again = open(file);
    CHECK(register_in(again) == workflow);
    CHECK(again.load(draft(workflow, 1).id)->task == draft(workflow, 1));
}

TEST_CASE("a file of an earlier schema is brought to the newest, and keeps what is in it")
{
    support::scratch_directory const directory;
    for (std::size_t const version : {std::size_t{1}, std::size_t{2}}) {
        auto const file = directory.path() / (std::to_string(version) + ".db");
        sql::sqlite_dialect const dialect{file, {}};
        tamper(file, sql::statements{}.create_version_table.sql);
        for (sql::migration const& step : sql::migrations(dialect))
            if (step.version <= static_cast<int>(version))
                for (std::string const& text : step.sql)
                    tamper(file, text);
        tamper(file, "insert into schema_version (version) values (" + std::to_string(version) + ")");
        task_record const old = draft(1, 1);
        tamper(file, "insert into tasks (id, workflow_id, state, input, priority, identity_key, initiator, source_system, reason, created_at, "
                     "status_reason, epoch, recoveries) values ('" + to_text(old.id) + "', 1, 'pending', 'null', 0, '" + old.identity_key +
                         "', '', '', '', " + std::to_string(old.created_at.time_since_epoch().count()) + ", '', 0, 0)");
        tamper(file, "insert into steps (task_id, step_no, state, attempts, result) values ('" + to_text(old.id) + "', 0, 'complete', 1, '17')");

        auto store = open(file);
        auto const found = store.load(old.id);
        REQUIRE(found);
        CHECK(found->task == old);
        REQUIRE(found->steps.size() == 1);
        CHECK(found->steps.front().second.result == payload{"17"});
        CHECK(found->steps.front().second.name.empty());
        CHECK(store.send({old.id, 0, "news", {}, {}}) == send_answer::stored);
        CHECK(store.load(old.id)->messages.size() == 1);
    }
}

TEST_CASE("a file with a newer schema is refused, and nothing in it is touched")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    open(file);
    tamper(file, "insert into schema_version (version) values (1000)");
    check_error(errc::schema_mismatch, {"orders.db", "schema version 1000", "newer version of the library"}, [&] { open(file); });
    tamper(file, "delete from schema_version where version = 1000");
    REQUIRE_NOTHROW(open(file));
}

TEST_CASE("a file that lost a table, or has a version that there never was, is refused before anything runs on it")
{
    support::scratch_directory const directory;
    for (std::string const table : {"tasks", "transitions", "workers", "messages"}) {
        auto const file = directory.path() / (table + ".db");
        open(file);
        tamper(file, "drop table " + table);
        check_error(errc::schema_mismatch, {file.filename().string(), '"' + table + '"', "restore it from a backup"}, [&] { open(file); });
    }
    auto const file = directory.path() / "orders.db";
    open(file);
    tamper(file, "delete from schema_version");
    tamper(file, "insert into schema_version (version) values (-5)");
    check_error(errc::schema_mismatch, {"orders.db", "schema version -5", "restore it from a backup"}, [&] { open(file); });
}

TEST_CASE("another program's database is refused")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "notes.db";
    tamper(file, "create table tasks (title text)");
    check_error(errc::schema_mismatch, {"notes.db", "another program"}, [&] { open(file); });
}

TEST_CASE("a file that is not a database is refused by name")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "letter.txt";
    std::ofstream{file} << std::string(5000, 'x');
    check_error(errc::store_unavailable, {"letter.txt", "not an SQLite database"}, [&] { open(file); });
}

TEST_CASE("a file that cannot be created is refused by name")
{
    support::scratch_directory const directory;
    check_error(errc::store_unavailable, {"missing/orders.db", "directory exists"},
                [&] { open(directory.path() / "missing/orders.db"); });
    check_error(errc::store_unavailable, {"cannot be opened"}, [&] { open(directory.path()); });
}

TEST_CASE("a file that may only be read is refused by name")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    open(file);
    ::chmod(file.c_str(), 0444);
    ::chmod(directory.path().c_str(), 0755);
    support::child_process child{[&](support::child_process&) {
        if (::geteuid() == 0 && ::setuid(65534) != 0) // permissions bind everybody but root
            return 3;
        try {
            auto store = open(file);
            register_in(store);
        } catch (error const& problem) {
            std::string const what = problem.what();
            return problem.code() == errc::store_unavailable && what.find("orders.db") != what.npos ? 0 : 1;
        }
        return 2;
    }};
    CHECK(child.wait() == 0);
}

TEST_CASE("a file locked by another program is told after the busy timeout, and works once it is free [B15]")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    auto store = open(file, {.synchronous = sqlite_synchronous::off, .busy_timeout = 5ms});
    auto const workflow = register_in(store);
    soci::session other{soci::sqlite3, "db=\"" + file.string() + '"'};
    sql::execute(other, "begin immediate");
    auto const batch = creation_of(alice, {draft(workflow, 1)});
    check_error(errc::store_unavailable, {"orders.db", "locked by another process for 5ms"}, [&] { store.commit(batch); });
    CHECK_FALSE(store.load(draft(workflow, 1).id));
    sql::execute(other, "rollback");
    CHECK(store.commit(batch).duplicates.empty());
    CHECK(store.load(draft(workflow, 1).id).has_value());
}

TEST_CASE("a batch that the database refuses is stored not at all, and the store goes on [B15]")
{
    support::scratch_directory const directory;
    auto store = open(directory.path() / "orders.db");
    auto const workflow = register_in(store);
    auto batch = creation_of(alice, {draft(workflow, 1, alice)});
    batch.steps = {{batch.created[0].id, 1, 0, {}}};
    transition_record line;
    line.task = batch.created[0].id;
    line.to = "exploded";
    batch.transitions = {line};
    batch.transition_epochs = {1};
    check_error(errc::store_unavailable, {"orders.db"}, [&] { store.commit(batch); });
    CHECK_FALSE(store.load(line.task));
    batch.transitions[0].to = "pending";
    CHECK(store.commit(batch).duplicates.empty());
    CHECK(store.load(line.task)->steps.size() == 1);
    CHECK(store.history(line.task).size() == 1);
}

TEST_CASE("a full disk refuses a batch whole and harms nothing stored before [B15]")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    workflow_id workflow = 0;
    {
        auto store = open(file, {.synchronous = sqlite_synchronous::off, .size_limit = 400'000});
        workflow = register_in(store);
        store.commit(creation_of(alice, {draft(workflow, 1)}));
        auto batch = creation_of(alice, {draft(workflow, 2), draft(workflow, 3)});
        batch.created[1].input = payload{'"' + std::string(1'000'000, 'x') + '"'};
        check_error(errc::store_unavailable, {"orders.db", "cannot grow", "size_limit"}, [&] { store.commit(batch); });
        CHECK(store.load(draft(workflow, 1).id).has_value());
        CHECK_FALSE(store.load(draft(workflow, 2).id));
        store.commit(creation_of(alice, {draft(workflow, 4)}));
    }
    auto store = open(file);
    CHECK(store.find({}, {}).size() == 2);
}

TEST_CASE("a write that fails amid a commit is undone, and the same batch succeeds later [B15]")
{
    support::scratch_directory const directory;
    support::child_process child{[&](support::child_process&) {
        auto store = open(directory.path() / "orders.db");
        auto const workflow = register_in(store);
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit const small{200'000, RLIM_INFINITY};
        rlimit const none{RLIM_INFINITY, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_FSIZE, &small) != 0)
            return 3;
        auto batch = creation_of(alice, {draft(workflow, 1), draft(workflow, 2)});
        batch.created[1].input = payload{'"' + std::string(1'000'000, 'x') + '"'};
        bool refused = false;
        try {
            store.commit(batch);
        } catch (error const& problem) {
            refused = problem.code() == errc::store_unavailable;
        }
        bool const clean = !store.load(batch.created[0].id);
        ::setrlimit(RLIMIT_FSIZE, &none);
        bool const taken = store.commit(batch).duplicates.empty() && store.load(batch.created[1].id).has_value();
        return refused && clean && taken ? 0 : 1;
    }};
    CHECK(child.wait() == 0);
}

TEST_CASE("processes that start at once on a new file all find it migrated")
{
    support::scratch_directory const directory;
    for (int round = 0; round < 5; ++round) {
        auto const file = directory.path() / (std::to_string(round) + ".db");
        auto const start = [&](support::child_process& parent) {
            parent.hear();
            auto store = open(file);
            return register_in(store) == 1 ? 0 : 1;
        };
        support::child_process first{start};
        support::child_process second{start};
        support::child_process third{start};
        for (auto* child : {&first, &second, &third})
            child->tell(1);
        for (auto* child : {&first, &second, &third})
            CHECK(child->wait() == 0);
    }
}

TEST_CASE("two processes share a file: every task is claimed, none twice [F25]")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    open(file);
    auto const work = [&](std::uint64_t half, worker_id self) {
        return [&file, half, self](support::child_process& parent) {
            auto store = open(file);
            auto const workflow = register_in(store);
            store.heartbeat({self, now, 1h});
            parent.hear();
            auto const claim = [&] {
                auto const claimed = store.claim({self, now, 7, std::vector{workflow}, {}});
                for (auto const& task : claimed)
                    parent.tell(task.snapshot.task.id.low);
                return !claimed.empty();
            };
            for (std::uint64_t number = 0; number < 250; ++number) {
                store.commit(creation_of(self, {draft(workflow, half * 1000 + number)}));
                if (number % 10 == 0)
                    claim();
            }
            while (claim()) {
            }
            parent.tell(0);
            parent.hear(); // stays alive, or its tasks would be given out again
            return 0;
        };
    };
    support::child_process first{work(1, alice)};
    support::child_process second{work(2, bob)};
    first.tell(1);
    second.tell(1);
    std::multiset<std::uint64_t> claimed;
    for (auto* child : {&first, &second})
        for (auto number = child->hear(); number && *number != 0; number = child->hear())
            claimed.insert(*number);
    auto store = open(file);
    store.heartbeat({{1, 3}, now, 1h});
    for (auto const& task : store.claim({{1, 3}, now, 1000, std::vector{register_in(store)}, {}}))
        claimed.insert(task.snapshot.task.id.low); // created after the other process looked for the last time
    CHECK(claimed.size() == 500);
    CHECK(std::set<std::uint64_t>{claimed.begin(), claimed.end()}.size() == 500);
    for (auto* child : {&first, &second}) {
        child->tell(1);
        CHECK(child->wait() == 0);
    }
}

TEST_CASE("of two processes that ask something of a task at once, one is told that the other was first")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    constexpr std::uint64_t tasks = 200;
    {
        auto store = open(file);
        auto const workflow = register_in(store);
        auto batch = creation_of(alice, {});
        for (std::uint64_t number = 1; number <= tasks; ++number)
            batch.created.push_back(draft(workflow, number));
        store.commit(batch);
    }
    auto const ask = [&](std::string const& who) {
        return [&file, who](support::child_process& parent) {
            auto store = open(file);
            parent.hear();
            for (std::uint64_t number = 1; number <= tasks; ++number) {
                auto const answer = store.request(draft(1, number).id, {command_kind::cancel, "", {}, who});
                parent.tell(static_cast<std::uint64_t>(answer));
            }
            return 0;
        };
    };
    support::child_process first{ask("first")};
    support::child_process second{ask("second")};
    first.tell(1);
    second.tell(1);
    auto store = open(file);
    for (std::uint64_t number = 1; number <= tasks; ++number) {
        auto const one = static_cast<request_answer>(first.hear().value());
        auto const other = static_cast<request_answer>(second.hear().value());
        bool const first_won = one == request_answer::stored;
        INFO(number);
        CHECK((first_won ? other : one) == request_answer::pending);
        CHECK((first_won ? one : other) == request_answer::stored);
        CHECK(store.load(draft(1, number).id)->task.request.value().reason == (first_won ? "first" : "second"));
    }
    CHECK(first.wait() == 0);
    CHECK(second.wait() == 0);
}

TEST_CASE("a heartbeat tells the time of the database's machine, whatever time the engine goes by")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    auto store = open(file);
    soci::session session{soci::sqlite3, "db=\"" + file.string() + '"'};
    sql::query clock{session, {"select cast(round((julianday('now') - 2440587.5) * 86400000) as integer) * 1000", "", "i"}};
    auto const read_clock = [&] {
        clock.run_once();
        return clock.time();
    };
    for (duration const lease : {duration{1min}, duration::zero()}) {
        time_point const before = read_clock();
        auto const told = store.heartbeat({alice, now, lease}).store_now;
        time_point const after = read_clock();
        REQUIRE(told);
        CHECK(before <= *told);
        CHECK(*told <= after);
    }
}

TEST_CASE("a lease runs by the engines' clock, not by that of the database")
{
    support::scratch_directory const directory;
    auto store = open(directory.path() / "orders.db");
    auto const workflow = register_in(store);
    time_point const long_ago{1h};
    store.heartbeat({alice, long_ago, 1min});
    store.commit(creation_of(alice, {draft(workflow, 1, alice)}));
    CHECK(store.claim({bob, long_ago + 1min - 1us, 9, std::vector{workflow}, {}}).empty());
    CHECK(store.claim({bob, long_ago + 1min, 9, std::vector{workflow}, {}}).size() == 1);
}

TEST_CASE("a worker killed with -9 is dead at once, however long its lease [F24]")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    auto store = open(file);
    auto const workflow = register_in(store);
    support::child_process child{[&](support::child_process& parent) {
        auto own = open(file);
        own.heartbeat({alice, now, 24h});
        own.commit(creation_of(alice, {draft(workflow, 1, alice)}));
        parent.tell(1);
        parent.hear();
        return 0;
    }};
    REQUIRE(child.hear());
    store.heartbeat({bob, now, 1h});
    std::vector const workflows{workflow};
    CHECK(store.claim({bob, now, 9, workflows, {}}).empty());
    CHECK(store.next_due(bob, now, workflows) == now + 24h);
    child.kill();
    CHECK(store.next_due(bob, now, workflows) == now);
    auto const claimed = store.claim({bob, now, 9, workflows, {}});
    REQUIRE(claimed.size() == 1);
    CHECK(claimed[0].recovered);
    CHECK(claimed[0].snapshot.task.recoveries == 1);
}

TEST_CASE("two stores of one process wait for each other's leases")
{
    support::scratch_directory const directory;
    auto first = open(directory.path() / "orders.db");
    auto second = open(directory.path() / "orders.db");
    auto const workflow = register_in(first);
    first.heartbeat({alice, now, 1min});
    first.commit(creation_of(alice, {draft(workflow, 1, alice)}));
    CHECK(second.claim({bob, now + 1min - 1us, 9, std::vector{workflow}, {}}).empty());
    CHECK(second.claim({bob, now + 1min, 9, std::vector{workflow}, {}}).size() == 1);
}

TEST_CASE("kill -9 at any moment leaves every commit whole or absent, and loses none that was acknowledged")
{
    support::scratch_directory const directory;
    for (std::uint64_t round = 0; round < 12; ++round) {
        auto const file = directory.path() / (std::to_string(round) + ".db");
        support::child_process child{[&](support::child_process& parent) {
            auto store = open(file, {});
            auto const workflow = register_in(store);
            commit_batch batch = creation_of(alice, {});
            for (std::uint64_t number = 1; number <= 40; ++number)
                batch.created.push_back(draft(workflow, number, alice));
            auto const tasks = batch.created;
            for (int commit = 1;; ++commit) {
                for (auto const& task : tasks)
                    write_everywhere(batch, task, commit);
                store.commit(batch);
                batch.clear();
                parent.tell(static_cast<std::uint64_t>(commit));
            }
            return 0;
        }};
        std::uint64_t acknowledged = 0;
        while (acknowledged < 1 + round * 5)
            acknowledged = child.hear().value();
        child.kill();
        while (auto const more = child.hear())
            acknowledged = *more;

        auto store = open(file);
        auto const tasks = store.find({}, {});
        REQUIRE(tasks.size() == 40);
        auto const stored = static_cast<std::uint64_t>(tasks[0].recoveries);
        CHECK((stored == acknowledged || stored == acknowledged + 1));
        for (auto const& task : tasks) {
            CHECK(static_cast<std::uint64_t>(task.recoveries) == stored);
            CHECK(static_cast<std::uint64_t>(store.load(task.id)->steps.at(0).second.attempts) == stored);
            CHECK(store.history(task.id).size() == stored);
        }
    }
}

TEST_CASE("times are the same in every time zone")
{
    support::scratch_directory const directory;
    auto const file = directory.path() / "orders.db";
    char const* const before = std::getenv("TZ");
    std::string const saved = before != nullptr ? before : "";
    auto task = draft(1, 1);
    task.wake_at = now + 123457us;
    for (char const* const zone : {"Asia/Kathmandu", "America/New_York", "UTC"}) {
        ::setenv("TZ", zone, 1);
        ::tzset();
        auto store = open(file);
        task.workflow = register_in(store);
        store.commit(creation_of(alice, {task}));
        CHECK(store.load(task.id)->task == task);
        CHECK(store.claim({bob, *task.wake_at - 1us, 9, std::vector{task.workflow}, {}}).empty());
        CHECK(store.next_due(bob, now, std::vector{task.workflow}) == task.wake_at);
    }
    saved.empty() ? ::unsetenv("TZ") : ::setenv("TZ", saved.c_str(), 1);
    ::tzset();
}

TEST_CASE("a store can be moved, and goes on where it was")
{
    support::scratch_directory const directory;
    auto store = open(directory.path() / "orders.db");
    auto const workflow = register_in(store);
    store.commit(creation_of(alice, {draft(workflow, 1)}));
    auto moved = std::move(store);
    moved.commit(creation_of(alice, {draft(workflow, 2)}));
    CHECK(moved.find({}, {}).size() == 2);
    CHECK(moved.blocks());
}
