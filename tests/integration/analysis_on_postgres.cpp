#include <tasker/store/postgres_store.hpp>

#include "support/analysed_store.hpp"
#include "support/postgres.hpp"
#include "support/step_records.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace tasker;
using namespace std::chrono_literals;
using steps::failed;
using steps::in_state;
using steps::noon;

namespace {

using analysed_postgres = support::analysed_in<postgres_store, support::scratch_schema>;

std::unique_ptr<support::analysed_store> open_in(std::unique_ptr<support::scratch_schema> schema,
                                                 duration partition_span = duration::zero())
{
    std::string const connection = schema->connection();
    postgres_options const options{
        .schema = schema->name(), .listen_connection = "none", .partition_span = partition_span};
    return std::make_unique<analysed_postgres>(std::move(schema), connection, options);
}

support::analysed_registration const postgres{{"PostgreSQL", []() -> std::unique_ptr<support::analysed_store> {
                                                   if (!support::postgres_connection())
                                                       return nullptr;
                                                   return open_in(std::make_unique<support::scratch_schema>());
                                               }}};

/// Within its scope, every new connection of this process is in this time zone.
class time_zone {
public:
    explicit time_zone(char const* name)
    {
        if (char const* const before = std::getenv("PGTZ"))
            before_ = before;
        ::setenv("PGTZ", name, 1);
    }
    time_zone(time_zone const&) = delete;
    time_zone& operator=(time_zone const&) = delete;
    ~time_zone() { before_ ? ::setenv("PGTZ", before_->c_str(), 1) : ::unsetenv("PGTZ"); }

private:
    std::optional<std::string> before_;
};

/// A schema with tasks in it, and a session that found it by no search path, as a person with psql might.
struct terminal {
    explicit terminal(duration partition_span = duration::zero())
    {
        auto schema = std::make_unique<support::scratch_schema>();
        name = schema->name();
        session.emplace(schema->connection());
        on.emplace(open_in(std::move(schema), partition_span));
    }

    /// The first column of the first row; `$s` stands for the schema.
    std::string ask(std::string sql)
    {
        for (auto at = sql.find("$s"); at != std::string::npos; at = sql.find("$s"))
            sql.replace(at, 2, name);
        return session->value(sql).value_or("null");
    }

    std::string name;
    std::optional<support::pg_session> session;
    std::optional<support::analysed_bench> on;
};

std::string list_of(task_id task) { return "'{" + to_text(task) + "}'"; }

constexpr std::array zones{"UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Europe/Berlin"};

} // namespace

