// Does a step cost the same however much there is? From a thousand tasks to a million, from ten steps a task to ten
// thousand, from one worker to eight, and beside a hundred thousand parked tasks.

#include "child.hpp"
#include "load.hpp"
#include "postgres_server.hpp"
#include "report.hpp"
#include "stores.hpp"
#include "watch.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using benchmark::bound;
using benchmark::load;
using benchmark::samples;

/// Flat means: within a quarter of the smallest.
constexpr double flat = 0.75;

asio::awaitable<void> drive(asio::io_context& io, tasker::engine& engine, load const& of, double& seconds)
{
    benchmark::saturation all{io, engine, of};
    benchmark::watch const taken;
    co_await all.run();
    seconds = taken.seconds();
    co_await engine.drain();
}

/// Steps a second of a fresh engine on a fresh store.
double rate(benchmark::database& on, load const& of)
{
    on.clear();
    asio::io_context io{1};
    tasker::engine engine{io, on.open()};
    engine.add(benchmark::chain(of.steps));
    double seconds = 0;
    benchmark::run(io, drive(io, engine, of, seconds));
    return of.all_steps() / seconds;
}

/// Each load, and the smallest beside it, by turns.
void compare_loads(benchmark::report& to, benchmark::database& on, std::vector<std::pair<std::string, load>> const& loads, int rounds)
{
    for (auto const& [at, of] : loads) {
        samples ours;
        samples smallest;
        for (int round = 0; round < rounds; ++round) {
            benchmark::tell("scale: " + on.name() + ", " + at);
            smallest.push_back(rate(on, loads.front().second));
            ours.push_back(rate(on, of));
        }
        bool const is_smallest = &of == &loads.front().second;
        to.add(compared("steps", "steps/s", ours, smallest, is_smallest ? bound::none : bound::ratio_at_least, flat, at));
    }
}

