// How many steps a second one saturated engine makes durable, beside a program that does nothing but write the very same
// rows, in the same batches.

#include "load.hpp"
#include "postgres_server.hpp"
#include "report.hpp"
#include "stores.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using benchmark::bound;
using benchmark::load;
using benchmark::pace;
using benchmark::samples;

class meter {
public:
    explicit meter(benchmark::database& of) : of_{of}, server_before_{of.server_cpu()} {}

    pace read()
    {
        double const seconds = watch_.seconds();
        return {seconds, benchmark::own_cpu() - own_before_, of_.server_cpu() - server_before_};
    }

private:
    benchmark::database& of_;
    double server_before_;
    double own_before_ = benchmark::own_cpu();
    benchmark::watch watch_;
};

/// Everybody has connected and prepared before it counts.
benchmark::asio::awaitable<void> serve(benchmark::asio::io_context& io, tasker::engine& engine, load const& of,
                                       benchmark::database& on, pace& taken)
{
    benchmark::saturation first{io, engine, {1, 1, of.steps}};
    co_await first.run();
    benchmark::saturation all{io, engine, of};
    meter measured{on};
    co_await all.run();
    taken = measured.read();
    co_await engine.drain();
}

struct rates {
    samples steps;
    samples own_cpu;
    samples server_cpu;

    void add(pace const& one, double count)
    {
        steps.push_back(count / one.seconds);
        own_cpu.push_back(one.own_cpu / count * 1e6);
        server_cpu.push_back(one.server_cpu / count * 1e6);
    }
};

/// An engine under one load, and who writes the same, by turns.
class comparison {
public:
    comparison(benchmark::database& on, load const& of, int rounds) : on_{on}, load_{of}
    {
        for (int round = 0; round < rounds; ++round)
            add_round();
    }

    benchmark::figure rate(std::string what, std::string at = {}, bound bounded = bound::none, double target = 0) const
    {
        return benchmark::compared(std::move(what), "steps/s", engine_.steps, raw_.steps, bounded, target, std::move(at));
    }

    void tell_costs(benchmark::report& to) const
    {
        if (benchmark::median(engine_.server_cpu) > 0)
            to.add(benchmark::compared("CPU of the server, a step", "us", engine_.server_cpu, raw_.server_cpu, bound::figure_at_most, 20));
        to.add(benchmark::compared("CPU of the program, a step", "us", engine_.own_cpu, raw_.own_cpu));
        to.add(benchmark::alone("steps a commit", "steps", steps_a_commit_));
    }

private:
    void add_round()
    {
        on_.clear();
        benchmark::recording batches;
        pace const engine = run_engine(batches);
        engine_.add(engine, load_.all_steps());
        steps_a_commit_.push_back(load_.all_steps() / double(batches.size()));

        benchmark::numbered_batches const rows{std::move(batches)};
        auto const writer = on_.raw();
        writer->write(rows, 0, first_);
        meter measured{on_};
        writer->write(rows, first_, rows.batches().size());
        raw_.add(measured.read(), load_.all_steps());
    }

    pace run_engine(benchmark::recording& batches)
    {
        benchmark::asio::io_context io;
        tasker::engine engine{io, on_.open_recorded(batches)};
        engine.add(benchmark::chain(load_.steps));
        pace taken;
        benchmark::run(io, serve(io, engine, load_, on_, taken));
        return taken;
    }

    benchmark::database& on_;
    load load_;
    std::size_t first_ = 1; ///< batches that warm up
    rates engine_;
    rates raw_;
    samples steps_a_commit_;
};

class questions {
public:
    questions(benchmark::database& on, benchmark::arguments const& given, benchmark::report& to)
        : on_{on}, tasks_{given.number("--tasks", 5'000, 60)}, in_flight_{given.number("--in-flight", 2'000)},
          rounds_{given.number("--rounds", 4, 1)}, to_{to}
    {
    }

    void answer()
    {
        saturated();
        by_batch();
        by_steps();
    }

private:
    comparison measure(load const& of, int rounds)
    {
        benchmark::tell(on_.name() + ": " + std::to_string(of.tasks) + " tasks of " + std::to_string(of.steps) + " steps, " +
                        std::to_string(of.in_flight) + " in flight");
        return {on_, of, rounds};
    }

    void saturated()
    {
        to_.section(on_.name() + ", saturated: 10-step workflows, " + std::to_string(in_flight_) + " in flight");
        auto const both = measure({tasks_, in_flight_, 10}, rounds_);
        to_.add(both.rate("steps and their submissions", "", bound::ratio_at_least, 0.5));
        both.tell_costs(to_);
    }

    void by_batch()
    {
        to_.section(on_.name() + ", by workflows in flight, which makes batches larger (10 steps each)");
        for (int const in_flight : {1, 10, 100, 1'000}) {
            int const tasks = std::min(tasks_ / 2, 50 * in_flight + 50);
            to_.add(measure({tasks, in_flight, 10}, rounds_ / 2 + 1).rate("steps", std::to_string(in_flight) + " in flight"));
        }
    }

    void by_steps()
    {
        to_.section(on_.name() + ", by steps a workflow (2,000 or all in flight)");
        for (int const steps : {1, 10, 100, 1'000}) {
            int const tasks = std::max(1, tasks_ * 5 / steps);
            to_.add(measure({std::min(tasks, 10'000), 2'000, steps}, rounds_ / 2 + 1).rate("steps", std::to_string(steps) + " steps"));
        }
    }

    benchmark::database& on_;
    int tasks_;
    int in_flight_;
    int rounds_;
    benchmark::report& to_;
};

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words,
                                     "journal [--store SQLite|PostgreSQL ] [--tasks 5000 ] [--in-flight 2000 ] [--rounds 4 ]"};
    auto const folder = std::filesystem::temp_directory_path();
    std::string const store = given.text("--store");
    benchmark::report result{"Plain steps made durable by one engine. Baseline: raw batched writes of the same rows."};
    if (store.empty() || store == "SQLite")
        questions{*benchmark::sqlite(folder), given, result}.answer();
    if (store.empty() || store == "PostgreSQL") {
        benchmark::postgres_server const server{folder};
        questions{*benchmark::postgres(server.connection()), given, result}.answer();
    }
    given.finish(result);
}
