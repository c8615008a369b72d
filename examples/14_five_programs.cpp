// Five programs that a declared graph cannot say, as coroutines; five_programs.md compares them with other engines.
// The main program runs them on virtual time, so 72 hours take no time.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <boost/describe/class.hpp>

#include <cstddef>
#include <chrono>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using tasker::testing::simulation;

struct order {
    std::string id;
    int amount = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, amount))

// ---- what the programs act on: a shop, an image store, a travel agency, a job queue

std::string ship(order const& placed) { return "parcel of " + placed.id; }
void refund(order const& placed) { std::cout << "  refunded " << placed.amount << '\n'; }
int resize(std::string const& image) { return static_cast<int>(image.size()); }
std::string book(std::string const& what, std::string const& trip)
{
    if (what == "car")
        throw tasker::permanent_error{"no car is left"};
    return what + " of " + trip;
}
void unbook(std::string const& what, std::string const& trip) { std::cout << "  gave back the " << what << " of " << trip << '\n'; }
int looks = 0;
std::string status(std::string const&) { return ++looks < 2500 ? "running" : "done"; }
int sales(std::string const& region) { return region == "north" ? 30 : 12; }

// ---- 1: approval with a timeout

asio::awaitable<std::string> approve(tasker::workflow_context& wf, order const& placed)
{
    std::string refusal = "too late";
    try {
        if (co_await wf.receive<bool>("approval", {.timeout = 72h}))
            co_return co_await wf.step("ship", [&] { return ship(placed); });
        refusal = "refused";
    } catch (tasker::receive_timeout const&) {
    }
    co_await wf.step("refund", [&] { refund(placed); });
    co_return refusal;
}

// ---- 2: fan-out over a thousand items, fifty at a time

asio::awaitable<int> resize_all(tasker::workflow_context& wf, std::vector<std::string> const& images)
{
    auto const sizes = co_await wf.map("resize", images, resize, {.concurrency = 50});
    co_return std::accumulate(sizes.begin(), sizes.end(), 0);
}

// ---- 3: a saga

asio::awaitable<std::vector<std::string>> book_trip(tasker::workflow_context& wf, std::string const& trip)
{
    std::vector<std::string> booked;
    for (std::string const what : {"flight", "hotel", "car"}) {
        wf.compensate(what, [=] { unbook(what, trip); });
        booked.push_back(co_await wf.step(what, [&] { return book(what, trip); }));
    }
    co_return booked;
}

// ---- 4: a loop that polls

asio::awaitable<std::string> await_job(tasker::workflow_context& wf, std::string const& job)
{
    for (int round = 0; round < 1'000; ++round) {
        std::string const now = co_await wf.step("status", [&] { return status(job); });
        if (now != "running")
            co_return now;
        co_await wf.sleep("pause", 10s);
    }
    wf.continue_as_new(job);
}

// ---- 5: a parent with children

asio::awaitable<int> region_report(tasker::workflow_context& wf, std::string const& region)
{
    co_return co_await wf.step("sales", [&] { return sales(region); });
}

asio::awaitable<int> report(tasker::workflow_context& wf, std::vector<std::string> const& regions)
{
    std::vector<tasker::task_id> children;
    for (std::string const& region : regions)
        children.push_back(co_await wf.start(region, "office/region-report", region));
    int sum = 0;
    for (std::size_t at = 0; at < regions.size(); ++at)
        sum += co_await wf.join<int>(regions[at], children[at]);
    co_return sum;
}

// ---- run them

int main()
{
    simulation sim;
    auto const approval = tasker::coroutine_workflow("shop", "approve", "1.0.0", approve);
    std::cout << "approval\n";
    auto const approved = sim.submit(approval, order{"A1", 20});
    sim.await(sim.engine().send(approved, "approval", true));
    sim.finish(approved);
    std::cout << "  " << sim.report(approved).result<std::string>() << '\n';
    auto const forgotten = sim.run(approval, order{"A2", 7});
    std::cout << "  " << forgotten.result<std::string>() << " after "
              << std::chrono::duration_cast<std::chrono::hours>(forgotten.elapsed).count() << " h\n";

    std::cout << "fan-out\n";
    auto const resized = sim.run(tasker::coroutine_workflow("images", "resize-all", "1.0.0", resize_all), std::vector<std::string>(1'000, "cat.png"));
    std::cout << "  " << resized.result<int>() << " bytes\n";

    std::cout << "saga\n";
    auto const trip = sim.run(tasker::coroutine_workflow("travel", "book-trip", "1.0.0", book_trip), std::string{"May"});
    std::cout << "  the trip is " << name(trip.state) << '\n';

    std::cout << "polling\n";
    auto const job = sim.run(tasker::coroutine_workflow("jobs", "await-job", "1.0.0", await_job), std::string{"7"});
    std::cout << "  the job is " << job.result<std::string>() << " after " << looks << " looks\n";

    std::cout << "parent and children\n";
    sim.add(tasker::coroutine_workflow("office", "region-report", "1.0.0", region_report));
    auto const all = sim.run(tasker::coroutine_workflow("office", "report", "1.0.0", report), std::vector<std::string>{"north", "south"});
    std::cout << "  sold " << all.result<int>() << '\n';
}
