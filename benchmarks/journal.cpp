// How many steps a second one saturated engine makes durable on PostgreSQL, beside a program that does nothing but write
// the very same rows, in the same batches.

#include "postgres_server.hpp"
#include "raw_postgres.hpp"
#include "recording_store.hpp"
#include "report.hpp"
#include "watch.hpp"

#include <tasker/store/postgres_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;

namespace {

constexpr int steps_a_task = 10;
constexpr char engine_schema[] = "benchmark_engine";
constexpr char raw_schema[] = "benchmark_raw";

struct load {
    int tasks = 0;
    int in_flight = 0;
};

/// How fast something went, and what it cost this process and the server.
struct pace {
    double seconds = 0;
    double own_cpu = 0;
    double server_cpu = 0;
};

class meter {
public:
    explicit meter(benchmark::observer& server) : server_{server}, before_{server.server_cpu()} {}

    pace read()
    {
        double const seconds = watch_.seconds();
        return {seconds, benchmark::own_cpu() - own_before_, benchmark::used_between(before_, server_.server_cpu())};
    }

private:
    benchmark::observer& server_;
    std::map<std::string, double> before_;
    double own_before_ = benchmark::own_cpu();
    benchmark::watch watch_;
};

tasker::workflow chain()
{
    tasker::workflow_builder flow{"benchmark", "chain", "1.0.0"};
    auto last = flow.step("step 0", [] { return 0; });
    for (int no = 1; no < steps_a_task; ++no)
        last = flow.step("step " + std::to_string(no), after(last), [](int sum) { return sum + 1; });
    return std::move(flow).build();
}

/// Its one step holds up all others of an engine with `max_concurrent_steps` = 1, until the timer is cancelled.
tasker::workflow gate(asio::steady_timer& opens)
{
    tasker::workflow_builder flow{"benchmark", "gate", "1.0.0"};
    flow.step("wait", [&opens]() -> asio::awaitable<void> {
        boost::system::error_code cancelled;
        co_await opens.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    });
    return std::move(flow).build();
}

/// Calls `then` when it was called as often as there are tasks.
class countdown {
public:
    countdown(int from, asio::steady_timer& at_zero) : left_{from}, at_zero_{at_zero} {}
    void count()
    {
        if (--left_ == 0)
            at_zero_.cancel();
    }

private:
    int left_;
    asio::steady_timer& at_zero_;
};

void rethrow(std::exception_ptr problem)
{
    if (problem)
        std::rethrow_exception(problem);
}

asio::awaitable<void> wait(asio::steady_timer& timer)
{
    boost::system::error_code cancelled;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

asio::awaitable<void> submit_and_await(tasker::engine& engine, int& to_submit, countdown& finished)
{
    while (to_submit > 0) {
        --to_submit;
        tasker::task_handle const task = co_await engine.submit("benchmark/chain");
        co_await task.result<int>();
        finished.count();
    }
}

asio::awaitable<void> submit_one(tasker::engine& engine, countdown& submitted, countdown& finished)
{
    tasker::task_handle const task = co_await engine.submit("benchmark/chain");
    submitted.count();
    co_await task.result<int>();
    finished.count();
}

using recording = benchmark::recording_store<tasker::postgres_store>::recording;

/// One run of an engine.
struct run {
    pace submissions; ///< where they were apart
    pace steps;
    recording batches;
    std::size_t first_of_steps = 0; ///< the batch with which the steps began
};

class engine_run {
public:
    engine_run(std::string const& connection, benchmark::observer& server, load const& of)
        : connection_{connection}, server_{server}, load_{of}
    {
    }

    /// Tasks are submitted all the while: as soon as one is finished, the next.
    run mixed()
    {
        return serve([this](tasker::engine& engine) { return drive_mixed(engine); }, {});
    }

    /// All tasks are submitted before the first step of any runs.
    run apart()
    {
        tasker::engine_options options;
        options.max_concurrent_steps = 1;
        return serve([this](tasker::engine& engine) { return drive_apart(engine); }, options);
    }

private:
    template <class Drive>
    run serve(Drive drive, tasker::engine_options const& options)
    {
        result_ = {};
        tasker::postgres_options where;
        where.schema = engine_schema;
        tasker::engine engine{
            io_, benchmark::recording_store{tasker::postgres_store{connection_, where}, result_.batches}, options};
        engine.add(chain());
        engine.add(gate(opens_));
        asio::co_spawn(io_, drive(engine), rethrow);
        io_.run();
        return std::move(result_);
    }

    asio::awaitable<void> drive_mixed(tasker::engine& engine)
    {
        countdown finished{load_.tasks, over_};
        int to_submit = load_.tasks;
        meter measured{server_};
        for (int submitter = 0; submitter < load_.in_flight; ++submitter)
            asio::co_spawn(io_, submit_and_await(engine, to_submit, finished), rethrow);
        co_await wait(over_);
        result_.steps = measured.read();
        co_await engine.drain();
    }

    asio::awaitable<void> drive_apart(tasker::engine& engine)
    {
        countdown submitted{load_.tasks, all_submitted_};
        countdown finished{load_.tasks, over_};
        co_await engine.submit("benchmark/gate");
        meter submissions{server_};
        for (int no = 0; no < load_.tasks; ++no)
            asio::co_spawn(io_, submit_one(engine, submitted, finished), rethrow);
        co_await wait(all_submitted_);
        result_.submissions = submissions.read();
        result_.first_of_steps = result_.batches.size();
        meter steps{server_};
        opens_.cancel();
        co_await wait(over_);
        result_.steps = steps.read();
        co_await engine.drain();
    }

    std::string connection_;
    benchmark::observer& server_;
    load load_;
    asio::io_context io_;
    asio::steady_timer opens_{io_, std::chrono::hours{24}};
    asio::steady_timer all_submitted_{io_, std::chrono::hours{24}};
    asio::steady_timer over_{io_, std::chrono::hours{24}};
    run result_;
};

/// The figures of all rounds.
struct samples {
    std::vector<double> rates;
    std::vector<double> own_cpu;
    std::vector<double> server_cpu;

    void add(pace const& one, double count)
    {
        rates.push_back(count / one.seconds);
        own_cpu.push_back(one.own_cpu / count * 1e6);
        server_cpu.push_back(one.server_cpu / count * 1e6);
    }
};

struct comparison {
    samples engine;
    samples raw;
};

class rounds {
public:
    rounds(std::string const& connection, load const& of) : connection_{connection}, server_{connection}, load_{of} {}

    void add_round()
    {
        fresh(engine_schema);
        run mixed = engine_run{connection_, server_, load_}.mixed();
        double const steps = steps_a_task * double(load_.tasks);
        both_.engine.add(mixed.steps, steps);
        for (auto const& batch : mixed.batches)
            batch_sizes_.push_back(static_cast<double>(batch.steps.size()));
        both_.raw.add(replay(std::move(mixed)).steps, steps);

        fresh(engine_schema);
        run apart = engine_run{connection_, server_, load_}.apart();
        steps_.engine.add(apart.steps, steps);
        submissions_.engine.add(apart.submissions, load_.tasks);
        run const again = replay(std::move(apart));
        steps_.raw.add(again.steps, steps);
        submissions_.raw.add(again.submissions, load_.tasks);
    }

    void report_to(benchmark::report& to) const
    {
        using benchmark::bound;
        using benchmark::median;
        to.add({"steps and their submissions", "steps/s", median(both_.engine.rates), median(both_.raw.rates),
                bound::ratio_at_least, 0.5});
        to.add({"steps alone", "steps/s", median(steps_.engine.rates), median(steps_.raw.rates)});
        to.add({"submissions alone", "tasks/s", median(submissions_.engine.rates), median(submissions_.raw.rates)});
        to.add({"CPU of the server, a step", "us", median(both_.engine.server_cpu), median(both_.raw.server_cpu),
                bound::figure_at_most, 20});
        to.add({"CPU of the program, a step", "us", median(both_.engine.own_cpu), median(both_.raw.own_cpu)});
        to.add({"step rows of a commit, median", "rows", median(batch_sizes_)});
    }

private:
    void fresh(std::string const& schema)
    {
        server_.ask("drop schema if exists " + schema + " cascade");
        tasker::postgres_options where;
        where.schema = schema;
        tasker::postgres_store{connection_, where}.migrate();
        server_.ask("checkpoint");
    }

    /// Writes what the engine wrote.
    run replay(run of)
    {
        fresh(raw_schema);
        std::size_t const begin_of_steps = of.first_of_steps;
        benchmark::numbered_batches const rows{std::move(of.batches)};
        benchmark::raw_postgres writer{connection_, raw_schema, 1};
        run again;
        std::size_t line = 0;
        meter submissions{server_};
        writer.write(rows, 0, begin_of_steps, line);
        again.submissions = submissions.read();
        meter steps{server_};
        writer.write(rows, begin_of_steps, rows.batches().size(), line);
        again.steps = steps.read();
        return again;
    }

    std::string connection_;
    benchmark::observer server_;
    load load_;
    comparison both_;
    comparison steps_;
    comparison submissions_;
    std::vector<double> batch_sizes_;
};

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "journal [--tasks 10000 ] [--in-flight 2000 ] [--rounds 5 ]"};
    benchmark::postgres_server const server{std::filesystem::temp_directory_path()};
    load const of{given.number("--tasks", 10'000, 200), given.number("--in-flight", 2'000)};
    rounds all{server.connection(), of};
    for (int round = given.number("--rounds", 5, 1); round > 0; --round)
        all.add_round();
    benchmark::report result{"Workflows of " + std::to_string(steps_a_task) + " plain steps on PostgreSQL, " +
                             std::to_string(of.tasks) + " tasks, " + std::to_string(of.in_flight) +
                             " of them in flight. Baseline: raw batched writes of the same rows."};
    all.report_to(result);
    given.finish(result);
}
