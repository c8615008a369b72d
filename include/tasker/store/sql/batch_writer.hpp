#pragma once

#include <tasker/store/sql/mail.hpp>
#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/statements.hpp>
#include <tasker/store/store.hpp>
#include <tasker/store/store_rules.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

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
        if (was_committed()) {
            result_.was_committed = true;
            return std::move(result_);
        }
        create_tasks();
        write_tasks();
        write_steps();
        write_transitions();
        take_messages();
        send_messages();
        tasker::detail::drop_repetitions(result_.lease_lost);
        return std::move(result_);
    }

private:
    /// What a task's row said before the batch wrote any of it.
    struct fence {
        bool is_duplicate = false;         ///< its creation was refused and reported; the rows that go with it are dropped
        std::optional<std::int64_t> epoch; ///< under which this worker may write it; none: another owns it, or nobody
        std::int64_t sequence = 0;         ///< of its last transition
    };

    /// Whether an earlier try of the batch arrived; if not, this one counts from now on.
    bool was_committed()
    {
        if (batch_.number == 0)
            return false;
        query& note = session_.get(texts_.note_batch);
        note.run_once(batch_.worker, batch_.number);
        return note.changed_rows() == 0;
    }

    void create_tasks()
    {
        if (batch_.created.empty())
            return;
        query& insert = session_.get(texts_.insert_task);
        for (task_record const& task : batch_.created) {
            write(insert, task);
            if (insert.changed_rows() == 1)
                fences_[task.id] = {false, task.epoch, 0}; // a batch may write what it creates, whoever owns it
            else
                refuse(task);
        }
    }

    void refuse(task_record const& task)
    {
        query& find = session_.get(texts_.find_twin);
        find.run_once(task.id, task.identity_key, task.id);
        result_.duplicates.push_back({task.id, find.id<task_id>()});
        fences_[task.id] = {true, {}, 0};
    }

    /// The fence of a task that may be written under `epoch`; null: it may not, and that is reported.
    fence* open_fence(task_id task, std::int64_t epoch)
    {
        fence& found = fence_of(task);
        if (found.epoch == epoch)
            return &found;
        if (!found.is_duplicate)
            result_.lease_lost.push_back({task, epoch});
        return nullptr;
    }

    fence& fence_of(task_id task)
    {
        auto const [at, is_first] = fences_.try_emplace(task);
        if (!is_first)
            return at->second;
        query& look = session_.get(texts_.fence);
        if (look.run_once(task, batch_.worker)) {
            at->second.epoch = look.integer();
            at->second.sequence = look.integer();
        }
        return at->second;
    }

    void write_tasks()
    {
        for (task_write const& write : batch_.tasks) {
            if (open_fence(write.id, write.epoch) == nullptr)
                continue;
            session_.get(texts_.update_task)
                .run_once(write.state, write.status_reason, write.started_at, write.finished_at, write.wake_at,
                          write.recoveries, write.id);
            if (write.release) {
                session_.get(texts_.release_task).run_once(write.id);
                session_.get(texts_.wake_with_news).run_once(write.id, write.mail_seen);
            }
            if (write.renewed_input) {
                session_.get(texts_.renew_input).run_once(*write.renewed_input, write.id);
                session_.get(texts_.delete_steps).run_once(write.id);
            }
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
            if (open_fence(step.task, step.epoch) != nullptr)
                write(put, step);
    }

    void write_transitions()
    {
        if (batch_.transitions.empty())
            return;
        query& insert = session_.get(texts_.insert_transition);
        for (std::size_t at = 0; at < batch_.transitions.size(); ++at)
            if (fence* const of = open_fence(batch_.transitions[at].task, batch_.transition_epochs[at]))
                write(insert, batch_.transitions[at], ++of->sequence);
    }

    void take_messages()
    {
        for (message_take const& take : batch_.taken)
            if (open_fence(take.task, take.epoch) != nullptr)
                session_.get(texts_.take_message).run_once(take.task, take.sequence);
    }

    void send_messages()
    {
        for (message_write const& write : batch_.sent)
            if (open_fence(write.from, write.epoch) != nullptr)
                send_message(session_, texts_, write.what);
    }

    session& session_;
    statements const& texts_;
    commit_batch const& batch_;
    commit_result result_;
    std::unordered_map<task_id, fence> fences_;
};

} // namespace tasker::sql