TEST_CASE("waits end at the same instant whatever the session's time zone [D10][D11][D12][D13][D28]", "[D28]")
{
    if (!support::postgres_connection())
        return;
    // Berlin's clocks were set back an hour at 2030-10-27T01:00Z: a wait across it is as long as any
    time_point const night{std::chrono::sys_days{std::chrono::year{2030} / 10 / 27} + 30min};
    for (char const* const zone : zones) {
        CAPTURE(zone);
        time_zone const within{zone};
        support::analysed_bench on{open_in(std::make_unique<support::scratch_schema>())};
        auto const flow = on.add(steps::single({.retry = {.max_attempts = 10}}));
        for (duration const wait : {1s, 2s, 4s, 8s, 30s, 3'600s}) {
            step_record record = failed(2, 1s);
            record.finished_at = night;
            record.next_retry_at = night + wait;
            auto const task = on.put(flow, {record});
            auto const row = on.readiness(task, night + wait - 1us).at(0);
            CHECK(row.reason == "backoff_not_elapsed");
            CHECK(row.last_failure_at == night);
            CHECK(row.next_retry_at == night + wait);
            CHECK(on.readiness(task, night + wait).at(0).ready);
        }
        task_record done;
        done.state = task_state::complete;
        done.created_at = night;
        done.started_at = night;
        done.finished_at = night + 1h;
        on.put(flow, {}, done);
        CHECK(on->analytics_metrics(night + 1h, night + 2h).average_task_duration == duration{1h});
        CHECK(on->analytics_metrics(night + 1h + 1us, night + 2h).tasks_completed == 0);
        CHECK(on->slowest_tasks(night, 1).at(0).finished_at == night + 1h);
    }
}

TEST_CASE("the functions answer in psql without a search path, in its time zone, with defaults [D12][D28][D30]", "[D28]")
{
    if (!support::postgres_connection())
        return;
    terminal psql;
    auto const flow = psql.on->add(steps::join());
    auto const task = psql.on->put(flow, {failed(1, 1s), in_state(step_state::complete), {}});
    std::string const rows = " from $s.step_readiness(" + list_of(task);
    for (char const* const zone : zones) {
        CAPTURE(zone);
        psql.session->exec("set time zone '" + std::string{zone} + "'");
        CHECK(psql.ask("select reason" + rows + ", '2030-06-15 12:00:00.999999+00') where name = 'left'") == "backoff_not_elapsed");
        CHECK(psql.ask("select ready" + rows + ", '2030-06-15 12:00:01+00') where name = 'left'") == "t");
        CHECK(psql.ask("select next_retry_at = '2030-06-15T12:00:01Z'" + rows + ") where name = 'left'") == "t");
        CHECK(psql.ask("select dependency_text" + rows + ") where step_no = 2") == "1/2_satisfied");
        CHECK(psql.ask("select dependencies_satisfied" + rows + ") where step_no = 2") == "f");
    }
    psql.session->exec("set time zone 'Asia/Kathmandu'");
    CHECK(psql.ask("select next_retry_at" + rows + ") where name = 'left'") == "2030-06-15 17:45:01+05:45");
    CHECK(psql.ask("select completion_percentage from $s.task_execution_context(" + list_of(task) + ")") == "33.33");
    CHECK(psql.ask("select level from $s.dependency_levels(" + std::to_string(flow) + ") where name = 'child'") == "1");
    CHECK(psql.ask("select count(*) from $s.step_readiness(null)") == "0");
    CHECK(psql.ask("select count(*) from $s.step_readiness((select array_agg(id) from $s.tasks))") == "3");
}

TEST_CASE("in psql the questions about the store take a window of time, endless too [J11][J12]", "[J11]")
{
    if (!support::postgres_connection())
        return;
    terminal psql;
    auto const flow = psql.on->add(steps::single());
    task_record done;
    done.state = task_state::complete;
    done.created_at = done.started_at.emplace(noon);
    done.finished_at = noon + 90s;
    step_record step = in_state(step_state::complete);
    step.started_at = noon;
    step.finished_at = noon + 1s + 500ms;
    psql.on->put(flow, {step}, done);
    CHECK(psql.ask("select tasks_completed from $s.analytics_metrics('-infinity')") == "1");
    CHECK(psql.ask("select tasks_completed from $s.analytics_metrics('2030-06-15T12:01:30Z', 'infinity')") == "1");
    CHECK(psql.ask("select tasks_completed from $s.analytics_metrics('2030-06-15T12:01:31Z')") == "0");
    CHECK(psql.ask("select active_tasks from $s.analytics_metrics()") == "0");
    CHECK(psql.ask("select average_task_duration from $s.analytics_metrics('-infinity')") == "00:01:30");
    CHECK(psql.ask("select completion_rate from $s.analytics_metrics('-infinity')") == "100.00");
    CHECK(psql.ask("select took from $s.slowest_steps('-infinity')") == "00:00:01.5");
    CHECK(psql.ask("select took from $s.slowest_tasks('-infinity', 1)") == "00:01:30");
    CHECK(psql.ask("select count(*) from $s.slowest_tasks('-infinity', -1)") == "0");
    CHECK(psql.ask("select complete_steps from $s.system_health_counts()") == "1");
    CHECK(psql.ask("select active_connections between 1 and max_connections from $s.system_health_counts()") == "t");
}

TEST_CASE("the answers are the same where steps lie in partitions, and rows that outlive their task count nowhere")
{
    if (!support::postgres_connection())
        return;
    terminal psql{24h};
    auto const flow = psql.on->add(steps::join());
    task_record done;
    done.state = task_state::complete;
    done.created_at = done.started_at.emplace(noon);
    done.finished_at = noon + 1s;
    step_record step = in_state(step_state::complete);
    step.started_at = noon;
    step.finished_at = noon + 1s;
    psql.on->put(flow, {step, failed(1, 1s), step}, done);
    auto const left = psql.on->put(flow, {failed(1, 1s), step});
    psql.session->exec("delete from " + psql.name + ".tasks where state = 'complete'"); // as `purge` does here
    CHECK(psql.ask("select count(*) from $s.steps") == "5");

    auto const counts = (*psql.on)->system_health_counts(noon);
    CHECK(counts.total_steps == 3);
    CHECK(counts.steps.at(step_state::complete) == 1);
    CHECK(counts.steps.at(step_state::error) == 1);
    CHECK(counts.steps.at(step_state::pending) == 1);
    CHECK(counts.retryable_errors == 1);
    CHECK(psql.on->readiness(left, noon).at(0).reason == "backoff_not_elapsed");
    CHECK(psql.on->context(left, noon).completion_percentage == 33.33);
    CHECK((*psql.on)->analytics_metrics(noon, noon + 1h).steps_completed == 1);
    CHECK((*psql.on)->slowest_steps(noon, 10).size() == 1);
}

TEST_CASE("every function of the analysis says in the database what it promises")
{
    if (!support::postgres_connection())
        return;
    terminal psql;
    for (std::string_view const function :
         {"step_readiness", "task_execution_context", "dependency_levels", "analytics_metrics", "slowest_steps", "slowest_tasks",
          "system_health_counts", "time_of", "length_of", "micros_of"}) {
        CAPTURE(function);
        std::string const named =
            " from pg_proc where pronamespace = '$s'::regnamespace and proname = '" + std::string{function} + "'";
        CHECK(psql.ask("select bool_and(obj_description(oid, 'pg_proc') like '_%.')" + named) == "t");
        CHECK(psql.ask("select bool_and(provolatile <> 'v')" + named) == "t");
    }
    CHECK(psql.ask("select obj_description('$s.step_readiness'::regproc) like '%dependencies_not_satisfied%'") == "t");
}

TEST_CASE("times of the tables and instants of PostgreSQL turn into each other without loss [D28]", "[D28]")
{
    if (!support::postgres_connection())
        return;
    terminal psql;
    for (char const* const zone : zones) {
        CAPTURE(zone);
        psql.session->exec("set time zone '" + std::string{zone} + "'");
        for (std::string const micros : {"0", "-1", "1790000000123457", "4943959200000001", "9007199254740991"}) {
            CAPTURE(micros);
            CHECK(psql.ask("select $s.micros_of($s.time_of(" + micros + "))") == micros);
            CHECK(psql.ask("select $s.micros_of($s.length_of(" + micros + "))") == micros);
        }
        for (std::string const micros : {"-62135596800000001", "253402300799999999", "-210866803200000000"})
            CHECK(psql.ask("select $s.micros_of($s.time_of(" + micros + "))") == micros);
        CHECK(psql.ask("select $s.time_of(1907755200000000) = '2030-06-15T12:00:00Z'") == "t");
        CHECK(psql.ask("select $s.time_of(9223372036854775807)") == "infinity");
        CHECK(psql.ask("select $s.time_of(-9223372036854775808)") == "-infinity");
        CHECK(psql.ask("select $s.micros_of(timestamptz 'infinity')") == "9223372036854775807");
        CHECK(psql.ask("select $s.micros_of($s.time_of(null))") == "null");
    }
}
