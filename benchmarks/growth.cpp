// Does a full database slow the work down? Fills a schema of PostgreSQL with finished tasks and measures there and in an
// empty one, by turns, what workers and operators do. Ten million finished tasks take some ten minutes and 13 GB.
// With TASKER_KEEP set, the two schemas stay afterwards.
#include <tasker/store/postgres_store.hpp>

#include "commit_load.hpp"
#include "connection.hpp"
#include "postgres_server.hpp"
#include "report.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

namespace {

using tasker::postgres_store;
using tasker::task_filter;
using tasker::task_id;
using tasker::task_state;
using milliseconds = std::chrono::duration<double, std::milli>;

constexpr char empty_schema[] = "tasker_growth_empty";
constexpr char full_schema[] = "tasker_growth_full";
constexpr std::size_t live_tasks = 20'000;
constexpr std::size_t calls = 1'000;
constexpr double slowest = 10; ///< milliseconds
constexpr double smallest_share = 0.9;

tasker::time_point now()
{
    return std::chrono::time_point_cast<tasker::duration>(std::chrono::system_clock::now());
}

/// Makes the filler's rows: finished tasks, a day's worth of ids apart from now; one in a hundred ended in error, each with a
/// step and three lines of history. Then live ones: due, asleep, and in the hands of a worker.
class filler {
public:
    filler(benchmark::connection& on, tasker::workflow_id workflow) : on_{on}, workflow_{std::to_string(workflow)} {}

    void fill(std::size_t finished)
    {
        on_.run(std::string{"set search_path = "} + full_schema + "; set synchronous_commit = off; set maintenance_work_mem = '256MB'");
        on_.run("create function made_id(bigint) returns uuid language sql immutable as $$ select cast("
                "lpad(to_hex((1700000000000 + $1)), 12, '0') || '7000' || substr(md5(cast($1 as text)), 1, 16) as uuid) $$");
        on_.run("alter table tasks drop constraint tasks_identity_key_key"); // sorted once, at the end
        for (std::size_t from = 0; from < finished; from += chunk) {
            auto const to = std::min(from + chunk, finished);
            add_finished(from, to);
            benchmark::tell("growth: " + std::to_string(to) + " finished tasks made");
        }
        add_live(finished);
        on_.run("alter table tasks add unique (identity_key)");
        benchmark::tell("growth: vacuum");
        for (char const* table : {"tasks", "steps", "transitions"})
            on_.run(std::string{"vacuum analyze "} + table);
        on_.run("checkpoint");
    }

private:
    static constexpr std::size_t chunk = 100'000;

    static std::string series(std::size_t from, std::size_t to)
    {
        return " from generate_series(" + std::to_string(from) + "::bigint, " + std::to_string(to - 1) + ") as n";
    }

    void add_tasks(std::string const& rows)
    {
        on_.run("insert into tasks (id, workflow_id, state, input, priority, identity_key, initiator, source_system, reason, "
                "created_at, started_at, finished_at, wake_at, status_reason, worker_id, epoch, recoveries) select made_id(n), " +
                workflow_ + ", " + rows);
    }

    void add_finished(std::size_t from, std::size_t to)
    {
        std::string const at = "(1700000000000 + n) * 1000";
        add_tasks("case n % 100 when 7 then 'error' else 'complete' end, '{\"sku\":\"A1\",\"quantity\":2,\"to\":\"1 Long Lane\"}', 0, "
                  "cast(made_id(n) as text), 'web', 'shop', '', " + at + ", " + at + " + 1000, " + at + " + 5000, null, '', null, 1, 0" +
                  series(from, to));
        on_.run("insert into steps (task_id, step_no, state, attempts, started_at, finished_at, result) select made_id(n), 0, "
                "case n % 100 when 7 then 'error' else 'complete' end, 1, " + at + " + 1000, " + at + " + 4000, "
                "'{\"accepted\":true,\"reference\":\"2f0c1b9e\"}'" + series(from, to));
        on_.run("insert into transitions (task_id, sequence, step_no, from_state, to_state, at, attempt, detail) "
                "select made_id(n), line, case line when 1 then null else 0 end, case line when 1 then '' when 2 then 'pending' "
                "else 'in_progress' end, case line when 1 then 'pending' when 2 then 'in_progress' else 'complete' end, " + at +
                ", 1, ''" + series(from, to) + " cross join generate_series(1, 3) as line");
    }

    /// Half are due now, a quarter sleeps for an hour, a quarter is somebody's. Newer than all that is finished.
    void add_live(std::size_t from)
    {
        std::string const at = std::to_string(now().time_since_epoch().count());
        on_.run("insert into workers (id, expires_at, host, process, process_started) values ('" + owner() + "', " + at +
                " + 86400000000, 'elsewhere', 1, 1)");
        add_tasks("case n % 4 when 0 then 'in_progress' else 'pending' end, '{}', n % 3, 'live ' || n, '', '', '', " + at +
                  ", null, null, case n % 4 when 1 then " + at + " + 3600000000 end, '', case n % 4 when 0 then cast('" + owner() +
                  "' as uuid) end, 1, 0" + series(from + 1'000'000'000, from + 1'000'000'000 + live_tasks));
    }

    static std::string owner() { return "00000000-0000-7000-8000-00000000000e"; }

