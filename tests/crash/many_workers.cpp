// Several worker processes share one PostgreSQL and run tasks whose graphs are those of real workflows, while they are
// killed with -9 and started anew at random. For ctest this is small. By hand, at full size:
//
//     TASKER_CRASH_WORKERS=8 TASKER_CRASH_TASKS=20000 TASKER_CRASH_KILLS=200 TASKER_CRASH_MINUTES=60
//     tasker_crash_many_workers
//
// with 2, 4 and 8 workers; TASKER_CRASH_SEED repeats a run's kills, TASKER_WFINSTANCES names the folder of graphs.

#include "support/catch.hpp"
#include "support/postgres.hpp"

#include "effects_table.hpp"
#include "engine_process.hpp"
#include "graph_shapes.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace json = boost::json;

constexpr int submitters = 16;
constexpr int awaited = 50; ///< of the tasks: their submitter waits for their ends

struct scale {
    int workers = crash::from_environment("TASKER_CRASH_WORKERS", 4);
    int tasks = crash::from_environment("TASKER_CRASH_TASKS", 300);
    int kills = crash::from_environment("TASKER_CRASH_KILLS", 8);
    int minutes = crash::from_environment("TASKER_CRASH_MINUTES", 4);
    unsigned seed = static_cast<unsigned>(
        crash::from_environment("TASKER_CRASH_SEED", static_cast<int>(std::random_device{}() >> 1)));
};

/// One fleet on one schema, from the first submission to the last look at what came of it.
class fleet_run {
public:
    explicit fleet_run(scale const& of) : scale_{of}, random_{of.seed}, shapes_{crash::real_shapes()}
    {
        total_ = 0;
        for (int number = 0; number < scale_.tasks; ++number)
            total_ += static_cast<long long>(shape_of(number).steps.size());
    }

    void run()
    {
        double const begun = crash::seconds_now();
        auto submitter = start_submitter();
        REQUIRE(submitter->wait_until_ready()); // so that the tables are there
        for (int slot = 0; slot < scale_.workers; ++slot)
            workers_.push_back(start_worker(slot));
        kill_until_done(begun + 60.0 * scale_.minutes);
        CHECK(submitter->wait() == 0);
        for (auto& worker : workers_)
            CHECK(worker->finish() == 0);
        double const elapsed = crash::seconds_now() - begun;
        check_records();
        check_effects();
        auto sql = effects_.opened();
        std::cout << scale_.workers << " workers, seed " << scale_.seed << ": " << scale_.tasks << " tasks, " << total_
                  << " steps, " << crash::number_of(sql, "select count(*) from executions") << " executions, "
                  << killed_.size() << " kills, "
                  << crash::number_of(sql, "select count(distinct worker) from executions") << " processes, " << elapsed
                  << " s, " << static_cast<double>(total_) / elapsed << " steps/s\n";
    }

private:
    /// Mostly the smaller graphs; now and then one of the largest.
    crash::graph_shape const& shape_of(int number) const
    {
        bool const is_large = number % 50 == 49;
        auto const places = shapes_.size() - 1;
        return shapes_[is_large ? places : static_cast<std::size_t>(number) % places];
    }

    crash::engine_place place(std::size_t residents) const
    {
        crash::engine_place where{store_.connection(), store_.name(), {}};
        where.options.max_resident_tasks = residents;
        where.options.max_recoveries = scale_.kills + 1; // it is not the tasks that kill these workers
        return where;
    }

    /// Every step writes its effect, on the pool for calls that block, and hands on what its parents made.
    void add_workflows(tasker::engine& engine, std::string const& worker) const
    {
        auto const body = [this, worker](tasker::step_context& context,
                                         json::object const& parents) -> tasker::async<json::value> {
            co_await context.sleep_for(1ms);
            auto const execution = co_await context.blocking([&] { return effects_.perform(context, worker); });
            std::vector<int> paths;
            for (auto const& [name, result] : parents)
                paths.push_back(result.at("paths").to_number<int>());
            json::object result;
            result["execution"] = execution;
            result["number"] = context.input<json::object>().at("number");
            result["paths"] = crash::paths_of(paths);
            co_return result;
        };
        for (crash::graph_shape const& shape : shapes_)
            engine.add(crash::make_workflow(shape, body));
    }

