#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/abandonment.hpp"
#include "support/catch.hpp"

#include <boost/asio/co_spawn.hpp>

#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

// A commit in doubt: the store made it durable, and the connection died before it could say so.

using namespace tasker;
using namespace std::chrono_literals;
using testing::scripted_step;
using support::simulation;

namespace {

struct doubt {
    int commits = 0;
    int dies_at = 0; ///< the number of the commit that arrives and is not answered
};

/// A memory store whose answer to one commit gets lost.
class deaf_store {
public:
    explicit deaf_store(std::shared_ptr<doubt> state) : state_{std::move(state)} {}

    bool blocks() const { return false; }
    void migrate() { data_.migrate(); }
    workflow_id register_workflow(workflow_key const& key, graph const& shape) { return data_.register_workflow(key, shape); }
    commit_result commit(commit_batch const& batch)
    {
        commit_result result = data_.commit(batch);
        if (++state_->commits == state_->dies_at)
            throw error{errc::store_unavailable, "the connection was lost during the commit"};
        return result;
    }
    std::vector<claimed_task> claim(claim_request const& request) { return data_.claim(request); }
    std::optional<task_snapshot> load(task_id task) { return data_.load(task); }
    heartbeat_result heartbeat(heartbeat_request const& beat) { return data_.heartbeat(beat); }
    request_answer request(task_id task, command const& asked) { return data_.request(task, asked); }
    send_answer send(message const& told) { return data_.send(told); }
    std::vector<message> mail(task_id task, std::int64_t after) { return data_.mail(task, after); }
    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        return data_.next_due(worker, now, workflows);
    }
    std::vector<task_record> find(task_filter const& filter, page const& which) { return data_.find(filter, which); }
    std::vector<transition_record> history(task_id task) { return data_.history(task); }
    store_statistics statistics(time_point now, time_point since) { return data_.statistics(now, since); }
    std::size_t purge(time_point before, std::size_t limit) { return data_.purge(before, limit); }

private:
    std::shared_ptr<doubt> state_;
    memory_store data_;
};

} // namespace

TEST_CASE("a commit whose answer is lost is neither repeated nor forgotten, whichever it is")
{
    for (int number = 1; number <= 6; ++number) {
        INFO("the answer to commit " << number << " is lost");
        auto const state = std::make_shared<doubt>();
        state->dies_at = number;
        testing::simulation_options options;
        options.store = [store = std::make_shared<deaf_store>(state), state] { return any_store{deaf_store{*store}}; };
        simulation sim{options};
        workflow_builder flow{"test", "three"};
        auto const first = flow.step("first", scripted_step{});
        auto const second = flow.step("second", after(ordering(first)), scripted_step{}.fails(1));
        flow.step("third", after(ordering(second)), scripted_step{});
        workflow const three = std::move(flow).build();
        sim.add(three);
        std::exception_ptr refused;
        task_id id;
        boost::asio::co_spawn(sim.context(), sim.engine().submit("test/three"), [&](std::exception_ptr thrown, task_handle task) {
            refused = thrown;
            id = task.id();
        });
        sim.advance(1min);
        CHECK_FALSE(refused);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(report.count<task_submitted>() == 1);
        CHECK(report.count<step_completed>() == 3);
        CHECK(report.count<step_failed>() == 1);
        CHECK(report.count<task_completed>() == 1);
        CHECK(report.count<task_lease_lost>() == 0);
        std::size_t completions = 0;
        for (transition_record const& row : sim.await(sim.engine().history(id)))
            completions += row.step && row.to == "complete" ? 1U : 0U;
        CHECK(completions == 3);
    }
}

TEST_CASE("whoever awaits a parked task costs the store nothing while it is parked")
{
    simulation sim;
    workflow_builder flow{"test", "parked"};
    flow.step("only", scripted_step{}.throws(retry_after{20min}));
    task_id const id = sim.submit(std::move(flow).build());
    int ended = 0;
    for (int waiter = 0; waiter < 3; ++waiter)
        boost::asio::co_spawn(sim.context(), sim.engine().task(id).outcome(), [&](std::exception_ptr, task_outcome const& outcome) {
            ended += outcome.succeeded() ? 1 : 0;
        });
    sim.advance(1s);
    std::size_t const before = sim.handlers();
    sim.advance(19min);
    CHECK(sim.handlers() == before);
    sim.advance(10min);
    CHECK(ended == 3);
}
