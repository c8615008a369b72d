// Many workers share one PostgreSQL: each is a process of its own, and could as well be on another machine.
// One is killed with -9 amid its work: the others take its tasks over and finish them, and every step counts once.
// What is certain goes to stdout; who did how much, which differs from run to run, goes to stderr.

#include <tasker/tasker.hpp>
#include <tasker/store/postgres_store.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr int orders = 60, victim = 2;
constexpr tasker::engine_options share{.max_resident_tasks = 5, .lease = 2s}; // the other workers take the rest

tasker::workflow fulfil_order(int worker)
{
    auto const work = [worker](tasker::step_context& context) -> tasker::async<int> {
        static int ended = 0;
        co_await context.sleep_for(100ms);
        if (worker == victim && ++ended == 8) // amid the second steps of its tasks
            std::raise(SIGKILL);
        co_return worker;
    };
    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    auto const charged = flow.step("charge", work);
    auto const packed = flow.step("pack", after(tasker::ordering(charged)), work);
    flow.step("ship", after(tasker::ordering(packed)), work);
    return std::move(flow).build();
}

/// The first process submits, works like the others, and hears how all tasks end, wherever they run.
asio::awaitable<void> submit_and_work(tasker::engine& engine)
{
    std::vector<tasker::task_handle> tasks;
    for (int order = 0; order < orders; ++order)
        tasks.push_back(co_await engine.submit("shop/fulfil-order"));
    std::map<int, int> completed; // by each worker
    int once = 0, taken_over = 0;
    tasker::time_point last_sign{}, finished{}; // of the killed worker; the last of its tasks
    for (tasker::task_handle const& task : tasks) {
        int const last = co_await task.result<int>();
        auto const known = co_await engine.load(task.id());
        for (auto const& [no, step] : known->steps) {
            int const worker = tasker::codec<int>::decode(step.result);
            ++completed[worker];
            once += step.attempts == 1; // those that were cut off do not count
            if (worker != victim)
                continue;
            last_sign = std::max(last_sign, *step.finished_at);
            finished = std::max(finished, *known->task.finished_at);
            taken_over += no == 0 && last != victim;
        }
    }
    for (auto const& [worker, steps] : completed)
        std::clog << "worker " << worker << (worker == victim ? " (killed): " : ": ") << steps << " steps\n";
    std::clog << taken_over << " of its tasks were finished " << tasker::to_text(finished - last_sign) << " later\n";
    std::cout << tasks.size() << " tasks are complete, " << once << " steps recorded once\nthe killed worker's tasks: "
              << (taken_over > 0 && finished - last_sign < share.lease + 1s ? "finished in time\n" : "late, or none\n");
    co_await engine.drain();
}

/// The others work until the first process closes the pipe, or dies.
asio::awaitable<void> work(tasker::engine& engine, int pipe)
{
    asio::posix::stream_descriptor first{engine.get_executor(), pipe};
    co_await first.async_wait(first.wait_read, asio::use_awaitable);
    co_await engine.drain();
}

void live(int worker, tasker::postgres_options const& place, int pipe)
{
    asio::io_context io;
    tasker::engine engine{io, tasker::postgres_store{std::getenv("TASKER_POSTGRES"), place}, share};
    engine.add(fulfil_order(worker));
    asio::co_spawn(io, worker == 0 ? submit_and_work(engine) : work(engine, pipe), [](std::exception_ptr problem) {
        if (problem)
            std::rethrow_exception(problem);
    });
    io.run();
}

int main()
{
    int pipe[2];
    if (std::getenv("TASKER_POSTGRES") == nullptr || ::pipe(pipe) != 0) {
        std::cerr << "Say in TASKER_POSTGRES how to connect to a server, or have examples/run start one.\n";
        return 2;
    }
    tasker::postgres_options const place{.schema = "many_workers_" + std::to_string(::getpid())};
    for (int const worker : {1, 2, 3})
        if (::fork() == 0) { // before a store is opened: processes cannot share connections
            ::close(pipe[1]);
            live(worker, place, pipe[0]);
            return 0;
        }
    live(0, place, -1);
    ::close(pipe[1]);
    while (::wait(nullptr) > 0)
        continue;
    soci::session{soci::postgresql, std::getenv("TASKER_POSTGRES")}
        << "do $$ begin set local client_min_messages = error; drop schema " + place.schema + " cascade; end $$";
}
