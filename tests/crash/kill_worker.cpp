#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include "ledger.hpp"

#include <tasker/store/sqlite_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>

// A worker runs workflows on a SQLite file, writes every start of a body and every acknowledgement it gets into a ledger,
// and is killed with -9 after a random number of lines, again and again. Killing by progress instead of by time makes
// every generation get somewhere, on any machine.

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr int tasks = 150;
constexpr int kills = 60;

std::string name_of_run(tasker::step_context const& context)
{
    return tasker::to_text(context.task()) + " " + std::string{context.step()};
}

/// A worker's life: submits what is not yet known, works until all is done. Tells its parent of every ledger line.
class worker {
public:
    worker(std::string const& folder, int generation, support::child_process& parent)
        : file_{folder + "/ledger"}, ledger_{file_}, generation_{std::to_string(generation)}, parent_{parent},
          engine_{context_, tasker::sqlite_store{folder + "/tasks.db"}, innocent_tasks()}
    {
        engine_.add(make_workflow());
    }

    int run()
    {
        auto const acknowledged = engine_.subscribe(
            [this](tasker::step_completed const& done) {
                write("told " + tasker::to_text(done.task) + " " + done.step + " " + std::string{done.result.text()});
            },
            {.delivery = tasker::delivery::in_place});
        int code = 1;
        asio::co_spawn(context_, work(), [&](std::exception_ptr problem) {
            code = problem ? 1 : 0;
            context_.stop();
            if (problem)
                std::rethrow_exception(problem);
        });
        context_.run();
        return code;
    }

private:
    void write(std::string const& line)
    {
        ledger_.append(line + " " + generation_);
        parent_.tell(1);
    }

    /// It is not the tasks that kill this worker.
    static tasker::engine_options innocent_tasks()
    {
        tasker::engine_options options;
        options.max_recoveries = kills;
        return options;
    }

    /// The result names the very execution that made it.
    std::string perform(tasker::step_context& context)
    {
        std::string const execution = generation_ + "-" + std::to_string(++executions_);
        write("begun " + name_of_run(context) + " \"" + execution + "\"");
        return execution;
    }

    tasker::workflow make_workflow()
    {
        tasker::step_options const impatient{.retry = {.max_attempts = 3, .backoff = {.initial = 1ms}}};
        tasker::workflow_builder flow{"crash", "diamond", "1.0.0"};
        auto const plain = [this](tasker::step_context& context) { return perform(context); };
        auto const waits = [this](tasker::step_context& context) -> tasker::async<std::string> { return slow(context); };
        auto const root = flow.step("root", plain);
        auto const left = flow.step("left", after(tasker::ordering(root)), waits);
        auto const right = flow.step(
            "right", after(tasker::ordering(root)),
            [this](tasker::step_context& context) {
                if (context.attempt() == 1)
                    throw tasker::transient_error{"the first attempt always fails"};
                return perform(context);
            },
            impatient);
        auto const pooled = flow.step("pooled", after(tasker::ordering(root)), plain, {.run_on = tasker::blocking});
        auto const joined = flow.step("joined", after(tasker::ordering(left), tasker::ordering(right), tasker::ordering(pooled)), plain);
        flow.step("last", after(tasker::ordering(joined)), waits);
        return std::move(flow).build();
    }

    tasker::async<std::string> slow(tasker::step_context& context)
    {
        std::string execution = perform(context);
        co_await context.sleep_for(1ms);
        co_return execution;
    }

    /// What earlier generations were told is stored: they do not submit it again, and so get further than those.
    std::map<std::string, tasker::task_id> known_tasks() const
    {
        std::map<std::string, tasker::task_id> known;
        for (auto const& line : crash::ledger::read(file_))
            if (line.at(0) == "submitted")
                known.emplace(line.at(2), *tasker::parse_id<tasker::task_id>(line.at(1)));
        return known;
    }

    asio::awaitable<void> work()
    {
        std::vector<tasker::task_handle> handles;
        auto const known = known_tasks();
        for (int number = 0; number < tasks; ++number) {
            std::string const key = "task-" + std::to_string(number);
            if (auto const at = known.find(key); at != known.end()) {
                handles.push_back(engine_.task(at->second));
                continue;
            }
            tasker::submit_options const options{.key = key, .on_duplicate = tasker::on_duplicate::join};
            handles.push_back(co_await engine_.submit("crash/diamond", options));
            write("submitted " + tasker::to_text(handles.back().id()) + " " + key);
        }
        for (tasker::task_handle const& one : handles)
            co_await one.result<std::string>();
        co_await engine_.drain();
    }

