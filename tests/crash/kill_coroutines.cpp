#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include "ledger.hpp"
#include "worker_process.hpp"

#include <tasker/flow/coroutine_workflow.hpp>
#include <tasker/store/sqlite_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

// A worker runs coroutines on a SQLite file, writes every body's result into a ledger, and is killed with -9 after so many
// lines, again and again, until one lives to the end. By hand, longer: TASKER_CRASH_KILLS=500 tasker_crash_kill_coroutines

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using tasker::step_context;
using tasker::workflow_context;

constexpr int tasks = 12;
constexpr int rounds = 3;
constexpr tasker::step_options quick{.durability = tasker::durability::volatile_};

/// A worker's life. What bodies return names the very execution, so that a result that was told twice would differ.
class worker {
public:
    worker(std::string const& folder, int generation, support::child_process& parent)
        : ledger_{folder + "/ledger"}, generation_{std::to_string(generation)}, parent_{parent},
          engine_{context_, tasker::sqlite_store{folder + "/tasks.db"}, crash::innocent_tasks()}
    {
    }

    int run()
    {
        engine_.add("crash", "child", "1.0.0", [this](workflow_context& wf, int const& number) -> asio::awaitable<std::string> {
            co_return co_await wf.step("within", [&](step_context& s) { return perform(s) + "-" + std::to_string(number); });
        });
        engine_.add("crash", "parent", "1.0.0", [this](workflow_context& wf, int const& number) -> asio::awaitable<std::vector<std::string>> {
            return work(wf, number);
        });
        return crash::run_until_over(context_, submit_all());
    }

private:
    std::string perform(step_context& context)
    {
        std::string const execution = generation_ + "." + std::to_string(++executions_);
        write("begun " + to_text(context.task()) + " " + std::string{context.step()} + " " + execution);
        return execution;
    }

    void write(std::string const& line)
    {
        ledger_.append(line);
        parent_.tell(1);
    }

    /// Everything it was told, in order.
    asio::awaitable<std::vector<std::string>> work(workflow_context& wf, int number)
    {
        std::vector<std::string> told{wf.uuid()};
        std::vector<int> const items{1, 2, 3};
        for (int round = 0; round < rounds; ++round) {
            told.push_back(co_await wf.step("volatile", [this](step_context& s) { return perform(s); }, quick));
            auto const both = co_await (wf.step("left", [this](step_context& s) { return perform(s); }) && wf.child<std::string>("child", "crash/child", number));
            told.push_back(std::get<0>(both));
            told.push_back(std::get<1>(both));
            for (auto const& one : co_await wf.map("item", items, [this](step_context& s, int) { return perform(s); }, {.concurrency = 2}))
                told.push_back(one);
            wf.send(wf.task(), "number", round);
            co_await wf.sleep("rest", 1ms);
            told.push_back(std::to_string(co_await wf.receive<int>("number")));
        }
        co_return told;
    }

    asio::awaitable<void> submit_all()
    {
        std::vector<tasker::task_handle> all;
        for (int number = 0; number < tasks; ++number) {
            std::string const key = "task-" + std::to_string(number);
            tasker::submit_options const options{.key = key, .on_duplicate = tasker::on_duplicate::join};
            all.push_back(co_await engine_.submit("crash/parent", number, options));
        }
        for (tasker::task_handle const& one : all)
            co_await one.result<std::vector<std::string>>();
        co_await engine_.drain();
    }

    crash::ledger ledger_;
    std::string generation_;
    support::child_process& parent_;
    int executions_ = 0;
    asio::io_context context_;
    tasker::engine engine_;
};

/// What a task was told at its end is what its records and its children's say, each recorded once, and was done by some body.
void check_task(tasker::sqlite_store& store, tasker::task_record const& task, std::set<std::string> const& done)
{
    INFO(to_text(task.id));
    CHECK(task.state == tasker::task_state::complete);
    auto const stored = *store.load(task.id);
    std::map<std::string, std::string> results;
    for (auto const& [no, record] : stored.steps)
        results[record.name] = std::string{record.result.text()};
    std::map<tasker::step_no, int> completions;
    for (auto const& line : store.history(task.id))
        if (line.step && line.to == "complete")
            ++completions[*line.step];
    for (auto const& [no, times] : completions)
        CHECK(times == 1);
    auto const told = tasker::codec<std::vector<std::string>>::decode(tasker::payload{results.at("return")});
    REQUIRE(told.size() == 1 + rounds * 7);
    auto const text = [&](std::string const& name) { return tasker::codec<std::string>::decode(tasker::payload{results.at(name)}); };
    CHECK(told[0] == text("uuid:uuid"));
    for (std::size_t round = 0; round < rounds; ++round) {
        std::string const nth = round == 0 ? "" : "#" + std::to_string(round + 1);
        auto const at = told.begin() + static_cast<std::ptrdiff_t>(1 + round * 7);
        CHECK(std::vector<std::string>{at[0], at[1], at[3], at[4], at[5]} ==
              std::vector<std::string>{text("volatile" + nth), text("left" + nth), text("item[0]" + nth), text("item[1]" + nth), text("item[2]" + nth)});
        CHECK(at[6] == std::to_string(round)); // messages come in order, each once
        for (int const one : {0, 1, 3, 4, 5})
            CHECK(done.contains(at[one]));
        CHECK(done.contains(at[2].substr(0, at[2].rfind('-'))));
    }
}

} // namespace

TEST_CASE("coroutines whose process is killed again and again end with what they recorded, and nothing is recorded twice")
{
    auto const seed = static_cast<unsigned>(crash::from_environment("TASKER_CRASH_SEED", static_cast<int>(std::random_device{}() >> 1)));
    INFO("repeat with TASKER_CRASH_SEED=" << seed);
    std::mt19937 random{seed};
    support::scratch_directory const folder;
    int const kills = crash::from_environment("TASKER_CRASH_KILLS", 40);
    int killed = 0;
    for (int generation = 1;; ++generation) {
        support::child_process child{[&](support::child_process& parent) { return worker{folder.path(), generation, parent}.run(); }};
        bool is_alive = true;
        for (auto left = 1 + random() % 20; killed < kills && is_alive && left > 0; --left)
            is_alive = child.hear().has_value();
        if (killed == kills || !is_alive) {
            while (child.hear())
                ;
            REQUIRE(child.wait() == 0);
            break;
        }
        child.kill();
        ++killed;
    }
    CHECK(killed >= 3); // the child may run far ahead of what the parent has heard
    std::set<std::string> done;
    for (auto const& line : crash::ledger::read(folder.path() / "ledger"))
        done.insert(line.at(3));
    tasker::sqlite_store store{folder.path() / "tasks.db"};
    store.migrate();
    auto const parents = store.find({.name = "parent"}, {.limit = 1'000});
    CHECK(parents.size() == tasks);
    CHECK(store.find({.name = "child"}, {.limit = 1'000}).size() == tasks * rounds);
    for (tasker::task_record const& one : parents)
        check_task(store, one, done);
}
