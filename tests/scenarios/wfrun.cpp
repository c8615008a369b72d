#include "../examples/wfrun/recorded.hpp"
#include "../examples/wfrun/wf_format.hpp"
#include "../examples/wfrun/workflow.hpp"
#include "crash/graph_shapes.hpp"
#include "support/catch.hpp"
#include "support/failing_store.hpp"

#include <tasker/testing/simulation.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using wfrun::start_order;

namespace {

wfrun::instance shipped()
{
    return wfrun::read_instance(TASKER_SOURCE_DIRECTORY "/examples/wfrun/coastline-atlas.json");
}

/// The file shipped with wfrun and all real ones. Where those are not to be had, the tests say so and do without.
std::vector<wfrun::instance> all_instances()
{
    std::vector<wfrun::instance> all{shipped()};
    auto const folder = crash::real_graphs_folder();
    if (!folder) {
        WARN("SKIPPED for want of files: no real WfFormat file is run here, only the shipped one. TASKER_WFINSTANCES "
             "may name a folder of them.");
        return all;
    }
    for (auto const& file : std::filesystem::directory_iterator{*folder})
        if (file.path().extension() == ".json")
            all.push_back(wfrun::read_instance(file.path()));
    REQUIRE(all.size() > 1);
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
    return all;
}

/// On a store that is written in batches, as the one of wfrun is: what ends at one instant is durable together. A store
/// that takes each end by itself has its children ready at once, before what ends at the same instant.
tasker::testing::simulation_options with_workers(std::size_t workers)
{
    tasker::testing::simulation_options options;
    options.engine.max_concurrent_steps = workers;
    options.store = [data = tasker::memory_store{}] {
        return tasker::any_store{support::failing_store{data, std::make_shared<support::store_watch>()}};
    };
    return options;
}

struct simulated_run {
    tasker::testing::task_report report;
    wfrun::schedule kept;
};

/// The engine runs the file on virtual time.
simulated_run run(wfrun::instance const& of, std::size_t workers, start_order order, double speed = 1.0)
{
    tasker::testing::simulation sim{with_workers(workers)};
    auto report = sim.run(wfrun::make_workflow(of, workers, order), wfrun::run_input{speed});
    REQUIRE(report.state == tasker::task_state::complete);
    tasker::task_snapshot records{report.record, {}};
    for (tasker::step_no no = 0; no < report.steps.size(); ++no)
        records.steps.emplace_back(no, report.steps[no].record);
    return {std::move(report), wfrun::schedule_of(records, of.tasks.size())};
}

/// How many tasks run at once, at most.
std::size_t width(wfrun::schedule const& kept)
{
    std::vector<std::pair<tasker::duration, int>> changes; // at one instant, ends stand before starts
    for (auto const& slot : kept.slots)
        if (slot.start < slot.end) {
            changes.emplace_back(slot.start, 1);
            changes.emplace_back(slot.end, -1);
        }
    std::sort(changes.begin(), changes.end());
    int now = 0;
    int most = 0;
    for (auto const& [at, change] : changes)
        most = std::max(most, now += change);
    return static_cast<std::size_t>(most);
}

} // namespace

TEST_CASE("with a worker for every step, the makespan of a recorded workflow is its critical path to the microsecond")
{
    for (auto const& of : all_instances()) {
        INFO(of.name);
        auto const critical = wfrun::critical_path_of(of).length;
        for (start_order const order : {start_order::critical_path, start_order::fifo, start_order::engine}) {
            auto const ended = run(of, of.tasks.size(), order);
            CHECK(ended.report.elapsed == critical);
            CHECK(ended.kept.makespan() == critical);
        }
    }
}

TEST_CASE("with few workers, a recorded workflow takes at least its critical path and at most Graham's bound, just as "
          "planned")
{
    for (auto const& of : all_instances())
        for (std::size_t const workers : {1U, 4U, 16U})
            for (start_order const order : {start_order::critical_path, start_order::fifo, start_order::engine}) {
                INFO(of.name << ", " << workers << " workers, " << wfrun::name(order));
                auto const ended = run(of, workers, order);
                auto const count = static_cast<std::int64_t>(workers);
                auto const critical = wfrun::critical_path_of(of).length;
                CHECK(wfrun::shortest_possible(of, workers) <= ended.report.elapsed);
                CHECK(count * ended.report.elapsed <= of.work() + (count - 1) * critical); // Graham, 1969
                CHECK(width(ended.kept) <= workers);
                CHECK((ended.kept.slots == wfrun::plan(of, workers, order).slots)); // each start and end, exactly
            }
}

TEST_CASE(
    "no step of a recorded workflow starts before its parents have ended, and each takes as long as it was recorded")
{
    for (auto const& of : all_instances()) {
        INFO(of.name);
        auto const kept = run(of, 3, start_order::critical_path).kept;
        for (tasker::step_no no = 0; no < of.tasks.size(); ++no) {
            CHECK(kept.slots[no].end - kept.slots[no].start == of.tasks[no].runtime);
            for (tasker::step_no const parent : of.shape.parents(no))
                CHECK(kept.slots[parent].end <= kept.slots[no].start);
        }
    }
}

TEST_CASE("a recorded workflow run a thousand times as fast takes a thousandth of the time")
{
    auto const of = shipped();
    auto const slow = run(of, 4, start_order::critical_path);
    auto const fast = run(of, 4, start_order::critical_path, 1000.0);
    auto const lost =
        slow.report.elapsed - 1000 * fast.report.elapsed; // each step's length is rounded to a microsecond
    CHECK(std::abs(lost.count()) < 500 * static_cast<std::int64_t>(of.tasks.size()));
}

TEST_CASE("a recorded workflow whose engine dies midway goes on, and runs no finished step again")
{
    auto const of = shipped();
    auto const flow = wfrun::make_workflow(of, 4, start_order::critical_path);
    auto const steady = wfrun::plan(of, 4, start_order::critical_path);
    auto const dies_at = steady.makespan() / 2;
    auto options = with_workers(4);
    options.engine.lease = 10s;
    tasker::testing::simulation sim{options};
    auto const task = sim.submit(flow, wfrun::run_input{1.0});
    sim.advance(dies_at);
    auto const before = sim.report(task);
    sim.crash(11s);
    sim.finish(task);
    auto const report = sim.report(task);
    REQUIRE(report.state == tasker::task_state::complete);
    auto rest = of;
    for (tasker::step_no no = 0; no < of.tasks.size(); ++no)
        if (steady.slots[no].end <= dies_at) {
            CHECK(report.steps[no].record == before.steps[no].record);
            rest.tasks[no].runtime = {};
        }
    REQUIRE(rest.work() < of.work());
    auto const left = report.elapsed - dies_at - 11s;
    CHECK(wfrun::shortest_possible(rest, 4) <= left);
    CHECK(4 * left <= rest.work() + 3 * wfrun::critical_path_of(rest).length);
}