    std::string file_;
    crash::ledger ledger_;
    std::string generation_;
    support::child_process& parent_;
    std::atomic<int> executions_{0};
    asio::io_context context_;
    tasker::engine engine_;
};

struct facts {
    std::set<std::string> submitted;
    std::map<std::string, std::vector<int>> begun;                      ///< step -> generations that started its body
    std::map<std::string, std::vector<std::pair<std::string, int>>> told; ///< step -> results acknowledged, by generation
};

facts read_facts(std::string const& file)
{
    facts all;
    for (auto const& line : crash::ledger::read(file)) {
        if (line.at(0) == "submitted")
            all.submitted.insert(line.at(1));
        else if (line.at(0) == "begun")
            all.begun[line.at(1) + " " + line.at(2)].push_back(std::stoi(line.at(4)));
        else
            all.told[line.at(1) + " " + line.at(2)].emplace_back(line.at(3), std::stoi(line.at(4)));
    }
    return all;
}

void check_executions(facts const& all)
{
    for (auto const& [step, generations] : all.begun) {
        INFO(step);
        // A body begins again only in a later process: the one it was in flight in was killed.
        CHECK(std::adjacent_find(generations.begin(), generations.end()) == generations.end());
        auto const told = all.told.find(step);
        if (told == all.told.end())
            continue; // killed between the commit and the telling
        CHECK(told->second.size() == 1);
        CHECK(generations.back() <= told->second.front().second);
    }
}

void check_store(facts const& all, std::string const& file)
{
    tasker::sqlite_store store{file};
    store.migrate();
    for (std::string const& id : all.submitted) {
        INFO(id);
        auto const snapshot = store.load(*tasker::parse_id<tasker::task_id>(id));
        REQUIRE(snapshot);
        CHECK(snapshot->task.state == tasker::task_state::complete);
        CHECK(snapshot->steps.size() == 6);
        std::map<tasker::step_no, int> completions;
        for (auto const& change : store.history(snapshot->task.id))
            if (change.step && change.to == "complete")
                ++completions[*change.step];
        for (auto const& [step, record] : snapshot->steps) {
            CHECK(completions[step] == 1);
            static constexpr char const* names[] = {"root", "left", "right", "pooled", "joined", "last"};
            auto const told = all.told.find(id + " " + names[step]);
            if (told != all.told.end()) // what was acknowledged is what is stored: no later execution took its place
                CHECK(told->second.front().first == record.result.text());
        }
    }
    CHECK(store.find({}, {.limit = 1000}).size() == static_cast<std::size_t>(tasks));
}

} // namespace

TEST_CASE("sixty kills lose no acknowledged outcome and repeat only bodies that were in flight [F24]", "[F24]")
{
    char const* const given = std::getenv("TASKER_CRASH_SEED");
    auto const seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
    INFO("repeat with TASKER_CRASH_SEED=" << seed);
    std::mt19937 random{seed};
    support::scratch_directory const folder;

    int killed = 0;
    for (int generation = 0;; ++generation) {
        support::child_process child{
            [&](support::child_process& parent) { return worker{folder.path(), generation, parent}.run(); }};
        int lines = killed < kills ? static_cast<int>(random() % 40U) : -1;
        while (lines != 0 && child.hear())
            --lines;
        if (lines != 0) { // it ended by itself
            REQUIRE(child.wait() == 0);
            break;
        }
        child.kill();
        ++killed;
    }
    CHECK(killed == kills);

    facts const all = read_facts(folder.path() / "ledger");
    std::size_t executions = 0;
    for (auto const& [step, generations] : all.begun)
        executions += generations.size();
    std::cout << "killed " << killed << " times: " << all.begun.size() << " steps took " << executions << " executions\n";
    CHECK(all.submitted.size() == static_cast<std::size_t>(tasks));
    CHECK(all.begun.size() == static_cast<std::size_t>(tasks) * 6);
    check_executions(all);
    check_store(all, folder.path() / "tasks.db");
}
