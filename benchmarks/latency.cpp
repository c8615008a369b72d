// How long a task of one step takes on an idle system, from submitting it to hearing that it is finished, beside a bare commit
// of one small row. The task needs two commits: it is stored before it runs, and its end is stored before it is told.

#include "postgres_server.hpp"
#include "report.hpp"
#include "watch.hpp"

#include <tasker/store/postgres_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;

namespace {

constexpr char schema[] = "benchmark_latency";
constexpr int warm_up = 50; ///< what is measured before the measuring: plans, caches, frames

struct samples {
    std::vector<double> tasks;
    std::vector<double> commits;
};

tasker::workflow one_step()
{
    tasker::workflow_builder flow{"benchmark", "one-step", "1.0.0"};
    flow.step("answer", [] { return 42; });
    return std::move(flow).build();
}

/// The bare commit: a prepared insert of one row, in autocommit.
class bare_commit {
public:
    explicit bare_commit(std::string const& connection) : server_{connection}
    {
        server_.ask(std::string{"set search_path = "} + schema);
        server_.ask("create table bare (id bigint primary key, what text not null)");
        server_.prepare("insert", "insert into bare values ($1, 'a row')");
    }

    double milliseconds()
    {
        std::string const id = std::to_string(++last_);
        benchmark::watch const one;
        server_.execute("insert", id);
        return one.seconds() * 1e3;
    }

private:
    benchmark::observer server_;
    long last_ = 0;
};

asio::awaitable<double> milliseconds_of_a_task(tasker::engine& engine)
{
    benchmark::watch const one;
    tasker::task_handle const task = co_await engine.submit("benchmark/one-step");
    co_await task.result<int>();
    co_return one.seconds() * 1e3;
}

/// Waits until the system is idle again: what was in the processor's caches has made room, and everybody sleeps.
asio::awaitable<void> rest()
{
    asio::steady_timer pause{co_await asio::this_coro::executor};
    pause.expires_after(std::chrono::milliseconds{20});
    co_await pause.async_wait(asio::use_awaitable);
}

/// One at a time, in turns, each on an idle system.
asio::awaitable<void> alternate(asio::io_context& io, std::string const& connection, int count, samples& into)
{
    tasker::postgres_options where;
    where.schema = schema;
    tasker::engine engine{io, tasker::postgres_store{connection, where}};
    engine.add(one_step());
    bare_commit bare{connection};
    for (int turn = -warm_up; turn < count; ++turn) {
        co_await rest();
        double const task = co_await milliseconds_of_a_task(engine);
        co_await rest();
        double const commit = bare.milliseconds();
        if (turn < 0)
            continue;
        into.tasks.push_back(task);
        into.commits.push_back(commit);
    }
    co_await engine.drain();
}

samples measure(std::string const& connection, int count)
{
    std::string const drop = std::string{"drop schema if exists "} + schema + " cascade";
    benchmark::observer{connection}.ask(drop);
    asio::io_context io;
    samples taken;
    asio::co_spawn(io, alternate(io, connection, count, taken), [](std::exception_ptr problem) {
        if (problem)
            std::rethrow_exception(problem);
    });
    io.run();
    benchmark::observer{connection}.ask(drop);
    return taken;
}

void report_to(benchmark::report& to, std::string const& where, samples const& taken)
{
    using benchmark::quantile;
    to.add({"from submit to finish, median, " + where, "ms", quantile(taken.tasks, 0.5), quantile(taken.commits, 0.5),
            benchmark::bound::ratio_at_most, 2.5});
    to.add({"from submit to finish, 99 of 100, " + where, "ms", quantile(taken.tasks, 0.99), quantile(taken.commits, 0.99)});
}

} // namespace

int main(int arguments, char** words)
{
    benchmark::arguments const given{arguments, words, "latency [--count 500 ]"};
    int const count = given.number("--count", 500, 20);
    benchmark::report result{"A task of one step on idle PostgreSQL, " + std::to_string(count) +
                             " one at a time. Baseline: a bare commit of one row."};
    bool ours = false;
    {
        benchmark::postgres_server const server{std::filesystem::temp_directory_path()};
        ours = server.is_ours();
        report_to(result, ours ? "on disk" : "as TASKER_POSTGRES says", measure(server.connection(), count));
    }
    if (std::filesystem::path const memory = "/dev/shm"; ours && std::filesystem::is_directory(memory)) {
        benchmark::postgres_server const server{memory}; // where a flush costs next to nothing: what is left is our own
        report_to(result, "in memory", measure(server.connection(), count));
    }
    given.finish(result);
}
