#pragma once

#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/statements.hpp>
#include <tasker/store/store.hpp>

#include <algorithm>
#include <unordered_map>

namespace tasker::sql {

/// Writes one batch within a transaction, as the contract of `store::commit` says.
class batch_writer {
public:
    batch_writer(session& with, statements const& texts, commit_batch const& batch)
        : session_{with}, texts_{texts}, batch_{batch}
    {
    }

    commit_result write_all()
    {
        create_tasks();
        check_fences();
        write_tasks();
        write_steps();
        write_transitions();
        return std::move(result_);
    }

private:
    /// What a task's row said before the batch.
    struct fence {
        bool may_write = false;
        bool is_new = false;     ///< created by this very batch, which may write it whatever it says
        bool is_refused = false; ///< a duplicate, reported as such
        std::int64_t epoch = 0;
        std::int64_t sequence = 0; ///< of its last transition
    };

    void create_tasks()
    {
        if (batch_.created.empty())
            return;
        query& insert = session_.get(texts_.insert_task);
        for (task_record const& task : batch_.created) {
            write(insert, task);
            if (insert.changed_rows() == 1)
                fences_[task.id] = {true, true, false, task.epoch, 0};
            else
                refuse(task);
        }
    }

    void refuse(task_record const& task)
    {
        query& find = session_.get(texts_.find_twin);
        find.run_once(task.id, task.identity_key, task.id);
        result_.duplicates.push_back({task.id, find.id<task_id>()});
        fences_[task.id] = {false, false, true, 0, 0};
    }

    /// One stale write anywhere refuses all of its task, so every write is looked at before the first is made.
    void check_fences()
    {
        for (task_write const& write : batch_.tasks)
            check(write.id, write.epoch);
        for (step_write const& write : batch_.steps)
            check(write.task, write.epoch);
        for (std::size_t at = 0; at < batch_.transitions.size(); ++at)
            check(batch_.transitions[at].task, batch_.transition_epochs[at]);
    }

    void check(task_id task, std::int64_t epoch)
    {
        fence& found = fence_of(task);
        if (found.is_new || found.is_refused || (found.may_write && found.epoch == epoch))
            return;
        found = {false, false, true, 0, 0};
        result_.lease_lost.push_back(task);
    }

    fence& fence_of(task_id task)
    {
        auto const [at, is_first] = fences_.try_emplace(task);
        if (is_first) {
            query& look = session_.get(texts_.fence);
            at->second.may_write = look.run_once(task, batch_.worker);
            if (at->second.may_write) {
                at->second.epoch = look.integer();
                at->second.sequence = look.integer();
            }
        }
        return at->second;
    }

    void write_tasks()
    {
        for (task_write const& write : batch_.tasks) {
            if (!fences_[write.id].may_write)
                continue;
            session_.get(texts_.update_task)
                .run_once(write.state, write.status_reason, write.started_at, write.finished_at, write.wake_at,
                          write.recoveries, write.id);
            if (write.release)
                session_.get(texts_.release_task).run_once(write.id);
            if (write.clear_request)
                session_.get(texts_.clear_request).run_once(write.id);
        }
    }

    void write_steps()
    {
        if (batch_.steps.empty())
            return;
        query& put = session_.get(texts_.put_step);
        for (step_write const& step : batch_.steps)
            if (fences_[step.task].may_write)
                write(put, step);
    }

    void write_transitions()
    {
        if (batch_.transitions.empty())
            return;
        query& insert = session_.get(texts_.insert_transition);
        for (transition_record const& line : batch_.transitions)
            if (fence& of = fences_[line.task]; of.may_write)
                write(insert, line, ++of.sequence);
    }

    session& session_;
    statements const& texts_;
    commit_batch const& batch_;
    commit_result result_;
    std::unordered_map<task_id, fence> fences_;
};

} // namespace tasker::sql
