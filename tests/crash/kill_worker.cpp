#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include "ledger.hpp"
#include "worker_process.hpp"

#include <tasker/store/sqlite_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <ios>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// A worker runs workflows on a SQLite file, writes every start of a body and every acknowledgement it gets into a ledger,
// and is killed with -9 at random, again and again. What it tells its parent says how far its recovery from the kill
// before has come, and so what a kill met; a kill of which enough were had is not aimed at again. By hand, longer:
//
//     TASKER_CRASH_KILLS=2000 tasker_crash_kill_worker

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr std::size_t tasks_at_once = 40;

/// What a worker tells its parent.
enum class news : std::uint64_t {
    awake,     ///< it lives, and has not touched the file yet
    claimed,   ///< took one task over from its dead predecessor
    recovered, ///< every unfinished task that it found in the ledger has got one step further, or was over
    line,      ///< wrote into the ledger
};

/// What the ledger tells. The parent reads on after each kill, and a worker knows what its parent knew.
class facts {
public:
    explicit facts(std::string file) : file_{std::move(file)} {}

    void read_on()
    {
        for (auto const& line : crash::ledger::read_on(file_, position_)) {
            if (line.at(0) == "submitted")
                submitted.emplace(line.at(2), *tasker::parse_id<tasker::task_id>(line.at(1)));
            else if (line.at(0) == "ended")
                ended.insert(*tasker::parse_id<tasker::task_id>(line.at(1)));
            else if (line.at(0) == "begun")
                begun[line.at(1) + " " + line.at(2)].push_back(std::stoi(line.at(4)));
            else
                told[line.at(1) + " " + line.at(2)].emplace_back(line.at(3), std::stoi(line.at(4)));
        }
    }

    std::set<tasker::task_id> unfinished() const
    {
        std::set<tasker::task_id> left;
        for (auto const& [key, id] : submitted)
            if (!ended.contains(id))
                left.insert(id);
        return left;
    }

    std::map<std::string, tasker::task_id> submitted;                     ///< by key
    std::set<tasker::task_id> ended;
    std::map<std::string, std::vector<int>> begun;                        ///< step -> generations that started its body
    std::map<std::string, std::vector<std::pair<std::string, int>>> told; ///< step -> results acknowledged, by generation

private:
    std::string file_;
    std::streamoff position_ = 0;
};

std::string name_of_run(tasker::step_context const& context)
{
    return tasker::to_text(context.task()) + " " + std::string{context.step()};
}

/// A worker's life: recovers what it finds, submits until there were `most` tasks, works until all are over.
class worker {
public:
    worker(std::string const& folder, int generation, facts const& known, std::size_t most, support::child_process& parent)
        : ledger_{folder + "/ledger"}, generation_{std::to_string(generation)}, known_{known},
          found_{known.unfinished()}, most_{most}, parent_{parent},
          engine_{context_, tasker::sqlite_store{folder + "/tasks.db"}, crash::innocent_tasks()}
    {
    }

    int run()
    {
        tasker::subscribe_options const at_once{.delivery = tasker::delivery::in_place};
        auto const claimed = engine_.subscribe([this](tasker::task_claimed const&) { tell(news::claimed); }, at_once);
        auto const told = engine_.subscribe(
            [this](tasker::step_completed const& done) {
                write("told " + tasker::to_text(done.task) + " " + done.step + " " + std::string{done.result.text()});
                got_further(done.task);
            },
            at_once);
        engine_.add(make_workflow());
        start(work());
        context_.run();
        return 0;
    }

private:
    void tell(news what) { parent_.tell(static_cast<std::uint64_t>(what)); }

    void write(std::string const& line)
    {
        ledger_.append(line + " " + generation_);
        tell(news::line);
    }

