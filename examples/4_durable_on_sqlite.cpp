// A SQLite file lets a task outlive its process: one is killed with -9 half-way, the next goes on where it was.
// Both run the same code: the key makes the second submission join the task that is there already.
// A step that is recorded as complete never runs again; the one that was cut off does.

#include <tasker/tasker.hpp>
#include <tasker/store/sqlite_store.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace fs = std::filesystem;

enum class fate { dies_while_shipping, lives };

void say(std::string_view what)
{
    std::cout << what << std::endl; // flushed: a killed process has no time to
}

tasker::workflow fulfil_order(fate process)
{
    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    auto const charged = flow.step("charge", [] {
        say("  charge: takes 40 euros");
        return std::string{"receipt 4711"};
    });
    auto const packed = flow.step("pack", after(ordering(charged)), [] {
        say("  pack: fills a box");
        return std::string{"box 12"};
    });
    flow.step("ship", after(charged, packed), [process](std::string const& receipt, std::string const& box) {
        say("  ship: calls the carrier");
        if (process == fate::dies_while_shipping)
            std::raise(SIGKILL);
        return box + " is on its way, with " + receipt;
    });
    return std::move(flow).build();
}

/// Prints what the store knows of unfinished tasks.
asio::awaitable<void> tell_what_is_known(tasker::engine& engine, tasker::workflow const& flow)
{
    tasker::task_filter const every_task; // named: g++ 12 destroys an owning temporary inside co_await twice
    std::vector<tasker::task_record> const tasks = co_await engine.find(every_task);
    say(tasks.empty() ? "  the file is empty" : "  the file has a task");
    for (tasker::task_record const& task : tasks) {
        auto const known = co_await engine.load(task.id);
        for (auto const& [no, step] : known->steps)
            if (step.state == tasker::step_state::complete)
                say("  " + flow.shape().step(no).name + " is complete: " + std::string{step.result.text()});
    }
}

asio::awaitable<void> serve(asio::io_context& io, fs::path const& file, fate process)
{
    tasker::engine engine{io, tasker::sqlite_store{file}};
    tasker::workflow const flow = fulfil_order(process);
    co_await tell_what_is_known(engine, flow);

    engine.add(flow); // from here on, tasks that dead processes left behind are taken over
    tasker::task_handle const task =
        co_await engine.submit("shop/fulfil-order", {.key = "order-17", .on_duplicate = tasker::on_duplicate::join});
    say("  result: " + co_await task.result<std::string>());
}

void run(fs::path const& file, fate process)
{
    asio::io_context io;
    asio::co_spawn(io, serve(io, file, process), [](std::exception_ptr problem) {
        if (problem)
            std::rethrow_exception(problem);
    });
    io.run();
}

int main()
{
    fs::path const folder = fs::temp_directory_path() / ("tasker-course-" + std::to_string(::getpid()));
    fs::create_directory(folder);

    say("The first process:");
    pid_t const child = ::fork();
    if (child == 0) {
        run(folder / "orders.db", fate::dies_while_shipping);
        return 0;
    }
    int ended = 0;
    ::waitpid(child, &ended, 0);
    say(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL ? "  killed with -9" : "  ended, but should have been killed");

    say("The second process:");
    run(folder / "orders.db", fate::lives);
    fs::remove_all(folder);
}
