#include <tasker/engine.hpp>
#include <tasker/store/memory_store.hpp>

#include "support/catch.hpp"
#include "support/fleet.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <functional>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("a long run of ready plain steps lets commits and other handlers of the context have their turn")
{
    constexpr int tasks = 200;
    asio::io_context context{1};
    engine here{context, memory_store{}};
    int begun = 0;
    int durable = 0;
    int handlers = 0;
    int durable_before_last = 0;
    int handlers_before_last = 0;
    workflow_builder flow{"real", "busy"};
    flow.step("only", [&] {
        if (++begun == tasks) {
            durable_before_last = durable;
            handlers_before_last = handlers;
        }
        for (auto const end = std::chrono::steady_clock::now() + 2ms; std::chrono::steady_clock::now() < end;) {
        }
    });
    here.add(std::move(flow).build());
    auto const told = here.subscribe([&](step_completed const&) { ++durable; }, {.delivery = delivery::in_place});
    std::vector<support::pending_result<task_handle>> submitted;
    for (int count = 0; count < tasks; ++count)
        submitted.push_back(support::start(context, here.submit("real/busy"))); // all are ready at once
    std::function<void()> const others = [&] {
        handlers += begun > 0 ? 1 : 0;
        if (durable < tasks)
            asio::post(context, others);
    };
    asio::post(context, others);
    while (durable < tasks)
        context.run_one();
    CHECK(begun == tasks);
    CHECK(durable_before_last > 0);
    CHECK(handlers_before_last > 0);
}
