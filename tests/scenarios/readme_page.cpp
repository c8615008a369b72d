#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include <tasker/store/sqlite_store.hpp>
#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/describe/class.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

// The page that the README shows, compiled and run. The last test fails when the two differ, or what it shows of
// PostgreSQL differs from readme_postgres.cpp.

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

struct order { std::string sku; int quantity; };        BOOST_DESCRIBE_STRUCT(order, (), (sku, quantity))
struct receipt { std::string id; };                     BOOST_DESCRIBE_STRUCT(receipt, (), (id))
struct reservation { std::string shelf; };              BOOST_DESCRIBE_STRUCT(reservation, (), (shelf))
struct parcel { std::string label; };                   BOOST_DESCRIBE_STRUCT(parcel, (), (label))

asio::awaitable<receipt>     charge (tasker::step_context&, order const&);   // ordinary coroutines: unit-test them without an engine
asio::awaitable<reservation> reserve(tasker::step_context&, order const&);
asio::awaitable<parcel>      ship   (tasker::step_context&, receipt const&, reservation const&);

constexpr tasker::retry_policy patient{.max_attempts = 5,
    .backoff = tasker::exponential{.initial = 200ms, .factor = 2.0, .cap = 30s}, .jitter = tasker::jitter::none};

tasker::workflow fulfil_order()                         // edges are handles, results arrive as arguments:
{                                                       // a typo, a cycle or a type mismatch does not compile
    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    auto const placed   = flow.input<order>();
    auto const paid     = flow.step("charge",  after(placed), charge, {.retry = patient, .timeout = 10s});
    auto const reserved = flow.step("reserve", after(placed), reserve);
    flow.step("ship", after(paid, reserved), ship);
    return std::move(flow).build();
}

asio::awaitable<void> serve()
{
    tasker::engine engine{co_await asio::this_coro::executor, tasker::sqlite_store{"orders.db"}};
    engine.add(fulfil_order());
    auto const log = engine.subscribe([](tasker::step_failed const& e) { std::clog << e.step << ": " << e.what << '\n'; });
    order const placed{"A1", 2};
    tasker::task_handle const task = co_await engine.submit("shop/fulfil-order", placed);
    parcel const sent = co_await task.result<parcel>();
    co_await engine.drain();
    CHECK(sent.label == "A1-17");
}

using namespace asio::experimental::awaitable_operators; // <boost/asio/experimental/awaitable_operators.hpp>: && and ||

asio::awaitable<parcel> fulfil(tasker::workflow_context& wf, order const& placed)
{
    auto const both = co_await (wf.step("charge", [&](tasker::step_context& s) { return charge(s, placed); }, {.retry = patient})
                             && wf.step("reserve", [&](tasker::step_context& s) { return reserve(s, placed); }));
    co_await wf.sleep("cool-off", 24h);
    co_await wf.receive<std::string>("approval", {.timeout = 72h});
    co_return co_await wf.step("ship", [&](tasker::step_context& s) { return ship(s, std::get<0>(both), std::get<1>(both)); });
}

asio::awaitable<receipt> charge(tasker::step_context& context, order const& placed)
{
    if (context.attempt() <= 2)
        throw tasker::transient_error{"the bank is busy"};
    co_return receipt{placed.sku};
}

asio::awaitable<reservation> reserve(tasker::step_context&, order const&)
{
    co_return reservation{"17"};
}

asio::awaitable<parcel> ship(tasker::step_context&, receipt const& paid, reservation const& reserved)
{
    co_return parcel{paid.id + "-" + reserved.shelf};
}

std::string text_of(std::filesystem::path const& file)
{
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("charge backs off exponentially and then succeeds")
{
    tasker::testing::simulation sim;                    // the same engine, virtual time
    auto const report = sim.run(fulfil_order(), order{"A1", 2});
    CHECK(report.state == tasker::task_state::complete);
    CHECK(report.elapsed == 200ms + 400ms);             // two failures; exact, because the clock jumps
}

TEST_CASE("the README's coroutine waits for its approval")
{
    tasker::testing::simulation sim;
    auto const task = sim.submit(tasker::coroutine_workflow("shop", "fulfil", "1.0.0", fulfil), order{"A1", 2});
    sim.advance(30h);
    sim.await(sim.engine().send(task, "approval", "yes"));
    sim.finish(task);
    CHECK(sim.report(task).result<parcel>().label == "A1-17");
}

TEST_CASE("the page that the README shows runs on SQLite")
{
    support::scratch_directory const folder;
    auto const before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    asio::io_context context;
    std::exception_ptr problem;
    asio::co_spawn(context, serve(), [&](std::exception_ptr thrown) { problem = thrown; });
    context.run();
    std::filesystem::current_path(before);
    CHECK_FALSE(problem);
    CHECK(std::filesystem::exists(folder.path() / "orders.db"));
}

TEST_CASE("the page that the README shows is the one that is tested")
{
    std::filesystem::path const here{__FILE__};
    std::string const tested = text_of(here) + text_of(here.parent_path() / "readme_postgres.cpp");
    std::istringstream readme{text_of(std::filesystem::path{TASKER_SOURCE_DIRECTORY} / "README.md")};
    bool inside = false;
    int lines = 0;
    for (std::string line; std::getline(readme, line);) {
        if (line.starts_with("```"))
            inside = line == "```cpp";
        else if (inside && !line.empty()) {
            INFO(line);
            CHECK(tested.find(line) != std::string::npos);
            ++lines;
        }
    }
    CHECK(lines > 30); // the page was found at all
}
