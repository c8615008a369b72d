#pragma once

#include <tasker/store/sql/claimer.hpp>
#include <tasker/store/sql/lookup.hpp>
#include <tasker/store/sql/mail.hpp>
#include <tasker/store/sql/migrator.hpp>
#include <tasker/store/sql/soci_transaction.hpp>
#include <tasker/store/store_rules.hpp>

#include <memory>
#include <utility>

namespace tasker::sql {

/// The store contract on any database that has a `dialect`; what its speed depends on is up to `Access`.
/// Thread safety: as the contract says.
template <class Access>
class soci_store {
public:
    /// `options` are for the constructor of `Access`, after the sessions and the texts.
    template <class... Options>
    explicit soci_store(std::unique_ptr<dialect const> of, Options&&... options)
        : dialect_{std::move(of)}, sessions_{*dialect_}, access_{sessions_, texts_, std::forward<Options>(options)...}
    {
    }

    void migrate() { migrator{sessions_, texts_}.migrate(); }

    workflow_id register_workflow(workflow_key const& key, graph const& shape)
    {
        return sessions_.write([&](session& with) {
            query& find = with.get(texts_.find_workflow);
            query& insert = with.get(texts_.insert_workflow);
            insert.run_once(key.name_space, key.name, key.version);
            bool const is_new = insert.changed_rows() == 1;
            find.run_once(key.name_space, key.name, key.version);
            workflow_id const workflow = find.integer();
            if (is_new)
                insert_edges(with, workflow, shape);
            else
                check_shape(with, workflow, key, shape);
            put_steps(with, workflow, shape);
            return workflow;
        });
    }

    commit_result commit(commit_batch const& batch)
    {
        tasker::detail::check_batch(batch);
        return batch.empty() ? commit_result{} : access_.commit(batch);
    }

    /// A transaction for the caller to write in, too. It may outlive the store, which then can only be rolled back.
    std::unique_ptr<store_transaction> begin() { return std::make_unique<soci_transaction<Access>>(sessions_, access_); }

    std::vector<claimed_task> claim(claim_request const& request) { return access_.claim(request); }

    std::optional<task_snapshot> load(task_id task)
    {
        return sessions_.read([&](session& with) { return load_snapshot(with, texts_, task); });
    }

    heartbeat_result heartbeat(heartbeat_request const& beat) { return access_.heartbeat(beat); }
    request_answer request(task_id task, command const& asked) { return access_.request(task, asked); }
    send_answer send(message const& told) { return access_.send(told); }

    std::vector<message> mail(task_id task, std::int64_t after)
    {
        return sessions_.use([&](session& with) { return messages_after(with, texts_, task, after); });
    }

    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        return access_.next_due(worker, now, workflows);
    }

    std::vector<task_record> find(task_filter const& filter, page const& page)
    {
        return sessions_.read([&](session& with) { return task_finder{with, texts_, filter, page}.find(); });
    }

    std::vector<transition_record> history(task_id task)
    {
        return sessions_.read([&](session& with) {
            std::vector<transition_record> lines;
            query& row = with.get(texts_.history);
            for (bool more = row.run(task); more; more = row.next())
                lines.push_back(read_transition(row, task));
            return lines;
        });
    }

    store_statistics statistics(time_point now, time_point since)
    {
        return sessions_.read([&](session& with) { return count(with, texts_, now, since); });
    }

    std::size_t purge(time_point before, std::size_t limit) { return access_.purge(before, limit); }

    session_pool& sessions() { return sessions_; }
    Access& access() { return access_; }

private:
    void check_shape(session& with, workflow_id workflow, workflow_key const& key, graph const& shape) const
    {
        tasker::detail::check_shape(key, load_shape(with, texts_, workflow), shape);
    }

    void insert_edges(session& with, workflow_id workflow, graph const& shape) const
    {
        for (edge const& e : shape.edges())
            with.get(texts_.insert_workflow_edge).run_once(workflow, e.parent, e.child);
    }

    /// Options may change under one version, so they are written each time.
    void put_steps(session& with, workflow_id workflow, graph const& shape) const
    {
        for (step_no no = 0; no < shape.size(); ++no) {
            retry_policy const& retry = shape.step(no).options.retry;
            with.get(texts_.put_workflow_step)
                .run_once(workflow, no, shape.step(no).name, retry.max_attempts, retry.retryable ? 1 : 0);
        }
    }

    std::unique_ptr<dialect const> dialect_;
    statements texts_;
    session_pool sessions_;
    Access access_;
};

} // namespace tasker::sql
