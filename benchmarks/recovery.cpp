// A worker is killed with -9 while a thousand workflows are in flight, and started again: how long until the last of them is
// finished, how many steps ran twice, and whether one was lost. Beside a run that nobody kills.

#include "child.hpp"
#include "load.hpp"
#include "postgres_server.hpp"
#include "report.hpp"
#include "stores.hpp"
#include "watch.hpp"

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

namespace asio = boost::asio;
using benchmark::bound;
using benchmark::samples;

constexpr int steps_a_task = 10;
constexpr int most_tasks = 1'000;

/// What all processes see, and what outlives those that are killed.
struct tally {
    std::atomic<int> runs[most_tasks * steps_a_task];
    std::atomic<int> run_in_all;
    std::atomic<int> finished;
};

class shared_tally {
public:
    shared_tally()
        : memory_{::mmap(nullptr, sizeof(tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)}
    {
        if (memory_ == MAP_FAILED)
            throw std::runtime_error{"no shared memory is left"};
        counts_ = new (memory_) tally{};
    }
    ~shared_tally() { ::munmap(memory_, sizeof(tally)); }
    shared_tally(shared_tally const&) = delete;
    shared_tally& operator=(shared_tally const&) = delete;

    tally& operator*() const { return *counts_; }
    tally* operator->() const { return counts_; }

private:
    void* memory_;
    tally* counts_;
};

/// Ten steps, each of which counts how often it ran; its input is the task's number.
tasker::workflow counting_chain(tally& all)
{
    tasker::workflow_builder flow{"benchmark", "counting", "1.0.0"};
    auto const count = [&all](int task, int step) {
        ++all.runs[task * steps_a_task + step];
        ++all.run_in_all;
        return task;
    };
    auto last = flow.step("step 0", after(flow.input<int>()), [count](int task) { return count(task, 0); });
    for (int no = 1; no < steps_a_task; ++no)
        last = flow.step("step " + std::to_string(no), after(last), [count, no](int task) { return count(task, no); });
    return std::move(flow).build();
}

asio::awaitable<void> submit(tasker::engine& engine, int task)
{
    co_await engine.submit("benchmark/counting", task);
}

/// A process that works until somebody kills it; its engine submits all tasks first when it is told to.
enum class role { submits, takes_over };

void work(benchmark::child& self, benchmark::database& on, tally& all, int tasks, role as)
{
    asio::io_context io{1};
    tasker::engine engine{io, on.open()};
    auto const told = engine.subscribe([&all](tasker::task_completed const&) { ++all.finished; },
                                       {.delivery = tasker::delivery::in_place});
    if (as == role::submits)
        self.be_ready();
    engine.add(counting_chain(all));
    for (int task = 0; as == role::submits && task < tasks; ++task)
        asio::co_spawn(io, submit(engine, task), benchmark::rethrow);
    asio::co_spawn(io, engine.run(), benchmark::rethrow);
    io.run();
}

std::unique_ptr<benchmark::child> start(benchmark::database& on, tally& all, int tasks, role as)
{
    return std::make_unique<benchmark::child>([&](benchmark::child& self) { work(self, on, all, tasks, as); });
}

void wait_for(std::atomic<int> const& count, int at_least)
{
    benchmark::watch patience;
    while (count < at_least) {
        if (patience.seconds() > 60)
            throw std::runtime_error{"a task was lost: not all were finished within a minute"};
        std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
}

/// From the first submission to the last end, without a kill.
double seconds_undisturbed(benchmark::database& on, int tasks)
{
    on.clear();
    shared_tally const all;
    auto const worker = start(on, *all, tasks, role::submits);
    worker->wait_until_ready();
    benchmark::watch const taken;
    worker->go();
    wait_for(all->finished, tasks);
    return taken.seconds();
}

struct aftermath {
    double seconds = 0; ///< from the kill to the last end
    int in_flight = 0;  ///< steps that had run and whose end was not in the store
    int ran_twice = 0;
};

int finished_steps(tasker::any_store& store)
{
    auto const counts = store.statistics({}, {});
    auto const at = counts.steps.find(tasker::step_state::complete);
    return at == counts.steps.end() ? 0 : static_cast<int>(at->second);
}

/// An end that was recorded but not yet told of is told by nobody any more, so the store is asked.
void wait_for_end(benchmark::database& on, int steps)
{
    benchmark::watch patience;
    auto store = on.open();
    while (finished_steps(store) < steps) {
        if (patience.seconds() > 60)
            throw std::runtime_error{"a task was lost: not all were finished within a minute"};
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

aftermath kill_and_restart(benchmark::database& on, int tasks)
{
    on.clear();
    shared_tally const all;
    auto const victim = start(on, *all, tasks, role::submits);
    victim->wait_until_ready();
    victim->go();
    wait_for(all->run_in_all, tasks * steps_a_task / 2);
    victim->kill();
    benchmark::watch const since;
    aftermath found;
    int recorded = 0;
    {
        auto store = on.open(); // which must be closed when the next process begins
        recorded = finished_steps(store);
    }
    found.in_flight = all->run_in_all - recorded;
    auto const successor = start(on, *all, tasks, role::takes_over);
    wait_for_end(on, tasks * steps_a_task);
    found.seconds = since.seconds();
    for (int at = 0; at < tasks * steps_a_task; ++at) {
        if (all->runs[at] == 0)
            throw std::runtime_error{"a step never ran"};
        found.ran_twice += all->runs[at] - 1;
    }
    if (found.ran_twice > found.in_flight)
        throw std::runtime_error{"a step ran again whose end was in the store"};
    return found;
}

void answer(benchmark::report& to, benchmark::database& on, int tasks, int rounds)
{
    samples undisturbed;
    samples killed;
    samples ran_twice;
    samples in_flight;
    for (int round = 0; round < rounds; ++round) {
        benchmark::tell("recovery on " + on.name() + ", kill " + std::to_string(round + 1));
        undisturbed.push_back(seconds_undisturbed(on, tasks));
        aftermath const found = kill_and_restart(on, tasks);
        killed.push_back(found.seconds);
        ran_twice.push_back(found.ran_twice);
        in_flight.push_back(found.in_flight);
    }
    double const lease = std::chrono::duration<double>(tasker::engine_options{}.lease).count();
    to.section(on.name() + ": " + std::to_string(tasks) + " ten-step workflows in flight, " + std::to_string(rounds) + " kills, none lost");
    to.add(compared("from the kill to the last end; baseline: the whole run undisturbed", "s", killed, undisturbed,
                    bound::figure_at_most, lease + 2));
    to.add(compared("steps that ran twice; baseline: those whose end was not yet stored", "steps", ran_twice, in_flight,
                    bound::ratio_at_most, 1));
}

} // namespace

int main(int count, char** words)
{
    benchmark::arguments const given{count, words, "recovery [--tasks 1000 ] [--rounds 5 ]"};
    int const tasks = given.number("--tasks", most_tasks, 50);
    int const rounds = given.number("--rounds", 5, 1);
    if (tasks > most_tasks) {
        std::cerr << "at most " << most_tasks << " tasks\n";
        return 2;
    }
    auto const folder = std::filesystem::temp_directory_path();
    benchmark::report result{"kill -9 in the middle, and a restart on the same machine."};
    answer(result, *benchmark::sqlite(folder), tasks, rounds);
    benchmark::postgres_server const server{folder};
    answer(result, *benchmark::postgres(server.connection()), tasks, rounds);
    given.finish(result);
}
