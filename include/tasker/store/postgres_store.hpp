#pragma once

#include <tasker/store/sql/analysis.hpp>
#include <tasker/store/sql/array_access.hpp>
#include <tasker/store/sql/postgres_dialect.hpp>
#include <tasker/store/sql/postgres_listener.hpp>
#include <tasker/store/sql/soci_store.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

/// Keeps everything in one schema of a PostgreSQL database (15 or newer), which any number of processes on any number of
/// machines may share: each owns its tasks by leases. Needs SOCI (`soci_core`, `soci_postgresql`) and libpq.
/// Throws `error{invalid_options}` for a connection string that cannot be read, `error{store_unavailable}` when the
/// server cannot be reached. Later on a lost connection fails the operation under way, and the next one connects anew.
/// Lifetime: open it after `fork`, never before. Thread safety: as the store contract says; every call that runs at the same
/// time as another uses a connection of its own, which are four for an engine, one of them for LISTEN, and up to 16 more where
/// steps write in transactions of their own.
class postgres_store {
public:
    /// `connection` is a connection string of libpq, keywords or URI; name several hosts and
    /// `target_session_attrs=read-write` to follow a failover.
    explicit postgres_store(std::string const& connection, postgres_options const& options = {})
        : postgres_store{connection, options, std::make_unique<sql::local_presence>()}
    {
    }

    /// With another way to know which workers of this machine have ended.
    postgres_store(std::string const& connection, postgres_options const& options,
                   std::unique_ptr<sql::worker_presence const> presence)
        : postgres_store{std::make_unique<sql::postgres_dialect>(connection, options), std::move(presence),
                         listen_address(connection, options)}
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
    std::vector<task_record> find(task_filter filter, page const& page)
    {
        std::string const key = sql::storable(filter.identity_key.value_or("")); // as it was stored
        if (filter.identity_key)
            filter.identity_key = key;
        return store_->find(filter, page);
    }
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

    /// Connects to hear what other processes announce; nothing when the options say to poll.
    std::unique_ptr<announcement_source> listen()
    {
        if (listen_on_.empty())
            return nullptr;
        return std::make_unique<sql::postgres_listener>(listen_on_, store_->access().channel());
    }

private:
    postgres_store(std::unique_ptr<sql::postgres_dialect> of, std::unique_ptr<sql::worker_presence const> presence,
                   std::string listen_on)
        : listen_on_{std::move(listen_on)}, store_{open(std::move(of), std::move(presence))}
    {
    }

    static std::unique_ptr<sql::soci_store<sql::array_access>> open(std::unique_ptr<sql::postgres_dialect> of,
                                                                    std::unique_ptr<sql::worker_presence const> presence)
    {
        std::string channel = of->channel();
        return std::make_unique<sql::soci_store<sql::array_access>>(std::move(of), std::move(presence), std::move(channel));
    }

    static std::string listen_address(std::string const& connection, postgres_options const& options)
    {
        if (options.listen_connection == "none")
            return {};
        std::string const& address = options.listen_connection.empty() ? connection : options.listen_connection;
        return sql::postgres_connection::parse(address).text();
    }

    std::string listen_on_;
    std::unique_ptr<sql::soci_store<sql::array_access>> store_;
    sql::analysis analysis_{store_->sessions(), sql::analysis_form::stored_function};
};

static_assert(store<postgres_store>);
static_assert(announcing_store<postgres_store>);

} // namespace tasker
