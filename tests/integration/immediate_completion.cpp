#include <tasker/engine.hpp>
#include <tasker/store/memory_store.hpp>

#include "support/catch.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

using names = std::vector<std::string>;

/// What the bodies of a random workflow see, while they run in an engine whose store they look into.
struct watched_run {
    memory_store store;
    bool saw_unstored_parent = false;

    /// Throws on some first attempts; says so when a parent is not stored as complete.
    int look(step_context& context, std::vector<step_no> const& parents, bool fails_first)
    {
        auto const stored = store.load(context.task()).value();
        for (step_no const parent : parents) {
            auto const row = std::find_if(stored.steps.begin(), stored.steps.end(), [&](auto const& one) { return one.first == parent; });
            saw_unstored_parent = saw_unstored_parent || row == stored.steps.end() || row->second.state != step_state::complete;
        }
        if (fails_first && context.attempt() == 1)
            throw retry_after{0s};
        return static_cast<int>(parents.size());
    }
};

async<int> stays(std::shared_ptr<watched_run> seen, step_context& context, std::vector<step_no> parents, bool fails)
{
    co_return seen->look(context, parents, fails);
}

async<int> leaves(std::shared_ptr<watched_run> seen, step_context& context, std::vector<step_no> parents, bool fails)
{
    co_await asio::post(context.get_executor(), asio::deferred);
    co_return seen->look(context, parents, fails);
}

asio::awaitable<int> awaits(std::shared_ptr<watched_run> seen, step_context& context, std::vector<step_no> parents, bool fails)
{
    co_return seen->look(context, parents, fails);
}

/// Steps with bodies of all kinds, the same for the same seed.
workflow random_workflow(std::shared_ptr<watched_run> const& seen, std::uint32_t seed)
{
    std::mt19937 random{seed};
    auto const below = [&](std::uint32_t bound) { return std::uniform_int_distribution<std::uint32_t>{0, bound - 1}(random); };
    workflow_builder flow{"random", "flow"};
    std::uint32_t const size = 1 + below(14);
    for (step_no no = 0; no < size; ++no) {
        std::vector<step_no> parents;
        for (step_no parent = 0; parent < no; ++parent)
            if (below(4) == 0)
                parents.push_back(parent);
        names edges;
        for (step_no const parent : parents)
            edges.push_back(std::to_string(parent));
        bool const fails = below(6) == 0;
        std::uint32_t const kind = below(6);
        auto const add = [&](auto body) { flow.step(std::to_string(no), named_edges{edges}, body); };
        if (kind == 0)
            add([=](step_context& context) { return leaves(seen, context, parents, fails); });
        else if (kind == 1)
            add([=](step_context& context) { return awaits(seen, context, parents, fails); });
        else if (kind == 2)
            add([=](step_context& context) { return stays(seen, context, parents, fails); });
        else
            add([=](step_context& context) {
                if (kind == 3)
                    context.publish("random.said");
                return seen->look(context, parents, fails);
            });
    }
    return std::move(flow).build();
}

/// Each step's lines of the audit trail and the task's own, in order, without times.
using trail = std::map<std::optional<step_no>, names>;

struct outcome {
    trail lines;
    std::vector<step_record> steps; ///< without times
};

outcome as_outcome(memory_store& store, task_id task)
{
    outcome seen;
    for (auto const& line : store.history(task))
        seen.lines[line.step].push_back(std::string{line.from.text()} + ">" + std::string{line.to.text()} + " " + std::to_string(line.attempt));
    auto const stored = store.load(task).value();
    for (auto [no, record] : stored.steps) {
        record.started_at = record.finished_at = record.next_retry_at = std::nullopt;
        seen.steps.push_back(record);
    }
    return seen;
}

void run_to_end(asio::io_context& context, asio::awaitable<void> work)
{
    std::exception_ptr problem;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown) {
        problem = thrown;
        context.stop();
    });
    context.run();
    if (problem)
        std::rethrow_exception(problem);
}

asio::awaitable<void> run_one(engine& here, task_id& made)
{
    task_handle const task = co_await here.submit("random/flow");
    made = task.id();
    co_await task.result();
}

outcome run(std::uint32_t seed, bool& saw_unstored_parent, std::vector<event>* heard)
{
    auto const seen = std::make_shared<watched_run>();
    asio::io_context context;
    engine here{context, seen->store};
    subscription listening;
    if (heard != nullptr)
        listening = here.subscribe([heard](event const& one) { heard->push_back(one); }, subscribe_options{.delivery = delivery::in_place});
    here.add(random_workflow(seen, seed));
    task_id made;
    run_to_end(context, run_one(here, made));
    saw_unstored_parent = saw_unstored_parent || seen->saw_unstored_parent;
    return as_outcome(seen->store, made);
}

asio::awaitable<void> submit_and_drain(engine& here)
{
    co_await here.submit("test/stolen");
    co_await here.drain();
}

} // namespace

TEST_CASE("steps that nobody hears of start after their parents are stored, and leave the rows and lines that they leave when somebody does")
{
    bool saw_unstored_parent = false;
    for (std::uint32_t seed = 0; seed < 150; ++seed) {
        std::vector<event> heard;
        outcome const alone = run(seed, saw_unstored_parent, nullptr);
        outcome const watched = run(seed, saw_unstored_parent, &heard);
        CAPTURE(seed);
        CHECK(alone.lines == watched.lines);
        CHECK(alone.steps == watched.steps);
        CHECK_FALSE(heard.empty());
        CHECK_FALSE(saw_unstored_parent);
    }
}

TEST_CASE("a step that nobody hears of is not recorded once another worker has its task, and starts no child")
{
    memory_store store;
    asio::io_context context;
    engine here{context, store};
    bool is_stolen = false;
    bool went_on = false;
    workflow_builder flow{"test", "stolen"};
    auto const first = flow.step("first", [] { return 1; });
    auto const second = flow.step("second", after(first), [&](step_context& step, int) {
        std::vector<workflow_id> const workflows{1};
        is_stolen = store.claim({worker_id{9, 9}, step.now() + 1h, 0, workflows, step.task()}).size() == 1;
        return 2;
    });
    auto const third = flow.step("third", after(second), [&](int) { return went_on = true; });
    flow.step("fourth", after(third), [](bool) {});
    here.add(std::move(flow).build());
    run_to_end(context, submit_and_drain(here));
    CHECK(is_stolen);
    CHECK_FALSE(went_on);
    auto const all = store.find({}, {});
    REQUIRE(all.size() == 1);
    CHECK(all.front().worker == worker_id{9, 9});
    CHECK(store.load(all.front().id)->steps.size() == 1); // what was committed before
}
