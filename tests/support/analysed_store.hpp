#pragma once

#include "support/catch.hpp"

#include <tasker/base/uuid_generator.hpp>
#include <tasker/model/graph.hpp>
#include <tasker/store/analysis_rows.hpp>
#include <tasker/store/store.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// A SQL store with the questions that it answers beyond the contract, whichever database it is on.
struct analysed_store {
    virtual ~analysed_store() = default;
    virtual tasker::workflow_id register_workflow(tasker::workflow_key const& key, tasker::graph const& shape) = 0;
    virtual tasker::commit_result commit(tasker::commit_batch const& batch) = 0;
    virtual tasker::store_statistics statistics(tasker::time_point now, tasker::time_point since) = 0;
    virtual std::vector<tasker::step_readiness_row> step_readiness(std::span<tasker::task_id const> tasks,
                                                                   tasker::time_point now) = 0;
    virtual std::vector<tasker::execution_context_row> task_execution_context(std::span<tasker::task_id const> tasks,
                                                                              tasker::time_point now) = 0;
    virtual std::vector<tasker::step_level> dependency_levels(tasker::workflow_id workflow) = 0;
    virtual tasker::store_activity analytics_metrics(tasker::time_point since, tasker::time_point now) = 0;
    virtual std::vector<tasker::slow_step> slowest_steps(tasker::time_point since, std::size_t limit) = 0;
    virtual std::vector<tasker::slow_task> slowest_tasks(tasker::time_point since, std::size_t limit) = 0;
    virtual tasker::store_health system_health_counts(tasker::time_point now) = 0;
};

/// `Place` is where the data lies; it outlives the store.
template <class Store, class Place>
class analysed_in final : public analysed_store {
public:
    template <class... Arguments>
    explicit analysed_in(std::unique_ptr<Place> place, Arguments&&... arguments)
        : place_{std::move(place)}, store_{std::forward<Arguments>(arguments)...}
    {
        store_.migrate();
    }

    tasker::workflow_id register_workflow(tasker::workflow_key const& key, tasker::graph const& shape) override
    {
        return store_.register_workflow(key, shape);
    }
    tasker::commit_result commit(tasker::commit_batch const& batch) override { return store_.commit(batch); }
    tasker::store_statistics statistics(tasker::time_point now, tasker::time_point since) override
    {
        return store_.statistics(now, since);
    }
    std::vector<tasker::step_readiness_row> step_readiness(std::span<tasker::task_id const> tasks,
                                                           tasker::time_point now) override
    {
        return store_.step_readiness(tasks, now);
    }
    std::vector<tasker::execution_context_row> task_execution_context(std::span<tasker::task_id const> tasks,
                                                                      tasker::time_point now) override
    {
        return store_.task_execution_context(tasks, now);
    }
    std::vector<tasker::step_level> dependency_levels(tasker::workflow_id workflow) override
    {
        return store_.dependency_levels(workflow);
    }
    tasker::store_activity analytics_metrics(tasker::time_point since, tasker::time_point now) override
    {
        return store_.analytics_metrics(since, now);
    }
    std::vector<tasker::slow_step> slowest_steps(tasker::time_point since, std::size_t limit) override
    {
        return store_.slowest_steps(since, limit);
    }
    std::vector<tasker::slow_task> slowest_tasks(tasker::time_point since, std::size_t limit) override
    {
        return store_.slowest_tasks(since, limit);
    }
    tasker::store_health system_health_counts(tasker::time_point now) override { return store_.system_health_counts(now); }

private:
    std::unique_ptr<Place> place_;
    Store store_;
};

/// A kind of database to analyse.
struct analysed_kind {
    std::string name;
    std::function<std::unique_ptr<analysed_store>()> open; ///< a fresh, empty store; null where there is no server
};

/// The kinds there are in this test program; each is added by the source that includes its header.
inline std::vector<analysed_kind>& analysed_kinds()
{
    static std::vector<analysed_kind> kinds;
    return kinds;
}

/// Adds a kind before the first test runs.
struct analysed_registration {
    explicit analysed_registration(analysed_kind kind) { analysed_kinds().push_back(std::move(kind)); }
};

/// A store, and short ways to put tasks into it.
class analysed_bench {
public:
    explicit analysed_bench(std::unique_ptr<analysed_store> fresh) : store_{std::move(fresh)} {}

    analysed_store& operator*() { return *store_; }
    analysed_store* operator->() { return store_.get(); }

    tasker::workflow_id add(tasker::graph const& shape, std::string const& name = "flow", std::string const& version = "1.0.0")
    {
        return store_->register_workflow({"shop", name, version}, shape);
    }

    /// A task of this workflow with these steps; a step in its default state gets no row.
    tasker::task_id put(tasker::workflow_id workflow, std::vector<tasker::step_record> const& steps = {},
                        tasker::task_record task = {})
    {
        task.id = ids_.next<tasker::task_id>(tasker::time_point{std::chrono::seconds{1'790'000'000}});
        task.workflow = workflow;
        task.identity_key = to_text(task.id);
        task.worker = worker_;
        task.epoch = 1;
        tasker::commit_batch batch;
        batch.worker = worker_;
        batch.created.push_back(task);
        for (tasker::step_no no = 0; no < steps.size(); ++no)
            if (steps[no] != tasker::step_record{})
                batch.steps.push_back({task.id, 1, no, steps[no]});
        auto const result = store_->commit(batch);
        REQUIRE((result.duplicates.empty() && result.lease_lost.empty()));
        return task.id;
    }

    std::vector<tasker::step_readiness_row> readiness(tasker::task_id task, tasker::time_point now)
    {
        return store_->step_readiness(std::span{&task, 1}, now);
    }

    tasker::execution_context_row context(tasker::task_id task, tasker::time_point now)
    {
        auto const rows = store_->task_execution_context(std::span{&task, 1}, now);
        REQUIRE(rows.size() == 1);
        return rows.front();
    }

private:
    std::unique_ptr<analysed_store> store_;
    tasker::uuid_generator ids_{1};
    tasker::worker_id worker_{0x0193'0000'0000'7000U, 0x8000'0000'0000'000aU};
};

/// Runs `check(bench&)` on a fresh store of each kind. A failure names the database.
template <class Check>
void on_each_database(Check check)
{
    if (analysed_kinds().empty())
        WARN("Skipped: this program was built without SQL stores.");
    for (analysed_kind const& kind : analysed_kinds()) {
        INFO("on " << kind.name);
        auto fresh = kind.open();
        if (!fresh)
            continue;
        analysed_bench bench{std::move(fresh)};
        check(bench);
    }
}

} // namespace support
