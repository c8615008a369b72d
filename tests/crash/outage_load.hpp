#pragma once

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include "effects_table.hpp"
#include "engine_process.hpp"
#include "graph_shapes.hpp"
#include "ledger.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace crash {

/// Two workers and a submitter at work on a server that comes and goes. What they begin and what they are told goes
/// into a file, which the server's fate does not touch; at the end the store must agree with it. Their leases outlast
/// every outage, so that no task changes hands, unless TASKER_CRASH_LEASE names fewer seconds.
class outage_load {
public:
    explicit outage_load(std::string connection) : connection_{std::move(connection)} {}

    void start()
    {
        submitter_ = engine_process::serving(place(1), [this](tasker::engine& engine) {
            prepare(engine, "submitter");
            submit_on(engine);
        });
        REQUIRE(submitter_->wait_until_ready());
        for (std::string const name : {"one", "two"})
            workers_.push_back(
                engine_process::serving(place(1000), [&](tasker::engine& engine) { prepare(engine, name); }));
        for (auto& worker : workers_)
            REQUIRE(worker->wait_until_ready());
    }

    /// How long it takes from now until another step is done.
    double wait_for_progress(double at_most) const
    {
        double const begun = seconds_now();
        auto const before = ledger::read(file_).size();
        for (std::size_t at = before; seconds_now() - begun < at_most;
             std::this_thread::sleep_for(std::chrono::milliseconds{5})) {
            auto const lines = ledger::read(file_);
            for (; at < lines.size(); ++at)
                if (lines[at].front() == "told")
                    return seconds_now() - begun;
        }
        FAIL("no step was done for " << at_most << " s");
        return at_most;
    }

    /// Lets the submissions under way and all tasks come to their ends, and the processes to theirs.
    void finish(support::pg_session records, double at_most)
    {
        submitter_->signal(SIGUSR1);
        double const until = seconds_now() + at_most;
        while (!is_last_submitted() ||
               number_of(records, "select count(*) from " + schema + ".tasks where state <> 'complete'") > 0) {
            if (seconds_now() > until)
                FAIL("not done in time: "
                     << number_of(records, "select count(*) from " + schema + ".tasks where state <> 'complete'")
                     << " tasks left");
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        }
        CHECK(submitter_->finish() == 0);
        for (auto& worker : workers_)
            CHECK(worker->finish() == 0);
    }

    /// Nothing that was acknowledged is lost, nothing is doubled.
    void check(support::pg_session records) const
    {
        records.exec("set search_path = " + schema);
        auto const lines = ledger::read(file_);
        check_submissions(records, lines);
        check_steps(records, lines);
    }

    static inline std::string const schema = "tasker";

private:
    using ledger_lines = std::vector<std::vector<std::string>>;

    engine_place place(std::size_t residents) const
    {
        engine_place where{connection_, schema, {}};
        where.options.max_resident_tasks = residents;
        where.options.lease = std::chrono::seconds{from_environment("TASKER_CRASH_LEASE", 20)};
        return where;
    }

    void prepare(tasker::engine& engine, std::string const& worker) const
    {
        auto const book = std::make_shared<ledger>(file_);
        auto const body = [book, worker](tasker::step_context& context,
                                         json::object const& parents) -> tasker::async<json::value> {
            book->append("begun " + tasker::to_text(context.task()) + " " + std::string{context.step()} + " " + worker);
            co_await context.sleep_for(std::chrono::milliseconds{3});
            std::vector<int> paths;
            for (auto const& [name, result] : parents)
                paths.push_back(result.to_number<int>());
            co_return paths_of(paths);
        };
        for (graph_shape const& shape : built_in_shapes())
            engine.add(make_workflow(shape, body));
        static std::vector<tasker::subscription> kept; // as long as the process
        tasker::subscribe_options const at_once{.delivery = tasker::delivery::in_place};
        kept.push_back(engine.subscribe(
            [book, worker](tasker::step_completed const& e) {
                book->append("told " + tasker::to_text(e.task) + " " + e.step + " " + std::string{e.result.text()} +
                             " " + worker);
            },
            at_once));
        kept.push_back(engine.subscribe(
            [book, worker](tasker::task_lease_lost const& e) {
                book->append("lost " + tasker::to_text(e.task) + " " + worker);
            },
            at_once));
        kept.push_back(engine.subscribe(
            [book, worker](tasker::task_claimed const& e) {
                if (e.recovered)
                    book->append("recovered " + tasker::to_text(e.task) + " " + worker);
            },
            at_once));
        kept.push_back(engine.subscribe(
            [book, worker](tasker::store_failing const&) { book->append("failing " + worker); }, at_once));
    }

