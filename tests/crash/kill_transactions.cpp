#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/sql_place.hpp"

#include "worker_process.hpp"

#include <tasker/sql/transaction.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/store/sqlite_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

// A worker whose steps enter their rows into a ledger of the same database, in the transaction of their own commit, is
// killed with -9 around those commits, again and again. No row carries an "on conflict": one too many fails the step.

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr int tasks = 60;
constexpr int kills = 25;
constexpr char const* steps[] = {"root", "left", "right", "last"};

/// A worker's life: submits what is not yet stored, works until all is done. Tells its parent of every row it has written
/// and not yet committed, and of every step that it knows is complete.
class worker {
public:
    worker(support::sql_place const& place, int generation, support::child_process& parent)
        : generation_{generation}, parent_{parent}, engine_{context_, place.open(), four_at_once()}
    {
        engine_.add(make_workflow());
    }

    int run()
    {
        auto const told = engine_.subscribe([this](tasker::step_completed const&) { parent_.tell(1); },
                                            {.delivery = tasker::delivery::in_place});
        return crash::run_until_over(context_, work());
    }

private:
    static tasker::engine_options four_at_once()
    {
        auto options = crash::innocent_tasks();
        options.blocking_threads = 4;
        return options;
    }

    /// The result names the very execution that made it, and so does its row.
    std::string perform(tasker::step_context& context)
    {
        std::string const execution = std::to_string(generation_) + "-" + std::to_string(++executions_);
        tasker::sql::execute(tasker::sql_session(context),
                             "insert into ledger (task, step, execution) values ('" + tasker::to_text(context.task()) + "', '" +
                                 std::string{context.step()} + "', '" + execution + "')");
        parent_.tell(1);
        return execution;
    }

    tasker::workflow make_workflow()
    {
        tasker::step_options const blocks{.retry = {.max_attempts = 1}, .run_on = tasker::blocking};
        tasker::workflow_builder flow{"crash", "transactions", "1.0.0"};
        auto const body = [this](tasker::step_context& context) { return perform(context); };
        auto const root = flow.step(steps[0], body, blocks);
        auto const left = flow.step(steps[1], after(tasker::ordering(root)), body, blocks);
        auto const right = flow.step(steps[2], after(tasker::ordering(root)), body, blocks);
        flow.step(steps[3], after(tasker::ordering(left), tasker::ordering(right)), body, blocks);
        return std::move(flow).build();
    }

    asio::awaitable<void> work()
    {
        std::vector<tasker::task_handle> handles;
        for (int number = 0; number < tasks; ++number) {
            std::string const key = "task-" + std::to_string(number);
            tasker::submit_options const options{.key = key, .on_duplicate = tasker::on_duplicate::join};
            handles.push_back(co_await engine_.submit("crash/transactions", options));
        }
        for (tasker::task_handle const& one : handles)
            co_await one.result<std::string>();
        co_await engine_.drain();
    }

    int generation_;
    support::child_process& parent_;
    std::atomic<int> executions_{0};
    asio::io_context context_;
    tasker::engine engine_;
};

/// The execution that each row of the ledger names, by task and step; a row twice would have failed its key.
std::map<std::string, std::string> read_ledger(support::sql_place const& place)
{
    std::map<std::string, std::string> rows;
    soci::session session;
    place.connect(session);
    tasker::sql::query row{session, {"select task, step, execution from ledger", "", "ttt"}};
    for (bool more = row.run(); more; more = row.next()) {
        std::string name = row.text();
        name += ' ';
        name += row.text();
        rows.emplace(std::move(name), row.text());
    }
    return rows;
}

void check_store(support::sql_place const& place)
{
    auto const ledger = read_ledger(place);
    CHECK(ledger.size() == static_cast<std::size_t>(tasks) * std::size(steps));
    auto store = place.open();
    auto const stored = store.find({}, {.limit = 1000});
    CHECK(stored.size() == static_cast<std::size_t>(tasks));
    for (tasker::task_record const& task : stored) {
        INFO(tasker::to_text(task.id));
        CHECK(task.state == tasker::task_state::complete);
        auto const snapshot = store.load(task.id);
        REQUIRE(snapshot->steps.size() == std::size(steps));
        for (auto const& [step, record] : snapshot->steps) {
            auto const row = ledger.find(tasker::to_text(task.id) + " " + steps[step]);
            REQUIRE(row != ledger.end());
            CHECK('"' + row->second + '"' == record.result.text());
        }
    }
}

} // namespace

TEST_CASE("a worker killed around the commits of its steps enters every row exactly once")
{
    char const* const given = std::getenv("TASKER_CRASH_SEED");
    auto const seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
    INFO("repeat with TASKER_CRASH_SEED=" << seed);
    std::mt19937 random{seed};
    support::on_each_database([&](support::sql_place const& place) {
        place.open().migrate();
        place.execute("create table ledger (task varchar(40) not null, step varchar(40) not null, execution varchar(40) not null, "
                      "primary key (task, step))");
        int killed = 0;
        for (int generation = 0;; ++generation) {
            support::child_process child{
                [&](support::child_process& parent) { return worker{place, generation, parent}.run(); }};
            int news = killed < kills ? static_cast<int>(random() % 16U) : -1;
            while (news != 0 && child.hear())
                --news;
            if (news != 0) { // it ended by itself
                REQUIRE(child.wait() == 0);
                break;
            }
            child.kill();
            ++killed;
        }
        CHECK(killed == kills);
        std::cout << place.name() << ": killed " << killed << " times\n";
        check_store(place);
    });
}
