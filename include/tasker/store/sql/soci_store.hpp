#pragma once

#include <tasker/store/sql/batch_writer.hpp>
#include <tasker/store/sql/claimer.hpp>
#include <tasker/store/sql/lookup.hpp>
#include <tasker/store/sql/migrator.hpp>
#include <tasker/store/store_rules.hpp>

#include <memory>
#include <utility>

namespace tasker::sql {

/// The store contract on any database that has a `dialect`. Thread safety: as the contract says.
class soci_store {
public:
    soci_store(std::unique_ptr<dialect const> of, std::unique_ptr<worker_presence const> presence)
        : dialect_{std::move(of)}, presence_{std::move(presence)}, sessions_{*dialect_}
    {
    }

    void migrate() { sql::migrate(sessions_, *dialect_, texts_); }

    workflow_id register_workflow(workflow_key const& key, graph const& shape)
    {
        return sessions_.write([&](session& with) {
            query& find = with.get(texts_.find_workflow);
            bool const is_known = find.run_once(key.name_space, key.name, key.version);
            if (!is_known) {
                with.get(texts_.insert_workflow).run_once(key.name_space, key.name, key.version);
                find.run_once(key.name_space, key.name, key.version);
            }
            workflow_id const workflow = find.integer();
            if (is_known)
                check_shape(with, workflow, key, shape);
            else
                insert_edges(with, workflow, shape);
            put_steps(with, workflow, shape);
            return workflow;
        });
    }

    commit_result commit(commit_batch const& batch)
    {
        detail::check_batch(batch);
        if (batch.empty())
            return {};
        return sessions_.write([&](session& with) { return batch_writer{with, texts_, batch}.write_all(); });
    }

    std::vector<claimed_task> claim(claim_request const& request)
    {
        return sessions_.write([&](session& with) { return claimer{with, texts_, *presence_, request}.claim(); });
    }

    std::optional<task_snapshot> load(task_id task)
    {
        return sessions_.read([&](session& with) { return load_snapshot(with, texts_, task); });
    }

    heartbeat_result heartbeat(worker_id worker, time_point now, duration lease)
    {
        return sessions_.write([&](session& with) {
            heartbeat_result result;
            result.store_now = wall_clock(with);
            if (lease == duration::zero()) {
                with.get(texts_.free_tasks).run_once(worker);
                with.get(texts_.delete_worker).run_once(worker);
                return result;
            }
            auto const self = presence_->self();
            with.get(texts_.put_worker).run_once(worker, now + lease, self.host, self.process, self.started);
            query& row = with.get(texts_.requests_of);
            for (bool more = row.run(worker); more; more = row.next()) {
                auto const task = row.id<task_id>();
                result.requests.emplace_back(task, *read_command(row));
            }
            return result;
        });
    }

    request_answer request(task_id task, command const& asked)
    {
        return sessions_.write([&](session& with) {
            query& put = with.get(texts_.put_request);
            put.run_once(asked.kind, asked.step, asked.result, asked.reason, task);
            if (put.changed_rows() == 1)
                return request_answer::stored;
            return with.get(texts_.find_owner).run_once(task) ? request_answer::pending : request_answer::unknown;
        });
    }

    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        claim_request const asking{worker, now, 1, workflows, {}};
        return sessions_.read([&](session& with) { return claimer{with, texts_, *presence_, asking}.next_due(); });
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

    std::size_t purge(time_point before, std::size_t limit)
    {
        return sessions_.write([&](session& with) {
            std::vector<task_id> old;
            query& row = with.get(texts_.finished_before);
            for (bool more = row.run(before, static_cast<long long>(limit)); more; more = row.next())
                old.push_back(row.id<task_id>());
            for (task_id const task : old)
                for (auto const* text : {&texts_.delete_transitions, &texts_.delete_steps, &texts_.delete_task})
                    with.get(*text).run_once(task);
            with.get(texts_.delete_dead_workers).run_once(before);
            return old.size();
        });
    }

private:
    time_point wall_clock(session& with) const
    {
        query& clock = with.get({std::string{dialect_->wall_clock()}, "", "i"});
        clock.run_once();
        return clock.time();
    }

    void check_shape(session& with, workflow_id workflow, workflow_key const& key, graph const& shape) const
    {
        std::vector<step_definition> steps;
        query& step = with.get(texts_.workflow_steps);
        for (bool more = step.run(workflow); more; more = step.next())
            steps.push_back({step.text()});
        std::vector<edge> edges;
        query& row = with.get(texts_.workflow_edges);
        for (bool more = row.run(workflow); more; more = row.next()) {
            auto const parent = row.integer_as<step_no>();
            edges.push_back({parent, row.integer_as<step_no>()});
        }
        detail::check_shape(key, graph{std::move(steps), std::move(edges)}, shape);
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
    std::unique_ptr<worker_presence const> presence_;
    statements texts_;
    session_pool sessions_;
};

} // namespace tasker::sql