    void got_further(tasker::task_id task)
    {
        if (found_.erase(task) == 1 && found_.empty())
            tell(news::recovered);
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

    /// Whichever is over last ends this life.
    void start(asio::awaitable<void> errand)
    {
        ++errands_;
        asio::co_spawn(context_, run_errand(std::move(errand)), [](std::exception_ptr problem) {
            if (problem)
                std::rethrow_exception(problem);
        });
    }

    asio::awaitable<void> run_errand(asio::awaitable<void> errand)
    {
        co_await std::move(errand);
        if (--errands_ != 0)
            co_return;
        co_await engine_.drain();
        context_.stop();
    }

    asio::awaitable<void> watch(tasker::task_handle task)
    {
        co_await task.result<std::string>();
        write("ended " + tasker::to_text(task.id()));
        got_further(task.id());
    }

    asio::awaitable<void> work()
    {
        if (found_.empty())
            tell(news::recovered);
        for (tasker::task_id const id : std::set{found_})
            start(watch(engine_.task(id)));
        for (std::size_t number = 0; number < most_; ++number) {
            std::string const key = "task-" + std::to_string(number);
            if (known_.submitted.contains(key))
                continue;
            tasker::submit_options const options{.key = key, .on_duplicate = tasker::on_duplicate::join};
            tasker::task_handle const task = co_await engine_.submit("crash/diamond", options);
            write("submitted " + tasker::to_text(task.id()) + " " + key);
            start(watch(task));
        }
    }

    crash::ledger ledger_;
    std::string generation_;
    facts const& known_;
    std::set<tasker::task_id> found_; ///< unfinished when this life began, and no step further since
    std::size_t most_;                ///< tasks submitted, by all generations
    support::child_process& parent_;
    std::atomic<int> executions_{0};
    int errands_ = 0;
    asio::io_context context_;
    tasker::engine engine_;
};

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
    for (auto const& [key, id] : all.submitted) {
        INFO(key);
        auto const snapshot = store.load(id);
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
            auto const told = all.told.find(tasker::to_text(id) + " " + names[step]);
            if (told != all.told.end()) // what was acknowledged is what is stored: no later execution took its place
                CHECK(told->second.front().first == record.result.text());
        }
    }
    CHECK(store.find({}, {.limit = 100'000}).size() == all.submitted.size());
}

/// What a kill met.
enum class moment : std::size_t {
    starting,   ///< the worker had not taken over any task yet
    recovering, ///< some were taken over, not all of them had got further
    working,
};

/// Starts workers one after another and kills them.
class killer {
public:
    explicit killer(unsigned seed) : random_{seed} {}

    void run()
    {
        while (killed_[0] < kills_ / 4 || killed_[1] < kills_ / 4 || killed_[2] < kills_ / 2) {
            REQUIRE(generation_ < 20 * kills_); // workers end by themselves, or never get to the moment that is wanted
            live_and_die();
        }
        ++generation_;
        std::size_t const most = known_.submitted.size() + 1; // one may be stored and not be noted
        support::child_process last{[&](support::child_process& parent) { return live(parent, most); }};
        CHECK(last.wait() == 0);
        known_.read_on();
    }

    int killed(moment when) const { return killed_[static_cast<std::size_t>(when)]; }
    facts const& known() const { return known_; }
    std::string store() const { return folder_.path() / "tasks.db"; }

private:
    /// What was heard of the present worker.
    struct life {
        bool has_claimed = false;
        bool has_recovered = false;
        std::chrono::steady_clock::time_point awake{};

        moment now() const
        {
            return has_recovered ? moment::working : has_claimed ? moment::recovering : moment::starting;
        }
    };

    int live(support::child_process& parent, std::size_t most)
    {
        parent.tell(static_cast<std::uint64_t>(news::awake));
        return worker{folder_.path(), generation_, known_, most, parent}.run();
    }

    void live_and_die()
    {
        ++generation_;
        std::size_t const most = known_.ended.size() + tasks_at_once;
        support::child_process child{[&](support::child_process& parent) { return live(parent, most); }};
        life of;
        bool const is_alive = wait_for_moment(child, of);
        if (is_alive) {
            child.kill();
            while (hear(child, of)) {
            }
            ++killed_[static_cast<std::size_t>(of.now())];
        } else {
            REQUIRE(child.wait() == 0);
        }
        known_.read_on();
    }

    /// Whether the child lives still. The first stretch has no news in it: there, time must do.
    bool wait_for_moment(support::child_process& child, life& of)
    {
        moment const wanted = most_wanted();
        if (!hear(child, of))
            return false;
        if (wanted == moment::starting) {
            std::this_thread::sleep_for(start_up_ * static_cast<double>(random_() % 1000) / 1000);
            return true;
        }
        while (of.now() < wanted)
            if (!hear(child, of))
                return false;
        for (auto left = random_() % tasks_at_once; left > 0; --left)
            if (!hear(child, of))
                return false;
        return true;
    }

    /// Most of a life's kinds of moments are short: the rarest so far is aimed at, and what a kill met is counted.
    moment most_wanted() const
    {
        if (killed_[0] <= killed_[1] && killed_[0] * 2 <= killed_[2])
            return moment::starting;
        return killed_[1] * 2 <= killed_[2] ? moment::recovering : moment::working;
    }

    bool hear(support::child_process& child, life& of)
    {
        auto const heard = child.hear();
        if (!heard)
            return false;
        auto const what = static_cast<news>(*heard);
        if (what == news::awake)
            of.awake = std::chrono::steady_clock::now();
        if (what == news::claimed && !std::exchange(of.has_claimed, true))
            start_up_ = std::chrono::steady_clock::now() - of.awake;
        of.has_recovered = of.has_recovered || what == news::recovered;
        return true;
    }

    std::mt19937 random_;
    int const kills_ = crash::from_environment("TASKER_CRASH_KILLS", 200);
    support::scratch_directory folder_;
    facts known_{folder_.path() / "ledger"};
    int generation_ = 0;
    std::array<int, 3> killed_{};
    std::chrono::duration<double> start_up_{0.005}; ///< from its first breath to its first claim, as last seen
};

} // namespace

TEST_CASE("two hundred kills, half of them amid the recovery from an earlier one, lose no acknowledged outcome and repeat "
          "only bodies that were in flight [F24]",
          "[F24]")
{
    auto const seed =
        static_cast<unsigned>(crash::from_environment("TASKER_CRASH_SEED", static_cast<int>(std::random_device{}() >> 1)));
    INFO("repeat with TASKER_CRASH_SEED=" << seed);
    killer kills{seed};
    kills.run();
    facts const& all = kills.known();
    std::size_t executions = 0;
    for (auto const& [step, generations] : all.begun)
        executions += generations.size();
    std::cout << "killed " << kills.killed(moment::starting) << " times before the first claim, "
              << kills.killed(moment::recovering) << " times amid the recovery, " << kills.killed(moment::working)
              << " times at work: " << all.begun.size() << " steps of " << all.submitted.size() << " tasks took " << executions
              << " executions\n";
    CHECK(kills.killed(moment::starting) + kills.killed(moment::recovering) >= 100);
    CHECK(kills.killed(moment::working) >= 100);
    CHECK(all.ended.size() == all.submitted.size());
    CHECK(all.begun.size() == all.submitted.size() * 6);
    check_executions(all);
    check_store(all, kills.store());
}