void by_tasks(benchmark::report& to, benchmark::database& on, std::vector<std::pair<std::string, int>> const& counts, int rounds)
{
    to.section(on.name() + ", by tasks (10 steps each, 1,000 in flight); baseline: the smallest");
    std::vector<std::pair<std::string, load>> loads;
    for (auto const& [at, tasks] : counts)
        loads.emplace_back(at + " tasks", load{tasks, 1'000, 10});
    compare_loads(to, on, loads, rounds);
}

void by_steps(benchmark::report& to, benchmark::database& on, int all_steps, int rounds)
{
    to.section(on.name() + ", by steps a task (as many steps in all); baseline: the smallest");
    std::vector<std::pair<std::string, load>> loads;
    for (auto const& [at, steps] : {std::pair{"10", 10}, {"100", 100}, {"1,000", 1'000}, {"10,000", 10'000}})
        if (steps <= all_steps)
            loads.emplace_back(std::string{at} + " steps", load{all_steps / steps, 1'000, steps});
    compare_loads(to, on, loads, rounds);
}

// ---- workers

void work(benchmark::child& self, benchmark::database& on, load const& of)
{
    asio::io_context io{1};
    tasker::engine engine{io, on.open()};
    engine.add(benchmark::chain(of.steps));
    self.be_ready();
    double seconds = 0;
    benchmark::run(io, drive(io, engine, of, seconds));
}

/// Steps a second of some processes, each of which submits and runs its share.
double rate_of_workers(benchmark::database& on, int workers, load const& in_all)
{
    on.clear();
    load const share{in_all.tasks / workers, in_all.in_flight / workers, in_all.steps};
    std::vector<std::unique_ptr<benchmark::child>> all;
    for (int made = 0; made < workers; ++made) {
        all.push_back(std::make_unique<benchmark::child>([&](benchmark::child& self) { work(self, on, share); }));
        all.back()->wait_until_ready();
    }
    benchmark::watch const taken;
    for (auto const& one : all)
        one->go();
    for (auto const& one : all)
        one->wait();
    return share.all_steps() * workers / taken.seconds();
}

void by_workers(benchmark::report& to, benchmark::database& on, load const& of, int rounds)
{
    to.section(on.name() + ", by workers that share the database (10 steps each, 2,000 in flight); baseline: one worker");
    for (int const workers : {1, 2, 4, 8}) {
        samples ours;
        samples one;
        for (int round = 0; round < rounds; ++round) {
            benchmark::tell("scale: " + std::to_string(workers) + " workers");
            one.push_back(rate_of_workers(on, 1, of));
            ours.push_back(rate_of_workers(on, workers, of));
        }
        to.add(compared("steps", "steps/s", ours, one, bound::none, 0, std::to_string(workers) + (workers == 1 ? " worker" : " workers")));
    }
}

// ---- parked tasks

asio::awaitable<void> submit_parked(tasker::engine& engine, int count)
{
    tasker::submit_options const options{.delay = std::chrono::hours{1}};
    for (int made = 0; made < count; ++made)
        co_await engine.submit("benchmark/chain", options);
}

asio::awaitable<void> park_and_drive(asio::io_context& io, tasker::engine& engine, int parked, load const& of, double& seconds)
{
    auto submitter = [&] { return submit_parked(engine, parked / 500); };
    co_await benchmark::together(io, 500, submitter);
    co_await drive(io, engine, of, seconds);
}

double rate_beside(benchmark::database& on, int parked, load const& of)
{
    on.clear();
    asio::io_context io{1};
    tasker::engine engine{io, on.open()};
    engine.add(benchmark::chain(of.steps));
    double seconds = 0;
    benchmark::run(io, park_and_drive(io, engine, parked, of, seconds));
    return of.all_steps() / seconds;
}

void beside_parked(benchmark::report& to, benchmark::database& on, int parked, load const& of, int rounds)
{
    samples ours;
    samples alone;
    for (int round = 0; round < rounds; ++round) {
        benchmark::tell("scale: " + on.name() + ", beside parked tasks");
        alone.push_back(rate_beside(on, 0, of));
        ours.push_back(rate_beside(on, parked, of));
    }
    to.section("Beside " + std::to_string(parked) + " parked tasks; baseline: alone");
    to.add(compared("steps, on " + on.name(), "steps/s", ours, alone, bound::ratio_at_least, 0.9));
}

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "scale [--store memory|SQLite|PostgreSQL ] [--rounds 2 ]"};
    int const rounds = given.number("--rounds", 2, 1);
    std::string const store = given.text("--store");
    auto const is_wanted = [&](char const* name) { return store.empty() || store == name; };
    auto const folder = std::filesystem::temp_directory_path();
    benchmark::report result{"Steps a second as work grows."};
    using sizes = std::vector<std::pair<std::string, int>>;
    load const busy{given.quick() ? 50 : 5'000, 2'000, 10};
    int const parked = given.quick() ? 1'000 : 100'000;

    if (is_wanted("memory")) {
        auto const on = benchmark::memory();
        by_tasks(result, *on, given.quick() ? sizes{{"100", 100}, {"1,000", 1'000}} :
                 sizes{{"1,000", 1'000}, {"10,000", 10'000}, {"100,000", 100'000}, {"1,000,000", 1'000'000}}, rounds);
        by_steps(result, *on, given.quick() ? 1'000 : 100'000, rounds);
    }
    if (is_wanted("SQLite")) {
        auto const on = benchmark::sqlite(folder);
        by_tasks(result, *on, given.quick() ? sizes{{"100", 100}} : sizes{{"1,000", 1'000}, {"10,000", 10'000}, {"100,000", 100'000}},
                 1);
        by_steps(result, *on, given.quick() ? 100 : 20'000, rounds);
        beside_parked(result, *on, parked, busy, rounds);
    }
    if (is_wanted("PostgreSQL")) {
        benchmark::postgres_server const server{folder};
        auto const on = benchmark::postgres(server.connection());
        by_tasks(result, *on, given.quick() ? sizes{{"100", 100}} : sizes{{"1,000", 1'000}, {"10,000", 10'000}}, rounds);
        by_steps(result, *on, given.quick() ? 100 : 20'000, rounds);
        by_workers(result, *on, busy, rounds);
        beside_parked(result, *on, parked, busy, rounds);
    }
    given.finish(result);
}
