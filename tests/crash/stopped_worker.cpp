// A worker process that is stopped (SIGSTOP) for longer than its lease: others take its tasks over, and once it goes on
// it writes nothing, stops its bodies, says so, and serves on. Then several workers that are stopped at random, about
// as long as their lease, while they work. By hand, at full size:
//
//     TASKER_CRASH_ROUNDS=20 TASKER_CRASH_TASKS=5000 TASKER_CRASH_STOPS=200 TASKER_CRASH_MINUTES=30
//     tasker_crash_stopped_worker
//
// TASKER_CRASH_SEED repeats the random stops.

#include "support/catch.hpp"
#include "support/postgres.hpp"
#include "support/scratch_directory.hpp"

#include "effects_table.hpp"
#include "engine_process.hpp"
#include "graph_shapes.hpp"
#include "ledger.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace json = boost::json;

constexpr double lease = 1; ///< in seconds

crash::engine_place place_on(support::scratch_schema const& schema)
{
    crash::engine_place where{schema.connection(), schema.name(), {}};
    where.options.lease = tasker::duration{static_cast<std::int64_t>(lease * 1e6)};
    return where;
}

/// Looks every few milliseconds until `is_so()`; false when that takes longer than `seconds`.
bool wait_until(double seconds, std::function<bool()> const& is_so)
{
    double const until = crash::seconds_now() + seconds;
    while (!is_so()) {
        if (crash::seconds_now() > until)
            return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

/// Two workers: the first is stopped with all its bodies running, the second takes over.
class take_over {
public:
    void run()
    {
        start_both();
        stop_first();
        let_first_go_on();
        serve_new_tasks();
        CHECK(first_->finish() == 0);
    }

private:
    static constexpr std::size_t tasks = 20;

    /// Where the input names the worker it watches until it is cancelled, or until the worker has been stopped: then it
    /// has a result the moment that one goes on. Others are through with it soon.
    tasker::workflow make_workflow(std::string const& worker)
    {
        auto const note = [this, worker](std::string const& what, tasker::step_context& context) {
            crash::ledger{file_}.append(what + " " + worker + " " + tasker::to_text(context.task()) + " " +
                                        std::to_string(crash::seconds_now()));
        };
        tasker::workflow_builder flow{"crash", "vigil", "1.0.0"};
        auto const who = flow.input<std::string>();
        auto const watched =
            flow.step("watch", after(who),
                      [this, note, worker](tasker::step_context& context,
                                           std::string const& until) -> tasker::async<std::string> {
                          note("watching", context);
                          bool const is_named = until.starts_with(worker);
                          try {
                              for (int look = 0;
                                   is_named ? until == worker || !std::filesystem::exists(marker_) : look < 10; ++look)
                                  co_await context.sleep_for(20ms);
                              note("ended", context);
                          } catch (boost::system::system_error const&) {
                              note(context.cancelled() ? "cancelled" : "interrupted", context);
                              throw;
                          }
                          co_return worker;
                      });
        flow.step("close", after(watched), [worker](std::string const& watcher) { return watcher + " " + worker; });
        return std::move(flow).build();
    }

    void prepare(tasker::engine& engine, std::string const& worker)
    {
        engine.add(make_workflow(worker));
        auto const note = [this, worker](std::string const& what, tasker::task_event const& of) {
            crash::ledger{file_}.append(what + " " + worker + " " + tasker::to_text(of.task) + " " +
                                        std::to_string(crash::seconds_now()));
        };
        static std::vector<tasker::subscription> kept; // as long as the process
        tasker::subscribe_options const at_once{.delivery = tasker::delivery::in_place};
        kept.push_back(engine.subscribe(
            [note](tasker::task_claimed const& e) { note(e.recovered ? "recovered" : "claimed", e); }, at_once));
        kept.push_back(engine.subscribe([note](tasker::task_lease_lost const& e) { note("lost", e); }, at_once));
        kept.push_back(engine.subscribe([note](tasker::task_completed const& e) { note("completed", e); }, at_once));
    }

    /// Whom of `worker` the ledger says `what`, and when, in order.
    std::vector<std::pair<std::string, double>> noted(std::string const& what, std::string const& worker) const
    {
        std::vector<std::pair<std::string, double>> found;
        for (auto const& line : crash::ledger::read(file_))
            if (line.at(0) == what && line.at(1) == worker)
                found.emplace_back(line.at(2), std::stod(line.at(3)));
        return found;
    }

    /// The tasks are due only when their submitter has drained: it leaves them to others.
    std::unique_ptr<crash::engine_process> submitting(std::string const& input, std::size_t count)
    {
        return crash::engine_process::on_errand(
            place_on(schema_), [&](tasker::engine& engine) { engine.add(make_workflow("submitter")); },
            [=](tasker::engine& engine) -> asio::awaitable<void> {
                tasker::submit_options const options{.delay = 1s};
                for (std::size_t at = 0; at < count; ++at)
                    co_await engine.submit("crash/vigil", input, options);
            });
    }

    /// All tasks are the first worker's, and their bodies run.
    void start_both()
    {
        first_ = crash::engine_process::serving(place_on(schema_),
                                                [&](tasker::engine& engine) { prepare(engine, "first"); });
        REQUIRE(first_->wait_until_ready());
        REQUIRE(submitting("first", tasks / 2)->wait() == 0);
        REQUIRE(submitting("first until stopped", tasks / 2)->wait() == 0);
        auto records = schema_.session();
        REQUIRE(wait_until(10, [&] {
            return noted("watching", "first").size() == tasks &&
                   crash::number_of(records, "select count(*) from steps where state = 'in_progress'") ==
                       static_cast<long long>(tasks);
        }));
        second_ = crash::engine_process::serving(place_on(schema_),
                                                 [&](tasker::engine& engine) { prepare(engine, "second"); });
        REQUIRE(second_->wait_until_ready());
        std::this_thread::sleep_for(std::chrono::duration<double>{lease}); // the first keeps what it has
        REQUIRE(noted("recovered", "second").empty());
    }

    void stop_first()
    {
        double const stopped_at = crash::seconds_now();
        first_->signal(SIGSTOP);
        std::this_thread::sleep_for(20ms);
        crash::ledger{marker_}.append("stopped");
        auto records = schema_.session();
        REQUIRE(wait_until(20, [&] { return noted("completed", "second").size() == tasks; }));
        auto const taken = noted("recovered", "second");
        CHECK(taken.size() == tasks);
        CHECK(taken.front().second - stopped_at > lease * 0.5); // nobody took them while the lease may have held
        CHECK(taken.back().second - stopped_at <= lease + 10); // lease + 1 is the promise on a machine that is not overloaded
        CHECK(noted("claimed", "second").empty());
        CHECK(crash::number_of(
                  records, "select count(*) from tasks where state = 'complete' and recoveries = 0 and epoch = 2") ==
              static_cast<long long>(tasks));
        std::cout << "taken over within " << taken.back().second - stopped_at << " s of the stop";
    }

    /// All that the store holds of these tasks.
    static std::string fingerprint(support::pg_session& records)
    {
        return records
            .value("select md5(string_agg(line, '' order by line)) from (select t::text as line from tasks t union all "
                   "select s::text from steps s union all select x::text from transitions x) as lines")
            .value();
    }

    void let_first_go_on()
    {
        auto records = schema_.session();
        std::string const before = fingerprint(records);
        double const at = crash::seconds_now();
        first_->signal(SIGCONT);
        auto const have_stopped = [&] { return noted("cancelled", "first").size() + noted("ended", "first").size(); };
        CHECK(wait_until(10, [&] { return have_stopped() == tasks && noted("lost", "first").size() == tasks; }));
        auto const cancelled = noted("cancelled", "first");
        auto const lost = noted("lost", "first");
        REQUIRE(cancelled.size() >= tasks / 2);
        REQUIRE(lost.size() == tasks);
        CHECK(cancelled.back().second - at <= 10);
        CHECK(lost.back().second - at <= 10);
        CHECK(noted("interrupted", "first").empty());
        std::this_thread::sleep_for(std::chrono::duration<double>{lease / 2});
        CHECK(fingerprint(records) == before);
        CHECK(noted("completed", "first").empty());
        std::cout << ", cancelled within " << cancelled.back().second - at << " s of the waking, "
                  << noted("ended", "first").size() << " bodies had a result first\n";
    }

    void serve_new_tasks()
    {
        CHECK(second_->finish() == 0);
        REQUIRE(submitting("nobody", 5)->wait() == 0);
        CHECK(wait_until(10, [&] { return noted("completed", "first").size() == 5; }));
        auto records = schema_.session();
        CHECK(crash::number_of(records, "select count(*) from tasks where state <> 'complete'") == 0);
    }

    support::scratch_directory folder_;
    std::string file_ = folder_.path() / "ledger";
    std::string marker_ = folder_.path() / "stopped";
    support::scratch_schema schema_;
    std::unique_ptr<crash::engine_process> first_;
    std::unique_ptr<crash::engine_process> second_;
};

/// Three workers, of which one or two stand still at any time.
class stop_and_go {
public:
    explicit stop_and_go(unsigned seed) : random_{seed} {}

    void run()
    {
        for (int worker = 0; worker < 3; ++worker)
            workers_.push_back(
                crash::engine_process::serving(place(), [](tasker::engine& engine) { add_workflow(engine); }));
        for (auto& worker : workers_)
            REQUIRE(worker->wait_until_ready());
        auto submitter = crash::engine_process::on_errand(
            place(), [](tasker::engine& engine) { add_workflow(engine); },
            [&](tasker::engine& engine) { return submit_all(engine); });
        stop_until_done();
        CHECK(submitter->wait() == 0);
        for (auto& worker : workers_)
            CHECK(worker->finish() == 0);
        check_records();
    }

private:
    static constexpr int steps_of_task = 10;

    /// No worker has room for all tasks.
    crash::engine_place place() const
    {
        auto where = place_on(schema_);
        where.options.max_resident_tasks = 25;
        return where;
    }

    static void add_workflow(tasker::engine& engine)
    {
        auto const body = [](tasker::step_context& context, json::object const& parents) -> tasker::async<json::value> {
            co_await context.sleep_for(200ms);
            std::vector<int> paths;
            for (auto const& [name, result] : parents)
                paths.push_back(result.to_number<int>());
            co_return crash::paths_of(paths);
        };
        engine.add(crash::make_workflow(crash::built_in_shapes().front(), body));
    }

    asio::awaitable<void> submit_all(tasker::engine& engine) const
    {
        tasker::submit_options const options{.delay = 1ms};
        for (int number = 0; number < tasks_; ++number) {
            std::string const input = "{\"number\": " + std::to_string(number) + "}";
            co_await engine.submit_json("crash/chain-10", input, options);
        }
    }

    void stop_until_done()
    {
        auto records = schema_.session();
        double const deadline = crash::seconds_now() + 60 * crash::from_environment("TASKER_CRASH_MINUTES", 3);
        for (int stops = 0;; ++stops) {
            bool const is_done =
                crash::number_of(records, "select count(*) from tasks where state = 'complete'") >= tasks_;
            if (stops >= stops_ && is_done)
                break;
            if (crash::seconds_now() > deadline)
                FAIL("not done in time: "
                     << crash::number_of(records, "select count(*) from tasks where state <> 'complete'")
                     << " tasks left");
            auto& worker = *workers_[random_() % workers_.size()];
            worker.signal(SIGSTOP);
            std::this_thread::sleep_for(std::chrono::milliseconds{300 + random_() % 1500});
            worker.signal(SIGCONT);
            std::this_thread::sleep_for(std::chrono::milliseconds{random_() % 200});
        }
    }

    void check_records()
    {
        auto sql = schema_.session();
        CHECK(crash::number_of(sql, "select count(*) from tasks") == tasks_);
        CHECK(crash::number_of(sql, "select count(*) from tasks where state <> 'complete' or worker_id is not null") ==
              0);
        CHECK(crash::number_of(sql, "select count(*) from steps where state = 'complete' and result = '1'") ==
              tasks_ * steps_of_task);
        CHECK(crash::number_of(sql, "select count(*) from transitions where to_state = 'complete'") ==
              tasks_ * (steps_of_task + 1));
        CHECK(crash::number_of(sql, "select count(*) from (select 1 from transitions where to_state = 'complete' "
                                    "group by task_id, step_no having count(*) > 1) as doubled") == 0);
        std::cout << stops_ << " stops: " << crash::number_of(sql, "select sum(epoch) from tasks") << " claims of "
                  << tasks_ << " tasks, "
                  << crash::number_of(
                         sql, "select count(*) from transitions where to_state = 'in_progress' and step_no is not null")
                  << " starts of " << tasks_ * steps_of_task << " steps\n";
    }

    std::mt19937 random_;
    int const tasks_ = crash::from_environment("TASKER_CRASH_TASKS", 200);
    int const stops_ = crash::from_environment("TASKER_CRASH_STOPS", 8);
    support::scratch_schema schema_;
    std::vector<std::unique_ptr<crash::engine_process>> workers_;
};

} // namespace

TEST_CASE("a worker that was stopped past its lease writes nothing, stops its bodies, says so and serves on")
{
    if (!support::postgres_connection())
        return;
    for (int rounds = crash::from_environment("TASKER_CRASH_ROUNDS", 1); rounds > 0; --rounds)
        take_over{}.run();
}

TEST_CASE("workers that are stopped at random around their leases record every step once")
{
    if (!support::postgres_connection())
        return;
    auto const seed = static_cast<unsigned>(
        crash::from_environment("TASKER_CRASH_SEED", static_cast<int>(std::random_device{}() >> 1)));
    INFO("repeat with TASKER_CRASH_SEED=" << seed);
    stop_and_go{seed}.run();
}