    /// Eight submissions at any time, until SIGUSR1.
    void submit_on(tasker::engine& engine) const
    {
        struct progress {
            bool go_on = true;
            int next = 0;
            int running = 8;
        };
        auto const at = std::make_shared<progress>();
        auto const stop = std::make_shared<asio::signal_set>(engine.get_executor(), SIGUSR1);
        stop->async_wait([at, stop](boost::system::error_code problem, int) { at->go_on = problem.failed(); });
        for (int submitter = 0; submitter < at->running; ++submitter)
            asio::co_spawn(engine.get_executor(), submit_some(engine, at->go_on, at->next),
                           [this, at](std::exception_ptr thrown) {
                               if (thrown)
                                   std::rethrow_exception(thrown);
                               if (--at->running == 0)
                                   ledger{file_}.append("submitted-all " + std::to_string(at->next));
                           });
    }

    asio::awaitable<void> submit_some(tasker::engine& engine, bool const& go_on, int& next) const
    {
        ledger book{file_};
        asio::steady_timer pause{co_await asio::this_coro::executor};
        auto const shapes = built_in_shapes();
        while (go_on) {
            int const number = next++;
            std::string const key = "task-" + std::to_string(number);
            std::string const input = "{\"number\": " + std::to_string(number) + "}";
            tasker::submit_options const options{.key = key};
            try {
                auto const task = co_await engine.submit_json(
                    "crash/" + shapes[static_cast<std::size_t>(number) % shapes.size()].name, input, options);
                book.append("submitted " + tasker::to_text(task.id()) + " " + key);
            } catch (std::exception const& problem) {
                book.append("refused " + key + " " + problem.what());
            }
            pause.expires_after(std::chrono::milliseconds{40});
            co_await pause.async_wait(asio::use_awaitable);
        }
    }

    bool is_last_submitted() const
    {
        auto const lines = ledger::read(file_);
        return std::any_of(lines.begin(), lines.end(),
                           [](auto const& line) { return line.front() == "submitted-all"; });
    }

    /// Every submission was answered, with a task that is there.
    static void check_submissions(support::pg_session& records, ledger_lines const& lines)
    {
        int submitted = 0;
        std::map<std::string, int> words;
        for (auto const& line : lines) {
            ++words[line.front()];
            if (line.front() == "submitted-all")
                submitted = std::stoi(line.at(1));
            if (line.front() != "submitted")
                continue;
            INFO(line.at(1) << " " << line.at(2));
            CHECK(records.value("select state from tasks where id = $1::uuid and identity_key = $2",
                                {line.at(1), line.at(2)}) == "complete");
        }
        CHECK(words["refused"] == 0);
        CHECK(words["submitted"] == submitted);
        CHECK(number_of(records, "select count(*) from tasks") == submitted);
        CHECK(number_of(records, "select count(*) from transitions where from_state = '' and step_no is null") ==
              submitted);
        CHECK(submitted > 20);
        std::cout << submitted << " tasks acknowledged, " << words["begun"] << " bodies begun, " << words["told"]
                  << " steps told, " << words["failing"] << " failures of the store noticed, " << words["recovered"]
                  << " tasks recovered, " << words["lost"] << " lost\n";
    }

    /// Every step is complete once; what was told is what is stored, and no body began after that.
    static void check_steps(support::pg_session& records, ledger_lines const& lines)
    {
        auto const total =
            number_of(records, "select count(*) from tasks t join workflow_steps d on d.workflow_id = t.workflow_id");
        CHECK(number_of(records, "select count(*) from steps where state = 'complete'") == total);
        CHECK(number_of(records,
                        "select count(*) from transitions where to_state = 'complete' and step_no is not null") ==
              total);
        CHECK(number_of(records, "select count(*) from (select 1 from transitions where to_state = 'complete' "
                                 "group by task_id, step_no having count(*) > 1) as doubled") == 0);
        CHECK(number_of(records, "select count(*) from (select 1 from transitions group by task_id, step_no, "
                                 "from_state, to_state, at, attempt "
                                 "having count(*) > 1) as doubled") == 0);
        std::map<std::string, std::string> told;
        std::set<std::string> taken_over;
        for (auto const& line : lines) {
            std::string const step = line.size() > 2 ? line.at(1) + " " + line.at(2) : "";
            if (line.front() == "recovered")
                taken_over.insert(line.at(1));
            if (line.front() == "begun" && told.contains(step))
                FAIL_CHECK("a body began after its step was told to be complete: " << step);
            if (line.front() == "told" && !told.emplace(step, line.at(3)).second)
                FAIL_CHECK("told twice: " << step);
        }
        for (auto const& [step, result] : told) {
            INFO(step);
            auto const blank = step.find(' ');
            CHECK(
                records.value("select s.result from steps s join tasks t on t.id = s.task_id join workflow_steps d on "
                              "d.workflow_id = t.workflow_id and d.step_no = s.step_no where s.task_id = $1::uuid and "
                              "d.name = $2",
                              {step.substr(0, blank), step.substr(blank + 1)}) == result);
        }
        if (taken_over.empty())
            CHECK(static_cast<long long>(told.size()) == total);
    }

    std::string connection_;
    support::scratch_directory folder_;
    std::string file_ = folder_.path() / "ledger";
    std::unique_ptr<engine_process> submitter_;
    std::vector<std::unique_ptr<engine_process>> workers_;
};

} // namespace crash
