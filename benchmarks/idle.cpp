// What a worker with nothing to do costs: statements a second on PostgreSQL, and CPU.

#include "postgres_server.hpp"
#include "report.hpp"
#include "stores.hpp"
#include "watch.hpp"

#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <utility>

namespace asio = boost::asio;

namespace {

/// What has happened up to now.
struct reading {
    double transactions = 0;
    double own_cpu = 0;
    double server_cpu = 0;

    friend reading operator-(reading const& a, reading const& b)
    {
        return {a.transactions - b.transactions, a.own_cpu - b.own_cpu, a.server_cpu - b.server_cpu};
    }
};

/// Counts transactions: a worker's every statement is one by itself, unless it says `begin` first.
class counter {
public:
    explicit counter(std::string const& connection) : server_{connection} {}

    reading read()
    {
        server_.ask("select pg_stat_clear_snapshot()");
        std::string const count = server_.value("select xact_commit + xact_rollback from pg_stat_database "
                                                "where datname = current_database()");
        return {std::stod(count), benchmark::own_cpu(), sum_of(server_.server_cpu())};
    }

private:
    static double sum_of(std::map<std::string, double> const& seconds)
    {
        return benchmark::used_between({}, seconds);
    }

    benchmark::observer server_;
};

/// What happens while nothing of ours does: the server's own work, and two readings.
reading nothing(counter& watched, std::chrono::seconds length)
{
    reading const before = watched.read();
    std::this_thread::sleep_for(length);
    return watched.read() - before;
}

/// Not inlined: g++ 12 would take the frame's own `operator delete` for a mismatched one.
[[gnu::noinline]] asio::awaitable<void> idle(asio::io_context& io, std::string const& connection, benchmark::database& on, std::chrono::seconds length, reading& spent)
{
    tasker::workflow_builder flow{"benchmark", "one-step", "1.0.0"};
    flow.step("answer", [] { return 42; });
    tasker::engine engine{io, on.open()};
    engine.add(std::move(flow).build());
    counter watched{connection};
    asio::steady_timer wait{io, std::chrono::seconds{5}}; // its looking round at the start is not what is asked for
    co_await wait.async_wait(asio::use_awaitable);
    reading const before = watched.read();
    wait.expires_after(length);
    co_await wait.async_wait(asio::use_awaitable);
    spent = watched.read() - before;
    co_await engine.drain();
}

reading idle_worker(std::string const& connection, std::chrono::seconds length)
{
    auto const on = benchmark::postgres(connection);
    on->clear();
    asio::io_context io;
    reading spent;
    asio::co_spawn(io, idle(io, connection, *on, length, spent), [](std::exception_ptr problem) {
        if (problem)
            std::rethrow_exception(problem);
    });
    io.run();
    return spent;
}

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "idle [--seconds 45 ]"};
    std::chrono::seconds const length{given.number("--seconds", 45, 2)};
    benchmark::postgres_server const server{std::filesystem::temp_directory_path()};
    benchmark::tell("idle: a worker");
    reading const worker = idle_worker(server.connection(), length);
    benchmark::tell("idle: no worker");
    counter watched{server.connection()};
    reading const empty = nothing(watched, length);

    using benchmark::bound;
    double const seconds = static_cast<double>(length.count());
    benchmark::report result{"One idle worker on PostgreSQL, for " + std::to_string(length.count()) +
                             " s. Baseline: the same time without a worker."};
    result.add({"transactions", "1/s", worker.transactions / seconds, empty.transactions / seconds, bound::figure_at_most, 1});
    result.add({"CPU of the worker, of a core", "%", worker.own_cpu / seconds * 100, empty.own_cpu / seconds * 100,
                bound::figure_at_most, 0.5});
    result.add({"CPU of the server, of a core", "%", worker.server_cpu / seconds * 100, empty.server_cpu / seconds * 100});
    given.finish(result);
}
