// A task of two steps on the memory store.
#include <tasker/tasker.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

namespace asio = boost::asio;

namespace {

tasker::workflow arithmetic()
{
    tasker::workflow_builder flow{"install", "arithmetic", "1.0.0"};
    auto const six = flow.step("six", [] { return 6; });
    flow.step("product", after(six), [](int const& value) { return value * 7; });
    return std::move(flow).build();
}

asio::awaitable<void> run(asio::io_context& io, int& product)
{
    tasker::engine engine{io, tasker::memory_store{}};
    engine.add(arithmetic());
    tasker::task_handle const task = co_await engine.submit("install/arithmetic");
    product = co_await task.result<int>();
    co_await engine.drain();
}

} // namespace

int main()
{
    asio::io_context io;
    int product = 0;
    asio::co_spawn(io, run(io, product), [](std::exception_ptr problem) {
        if (problem)
            std::rethrow_exception(problem);
    });
    io.run();
    return product == 42 ? 0 : 1;
}
