// tasker's side of the comparison with its peers on PostgreSQL: what measure.mjs asks of the others, done once, the audit
// trail included. Prints {"seconds": 1.5}, or with --idle {"milliseconds": [...]}.

#include "../load.hpp"
#include "../postgres_server.hpp"
#include "../report.hpp"
#include "../stores.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>

namespace {

namespace asio = boost::asio;
using benchmark::load;

asio::awaitable<void> saturate(asio::io_context& io, tasker::engine& engine, load const& of)
{
    benchmark::saturation warm_up{io, engine, {std::max(1, of.tasks / 5), of.in_flight, of.steps}};
    co_await warm_up.run();
    benchmark::saturation all{io, engine, of};
    benchmark::watch const measured;
    co_await all.run();
    std::printf("{\"seconds\": %g}\n", measured.seconds());
    co_await engine.drain();
}

/// With pauses like those of measure.mjs.
asio::awaitable<void> submit_to_idle(asio::io_context& io, tasker::engine& engine, int count)
{
    std::minstd_rand random{std::random_device{}()};
    std::uniform_int_distribution<int> milliseconds{50, 250};
    asio::steady_timer timer{io};
    std::string taken;
    for (int no = -std::min(count, 3); no < count; ++no) {
        timer.expires_after(std::chrono::milliseconds{milliseconds(random)});
        co_await timer.async_wait(asio::use_awaitable);
        benchmark::watch const measured;
        tasker::task_handle const task = co_await engine.submit("benchmark/chain");
        co_await task.result<int>();
        if (no >= 0)
            taken += (taken.empty() ? "" : ", ") + std::to_string(measured.seconds() * 1e3);
    }
    std::printf("{\"milliseconds\": [%s]}\n", taken.c_str());
    co_await engine.drain();
}

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "peer [--tasks 20000 ] [--steps 1 ] [--in-flight 2000 ] [--idle 40 ]"};
    bool const is_idle = !given.text("--idle").empty();
    load const of{given.number("--tasks", 20'000), given.number("--in-flight", 2'000), given.number("--steps", 1)};
    benchmark::postgres_server const server{std::filesystem::temp_directory_path()};
    auto const on = benchmark::postgres(server.connection());
    on->clear();
    asio::io_context io;
    tasker::engine engine{io, on->open()};
    engine.add(benchmark::chain(of.steps));
    benchmark::run(io, is_idle ? submit_to_idle(io, engine, given.number("--idle", 40)) : saturate(io, engine, of));
}