    std::unique_ptr<crash::engine_process> start_worker(int slot)
    {
        std::string const name = "w" + std::to_string(slot) + "." + std::to_string(started_++);
        if (names_.size() <= static_cast<std::size_t>(slot))
            names_.emplace_back();
        names_[static_cast<std::size_t>(slot)] = name;
        return crash::engine_process::serving(place(16), [&](tasker::engine& engine) { add_workflows(engine, name); });
    }

    /// Has room for one task: the workers run all others.
    std::unique_ptr<crash::engine_process> start_submitter()
    {
        return crash::engine_process::on_errand(
            place(1), [&](tasker::engine& engine) { add_workflows(engine, "submitter"); },
            [&](tasker::engine& engine) { return submit_all(engine); });
    }

    asio::awaitable<void> submit_all(tasker::engine& engine)
    {
        int next = 0;
        int running = 0;
        std::exception_ptr problem;
        std::vector<tasker::task_handle> handles(static_cast<std::size_t>(scale_.tasks));
        asio::steady_timer all{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
        for (; running < submitters; ++running)
            asio::co_spawn(co_await asio::this_coro::executor, submit_some(engine, next, handles),
                           [&](std::exception_ptr thrown) {
                               problem = thrown ? thrown : problem;
                               if (--running == 0)
                                   all.cancel();
                           });
        boost::system::error_code cancelled;
        co_await all.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
        if (problem)
            std::rethrow_exception(problem);
        for (auto at = handles.size(); at-- > 0 && handles.size() - at <= awaited;) {
            tasker::task_outcome const outcome = co_await handles[at].outcome();
            if (outcome.state != tasker::task_state::complete)
                throw std::runtime_error{"task " + tasker::to_text(outcome.id) + " did not complete: " + outcome.what};
        }
    }

    asio::awaitable<void> submit_some(tasker::engine& engine, int& next, std::vector<tasker::task_handle>& handles)
    {
        while (next < scale_.tasks) {
            int const number = next++;
            std::string const key = "task-" + std::to_string(number);
            std::string const input = "{\"number\": " + std::to_string(number) + "}";
            tasker::submit_options const options{.key = key};
            handles[static_cast<std::size_t>(number)] =
                co_await engine.submit_json("crash/" + shape_of(number).name, input, options);
        }
    }

    void kill_until_done(double deadline)
    {
        auto records = effects_.opened();
        std::vector<long long> due;
        for (int kill = 0; kill < scale_.kills; ++kill)
            due.push_back(static_cast<long long>(random_() % static_cast<unsigned long>(total_ * 9 / 10)));
        std::sort(due.begin(), due.end());
        std::string const executions = "select last_value from executions_id_seq";
        while (crash::number_of(records, "select count(*) from tasks where state = 'complete'") < scale_.tasks) {
            while (killed_.size() < due.size() && crash::number_of(records, executions) >= due[killed_.size()])
                replace_one();
            if (crash::seconds_now() > deadline)
                FAIL("not done in time: " << describe(records));
            std::this_thread::sleep_for(5ms);
        }
        CHECK(killed_.size() == due.size());
    }

    void replace_one()
    {
        auto const slot = random_() % workers_.size();
        if (random_() % 2 == 0) // the others may die before they have done anything
            workers_[slot]->wait_until_ready();
        workers_[slot]->kill();
        killed_.push_back(names_[slot]);
        workers_[slot] = start_worker(static_cast<int>(slot));
    }

    static std::string describe(support::pg_session& records)
    {
        return records
            .value("select string_agg(line, E'\\n') from (select state || ' worker ' || coalesce(worker_id::text, '-') "
                   "|| ' known ' || "
                   "(worker_id in (select id from workers)) || ' recoveries ' || max(recoveries) || ': ' || count(*) "
                   "as line "
                   "from tasks where state <> 'complete' group by state, worker_id) as lines")
            .value_or("every task is complete");
    }

    /// The engine's own records: every task and step complete, once.
    void check_records()
    {
        auto sql = effects_.opened();
        CHECK(crash::number_of(sql, "select count(*) from tasks") == scale_.tasks);
        CHECK(crash::number_of(sql, "select count(*) from tasks where state <> 'complete' or worker_id is not null") ==
              0);
        CHECK(crash::number_of(sql, "select count(*) from steps where state = 'complete'") == total_);
        CHECK(crash::number_of(
                  sql, "select count(*) from transitions where to_state = 'complete' and step_no is not null") ==
              total_);
        CHECK(
            crash::number_of(sql, "select count(*) from transitions where to_state = 'complete' and step_no is null") ==
            scale_.tasks);
        CHECK(crash::number_of(sql, "select count(*) from (select 1 from transitions where to_state = 'complete' "
                                    "group by task_id, step_no having count(*) > 1) as doubled") == 0);
        sql.exec("create temporary table expected (workflow text, step text, paths int)");
        for (crash::graph_shape const& shape : shapes_)
            for (auto const& [step, paths] : paths_of(shape))
                sql.value("insert into expected values ($1, $2, $3::int)", {shape.name, step, std::to_string(paths)});
        CHECK(crash::number_of(sql, R"sql(
            select count(*) from steps s
            join tasks t on t.id = s.task_id
            join workflows w on w.id = t.workflow_id
            join workflow_steps d on d.workflow_id = w.id and d.step_no = s.step_no
            join expected e on e.workflow = w.name and e.step = d.name
            where (s.result::json->>'paths')::int = e.paths
              and s.result::json->>'number' = t.input::json->>'number')sql") == total_);
    }

    /// What the steps did: every effect once, and no body executed in vain but by a process that was killed meanwhile.
    void check_effects()
    {
        auto sql = effects_.opened();
        sql.exec("create temporary table killed (worker text)");
        for (std::string const& name : killed_)
            sql.value("insert into killed values ($1)", {name});
        sql.exec(R"sql(
            create temporary table results as
            select s.task_id as task, d.name as step, (s.result::json->>'execution')::bigint as execution from steps s
            join tasks t on t.id = s.task_id
            join workflow_steps d on d.workflow_id = t.workflow_id and d.step_no = s.step_no;
            create temporary table in_vain as
            select * from executions x where not exists (select from results where execution = x.id))sql");
        CHECK(crash::number_of(sql, "select count(*) from effects") == total_);
        CHECK(crash::number_of(sql, "select count(*) from effects join results using (task, step)") == total_);
        CHECK(crash::number_of(sql, "select count(*) from executions where after_completion") == 0);
        CHECK(crash::number_of(sql, "select count(*) from (select from executions group by task, step, worker "
                                    "having count(*) > 1) as repeated") == 0);
        CHECK(crash::number_of(sql, "select count(*) from in_vain where worker not in (select worker from killed)") ==
              0);
        std::cout << "bodies in flight at kills: " << crash::number_of(sql, "select count(*) from in_vain")
                  << ", at most "
                  << crash::number_of(sql, "select count(*) from in_vain group by worker order by 1 desc limit 1")
                  << " at one\n";
    }

    scale scale_;
    std::mt19937 random_;
    std::vector<crash::graph_shape> shapes_;
    support::scratch_schema store_;
    support::scratch_schema ledger_;
    crash::effects_table effects_{ledger_, store_};
    long long total_ = 0;
    int started_ = 0;
    std::vector<std::unique_ptr<crash::engine_process>> workers_;
    std::vector<std::string> names_;  ///< of the workers
    std::vector<std::string> killed_; ///< names of those before them
};

} // namespace

TEST_CASE("workers that are killed and started anew all the while complete every task with every effect exactly once")
{
    if (!support::postgres_connection())
        return;
    scale const of;
    INFO("repeat with TASKER_CRASH_SEED=" << of.seed);
    fleet_run{of}.run();
}
