#pragma once

#include <tasker/store/sql/analysis.hpp>
#include <tasker/store/sql/row_access.hpp>
#include <tasker/store/sql/soci_store.hpp>
#include <tasker/store/sql/sqlite_dialect.hpp>

#include <filesystem>
#include <memory>
#include <utility>

namespace tasker {

/// Keeps everything in one SQLite file, which any number of processes of one machine may share: each owns its tasks by
/// leases, and those of a process that has ended are given out at once. Needs SOCI (`soci_core`, `soci_sqlite3`) and SQLite.
/// Throws `error{store_unavailable}` when the file cannot be opened; a missing file is created.
/// Lifetime: open it after `fork`, never before. Thread safety: as the store contract says.
class sqlite_store {
public:
    explicit sqlite_store(std::filesystem::path const& file, sqlite_options const& options = {})
        : sqlite_store{file, options, std::make_unique<sql::local_presence>()}
    {
    }

    /// With another way to know which workers have ended.
    sqlite_store(std::filesystem::path const& file, sqlite_options const& options,
                 std::unique_ptr<sql::worker_presence const> presence)
        : store_{std::make_unique<sql::soci_store<sql::row_access>>(std::make_unique<sql::sqlite_dialect>(file, options), std::move(presence))}
    {
    }

    bool blocks() const noexcept { return true; }
    void migrate() { store_->migrate(); }
    workflow_id register_workflow(workflow_key const& key, graph const& shape) { return store_->register_workflow(key, shape); }
    commit_result commit(commit_batch const& batch) { return store_->commit(batch); }
    /// A transaction of the store's, for a step's body to write in, too.
    std::unique_ptr<store_transaction> begin() { return store_->begin(); }
    std::vector<claimed_task> claim(claim_request const& request) { return store_->claim(request); }
    std::optional<task_snapshot> load(task_id task) { return store_->load(task); }
    heartbeat_result heartbeat(heartbeat_request const& beat) { return store_->heartbeat(beat); }
    request_answer request(task_id task, command const& asked) { return store_->request(task, asked); }
    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        return store_->next_due(worker, now, workflows);
    }
    std::vector<task_record> find(task_filter const& filter, page const& page) { return store_->find(filter, page); }
    std::vector<transition_record> history(task_id task) { return store_->history(task); }
    store_statistics statistics(time_point now, time_point since) { return store_->statistics(now, since); }
    std::size_t purge(time_point before, std::size_t limit) { return store_->purge(before, limit); }

    // Beyond the contract; promises as `sql::analysis` makes them.

    std::vector<step_readiness_row> step_readiness(std::span<task_id const> tasks, time_point now)
    {
        return analysis_.step_readiness(tasks, now);
    }
    std::vector<execution_context_row> task_execution_context(std::span<task_id const> tasks, time_point now)
    {
        return analysis_.task_execution_context(tasks, now);
    }
    std::vector<step_level> dependency_levels(workflow_id workflow) { return analysis_.dependency_levels(workflow); }
    store_activity analytics_metrics(time_point since, time_point now) { return analysis_.analytics_metrics(since, now); }
    std::vector<slow_step> slowest_steps(time_point since, std::size_t limit) { return analysis_.slowest_steps(since, limit); }
    std::vector<slow_task> slowest_tasks(time_point since, std::size_t limit) { return analysis_.slowest_tasks(since, limit); }
    store_health system_health_counts(time_point now) { return analysis_.system_health_counts(now); }

private:
    std::unique_ptr<sql::soci_store<sql::row_access>> store_;
    sql::analysis analysis_{store_->sessions(), sql::analysis_form::plain_statement};
};

static_assert(store<sqlite_store>);

} // namespace tasker
