#pragma once

#include <tasker/store/sql/analysis.hpp>
#include <tasker/store/sql/soci_store.hpp>

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tasker {

/// What the SQL stores have in common: the store contract, transactions for steps' bodies, and questions beyond the contract.
/// Every operation throws `error{store_unavailable}` when the database cannot carry it out; then it has changed nothing.
/// Thread safety: as the concept `store` says, for every member.
template <class Access>
class sql_store {
public:
    /// Always: every call waits for the database.
    bool blocks() const noexcept { return true; }
    /// Creates or upgrades the tables. Throws `error{schema_mismatch}` when a newer version of the library wrote them.
    void migrate() { data_->migrate(); }
    /// The number of this workflow version. Throws `error{shape_conflict}` when it is stored with another shape.
    workflow_id register_workflow(workflow_key const& key, graph const& shape) { return data_->register_workflow(key, shape); }
    /// Writes the batch in one transaction, but for the rows of leases that the worker does not hold.
    commit_result commit(commit_batch const& batch) { return data_->commit(batch); }
    /// Makes the worker the owner of what it gives out.
    std::vector<claimed_task> claim(claim_request const& request) { return data_->claim(request); }
    /// The task with its steps; nothing when there is none of this id.
    std::optional<task_snapshot> load(task_id task) { return data_->load(task); }
    /// Extends the worker's lease, or retires the worker.
    heartbeat_result heartbeat(heartbeat_request const& beat) { return data_->heartbeat(beat); }
    /// Leaves a command for whoever owns the task, or claims it next.
    request_answer request(task_id task, command const& asked) { return data_->request(task, asked); }
    /// Stores a message for a task; one that waits in the store is claimable at once.
    send_answer send(message const& told) { return data_->send(told); }
    /// The messages of a task that were not taken, from the one after `after` on, in order.
    std::vector<message> mail(task_id task, std::int64_t after) { return data_->mail(task, after); }
    /// When there is something to claim for this worker; nothing: not by itself.
    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        return data_->next_due(worker, now, workflows);
    }
    /// The tasks that match, newest first.
    std::vector<task_record> find(task_filter const& filter, page const& page) { return data_->find(filter, page); }
    /// The audit trail of a task, in order; empty when there is no such task.
    std::vector<transition_record> history(task_id task) { return data_->history(task); }
    /// Counts over the whole store, and of the window that began at `since`.
    store_statistics statistics(time_point now, time_point since) { return data_->statistics(now, since); }
    /// Deletes tasks finished before an instant, at most `limit`; returns how many.
    std::size_t purge(time_point before, std::size_t limit) { return data_->purge(before, limit); }

    /// A transaction of the store's, for a step's body to write in, too. Blocks until it may write.
    std::unique_ptr<store_transaction> begin() { return data_->begin(); }

    /// Whether and why each step of these tasks can start at `now`, by task and step; unknown tasks have no rows.
    std::vector<step_readiness_row> step_readiness(std::span<task_id const> tasks, time_point now)
    {
        return analysis_.step_readiness(tasks, now);
    }
    /// The tasks seen from their steps at `now`; unknown tasks have no rows.
    std::vector<execution_context_row> task_execution_context(std::span<task_id const> tasks, time_point now)
    {
        return analysis_.task_execution_context(tasks, now);
    }
    /// How far each step of a workflow is from the roots.
    std::vector<step_level> dependency_levels(workflow_id workflow) { return analysis_.dependency_levels(workflow); }
    /// What happened from `since` to `now`.
    store_activity analytics_metrics(time_point since, time_point now) { return analysis_.analytics_metrics(since, now); }
    /// The completed steps that took longest, the slowest first, of attempts that ended since an instant; `limit` at most,
    /// and never more than `slowest_limit_cap`.
    std::vector<slow_step> slowest_steps(time_point since, std::size_t limit) { return analysis_.slowest_steps(since, limit); }
    /// The same for tasks.
    std::vector<slow_task> slowest_tasks(time_point since, std::size_t limit) { return analysis_.slowest_tasks(since, limit); }
    /// Counts over the whole store, as it is at `now`.
    store_health system_health_counts(time_point now) { return analysis_.system_health_counts(now); }

protected:
    /// Answers the questions beyond the contract in the database's own way.
    sql_store(std::unique_ptr<sql::soci_store<Access>> data, sql::analysis_form form)
        : data_{std::move(data)}, analysis_{data_->sessions(), form}
    {
    }
    sql_store(sql_store&&) noexcept = default;
    sql_store& operator=(sql_store&&) noexcept = default;
    ~sql_store() = default;

    /// How this database is spoken to.
    Access& access() { return data_->access(); }

private:
    std::unique_ptr<sql::soci_store<Access>> data_;
    sql::analysis analysis_;
};

} // namespace tasker