    benchmark::connection& on_;
    std::string workflow_;
};

struct timing {
    std::string what;
    benchmark::samples taken; ///< milliseconds
};

timing measure(std::string what, std::function<void(std::size_t)> const& call)
{
    benchmark::tell("growth: " + what);
    timing one{std::move(what), {}};
    for (std::size_t done = 0; done < calls; ++done) {
        auto const began = std::chrono::steady_clock::now();
        call(done);
        one.taken.push_back(milliseconds{std::chrono::steady_clock::now() - began}.count());
    }
    return one;
}

void require(bool holds, char const* what)
{
    if (!holds)
        throw std::runtime_error{std::string{"the database is not as this program filled it: "} + what};
}

/// What workers and operators ask of a store, a thousand times each. `some` are ids of finished tasks.
std::vector<timing> measure_calls(postgres_store& store, tasker::workflow_id workflow, std::vector<task_id> const& some)
{
    std::vector const workflows{workflow};
    tasker::worker_id const worker{0x0193'0000'0000'7000U, 0x8000'0000'0000'0001U};
    store.heartbeat({worker, now(), std::chrono::hours{1}});
    auto const page_of = [&](task_filter const& filter) { return store.find(filter, {}).size() == tasker::page{}.limit; };
    task_filter pending, failed, failed_here;
    pending.state = task_state::pending;
    failed.state = task_state::error;
    failed_here = failed;
    failed_here.name = "chain";
    std::vector<timing> figures;
    figures.push_back(measure("claim ten tasks", [&](std::size_t) {
        require(store.claim({worker, now(), 10, workflows}).size() == 10, "ten tasks are due");
    }));
    figures.push_back(measure("ask what is due next", [&](std::size_t) { store.next_due(worker, now(), workflows); }));
    figures.push_back(measure("load a task (why)", [&](std::size_t at) {
        require(store.load(some[at])->steps.size() == 1, "a finished task has a step");
    }));
    figures.push_back(measure("read its history", [&](std::size_t at) {
        require(store.history(some[at]).size() == 3, "a finished task has three lines of history");
    }));
    figures.push_back(measure("find by identity key", [&](std::size_t at) {
        std::string const key = to_text(some[at]);
        task_filter by_key;
        by_key.identity_key = key;
        require(store.find(by_key, {}).size() == 1, "a finished task has the identity key of its id");
    }));
    figures.push_back(measure("list live tasks", [&](std::size_t) { require(page_of(pending), "a hundred tasks are pending"); }));
    figures.push_back(measure("list tasks in error", [&](std::size_t) { require(page_of(failed), "a hundred tasks failed"); }));
    figures.push_back(measure("... of one workflow", [&](std::size_t) { require(page_of(failed_here), "a hundred failed here"); }));
    figures.push_back(measure("purge ten tasks", [&](std::size_t) {
        require(store.purge(now(), 10) == 10, "ten tasks can be purged");
    }));
    return figures;
}

/// Steps a second; the schemas take turns, so that whatever else this machine does meets both.
struct throughput {
    benchmark::samples empty;
    benchmark::samples full;
};

throughput compare(benchmark::commit_load<postgres_store>& empty, benchmark::commit_load<postgres_store>& full, int rounds)
{
    double const steps = 100 * benchmark::commit_load<postgres_store>::steps_a_task;
    throughput found;
    for (int round = -10; round < rounds; ++round) { // the first ten warm up
        double const a = round % 2 == 0 ? empty.round() : 0;
        double const b = full.round();
        double const time = round % 2 == 0 ? a : empty.round();
        if (round >= 0) {
            found.empty.push_back(steps / time);
            found.full.push_back(steps / b);
        }
    }
    return found;
}

std::vector<task_id> some_finished(benchmark::connection& on, std::size_t finished)
{
    std::mt19937_64 random{1};
    std::vector<task_id> ids;
    for (std::size_t made = 0; made < calls; ++made) {
        auto const n = finished / 2 + random() % (finished - finished / 2); // those that no purge above deletes
        ids.push_back(*tasker::parse_id<task_id>(on.value("select made_id(" + std::to_string(n) + ")")));
    }
    return ids;
}

void report_to(benchmark::report& to, std::vector<timing> const& calls_there, throughput const& commits)
{
    using benchmark::bound;
    to.section("Calls, 99 of 100");
    for (timing const& one : calls_there)
        to.add({one.what, "ms", benchmark::quantile(one.taken, 0.99), {}, bound::figure_at_most, slowest});
    to.section("Calls, median");
    for (timing const& one : calls_there)
        to.add(benchmark::alone(one.what, "ms", one.taken));
    to.section("Commits; baseline: in an empty schema");
    to.add(benchmark::compared("steps", "steps/s", commits.full, commits.empty, bound::ratio_at_least, smallest_share));
}

void run(std::string const& address, std::size_t finished, int rounds, benchmark::report& to)
{
    benchmark::connection on{address};
    for (char const* schema : {empty_schema, full_schema})
        on.run(std::string{"drop schema if exists "} + schema + " cascade");
    postgres_store empty{address, {.schema = empty_schema}};
    postgres_store full{address, {.schema = full_schema}};
    benchmark::commit_load<postgres_store> commits_to_empty{empty};
    benchmark::commit_load<postgres_store> commits_to_full{full};
    filler{on, commits_to_full.workflow()}.fill(finished);
    auto const commits = compare(commits_to_empty, commits_to_full, rounds);
    report_to(to, measure_calls(full, commits_to_full.workflow(), some_finished(on, finished)), commits);
    if (std::getenv("TASKER_KEEP") == nullptr)
        for (char const* schema : {empty_schema, full_schema})
            on.run(std::string{"drop schema "} + schema + " cascade");
}

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "growth [--finished 100000 ]"};
    int const finished = given.number("--finished", 100'000, 40'000);
    if (finished < 40'000) {
        std::cerr << "At least 40,000 finished tasks are needed, since some of them are purged.\n";
        return 2;
    }
    benchmark::postgres_server const server{std::filesystem::temp_directory_path()};
    benchmark::report result{"A database with " + std::to_string(finished) + " finished tasks."};
    run(server.connection(), static_cast<std::size_t>(finished), given.quick() ? 5 : 150, result);
    given.finish(result);
}
