#pragma once

#include <tasker/store/sql/batch_writer.hpp>
#include <tasker/store/sql/claimer.hpp>
#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/worker_presence.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tasker::sql {

/// The operations on which a store's speed depends, row by row: for a database inside the process, where a statement costs
/// no round trip. Thread safety: as the store contract says.
class row_access {
public:
    row_access(session_pool& sessions, statements const& texts, std::unique_ptr<worker_presence const> presence)
        : sessions_{sessions}, texts_{texts}, presence_{std::move(presence)}
    {
    }

    commit_result commit(commit_batch const& batch)
    {
        return sessions_.write([&](session& with) { return write(with, batch); });
    }

    /// Writes a batch in the transaction that is open in `with`.
    commit_result write(session& with, commit_batch const& batch) { return batch_writer{with, texts_, batch}.write_all(); }

    std::vector<claimed_task> claim(claim_request const& request)
    {
        return sessions_.write([&](session& with) { return claimer{with, texts_, *presence_, request}.claim(); });
    }

    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        claim_request const asking{worker, now, 1, workflows};
        return sessions_.read([&](session& with) { return claimer{with, texts_, *presence_, asking}.next_due(); });
    }

    heartbeat_result heartbeat(heartbeat_request const& beat)
    {
        return sessions_.write([&](session& with) { return beat.lease == duration::zero() ? retire(with, beat) : extend(with, beat); });
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

    send_answer send(message const& told)
    {
        return sessions_.write([&](session& with) { return send_message(with, texts_, told); });
    }

    std::size_t purge(time_point before, std::size_t limit)
    {
        return sessions_.write([&](session& with) {
            std::vector<task_id> old;
            query& row = with.get(texts_.finished_before);
            for (bool more = row.run(before, static_cast<long long>(limit)); more; more = row.next())
                old.push_back(row.id<task_id>());
            for (task_id const task : old)
                for (auto const* text : {&texts_.delete_transitions, &texts_.delete_steps, &texts_.delete_messages, &texts_.delete_task})
                    with.get(*text).run_once(task);
            with.get(texts_.delete_dead_workers).run_once(before);
            return old.size();
        });
    }

private:
    heartbeat_result retire(session& with, heartbeat_request const& beat) const
    {
        with.get(texts_.free_tasks).run_once(beat.worker);
        with.get(texts_.delete_worker).run_once(beat.worker);
        heartbeat_result result;
        result.store_now = wall_clock(with);
        return result;
    }

    heartbeat_result extend(session& with, heartbeat_request const& beat) const
    {
        heartbeat_result result;
        result.store_now = wall_clock(with);
        query& known = with.get(texts_.takeovers);
        bool const is_known = known.run_once(beat.worker);
        if (is_known)
            result.takeovers = known.integer();
        auto const self = presence_->self();
        with.get(texts_.put_worker).run_once(beat.worker, beat.now + beat.lease, self.host, self.process, self.started);
        query& row = with.get(texts_.requests_of);
        for (bool more = row.run(beat.worker); more; more = row.next()) {
            auto const task = row.id<task_id>();
            result.requests.emplace_back(task, *read_command(row));
        }
        query& told = with.get(texts_.mail_of);
        for (bool more = told.run(beat.worker); more; more = told.next()) {
            auto const task = told.id<task_id>();
            result.mail.emplace_back(task, told.integer());
        }
        if (!is_known || beat.takeovers != result.takeovers)
            result.holdings = holdings(with, beat.worker);
        return result;
    }

    std::vector<task_lease> holdings(session& with, worker_id worker) const
    {
        std::vector<task_lease> held;
        query& row = with.get(texts_.holdings);
        for (bool more = row.run(worker); more; more = row.next()) {
            auto const task = row.id<task_id>();
            held.push_back({task, row.integer()});
        }
        return held;
    }

    time_point wall_clock(session& with) const
    {
        query& clock = with.get({std::string{sessions_.of().wall_clock()}, "", "i"});
        clock.run_once();
        return clock.time();
    }

    session_pool& sessions_;
    statements const& texts_;
    std::unique_ptr<worker_presence const> presence_;
};

} // namespace tasker::sql
