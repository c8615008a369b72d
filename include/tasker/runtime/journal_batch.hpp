#pragma once

#include <tasker/base/unique_function.hpp>
#include <tasker/event/events.hpp>
#include <tasker/runtime/task_run.hpp>
#include <tasker/store/store.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace tasker {

/// What to do once a batch is durable.
struct durable_note {
    enum class kind {
        task_left,
        request_cleared,
        call, ///< calls `then`: with nothing, or with why the task is no longer this engine's
    };
    kind what = kind::call;
    std::shared_ptr<task_run> task;
    unique_function<void(std::exception_ptr)> then;
};

/// What a write of a task's row does besides.
enum class row_extra { none, release_lease, clear_request };

/// A submission in a batch: told the id that exists already, or none when the task was created, and the task as it was given.
using creation_answer = unique_function<void(task_id existing, task_record&& task)>;

/// One transaction's worth of records, with what is to be told when it is durable.
struct journal_batch {
    commit_batch rows;
    std::vector<std::shared_ptr<task_run>> tasks;                    ///< that it is about, each once; those below are among them
    std::vector<std::pair<task_run*, step_no>> steps;                ///< whose rows are made when the batch is closed
    std::vector<std::pair<task_run*, step_no>> outcomes;             ///< their children wait for the commit
    std::vector<durable_note> notes;
    std::vector<std::pair<std::shared_ptr<task_run>, event>> events;
    std::vector<std::pair<task_id, creation_answer>> creations;      ///< parallel to rows.created
    std::size_t records = 0; ///< rows of tasks and steps
    std::size_t bytes = 0;
    bool urgent = false; ///< somebody waits for it

    bool empty() const noexcept { return steps.empty() && rows.empty(); }

    /// Makes the rows of the steps as they are now; the batch stays as it was when that throws.
    void make_rows()
    {
        auto const before = rows.steps.size();
        try {
            for (auto const& [task, step] : steps)
                rows.steps.push_back({task->record.id, task->record.epoch, step, task->plan.record(step)});
        } catch (...) {
            rows.steps.resize(before);
            throw;
        }
    }

    /// Tells submitters what became of their tasks.
    void answer_creations(commit_result const& result)
    {
        for (std::size_t at = 0; at < creations.size(); ++at) {
            auto& [id, answer] = creations[at];
            auto const is_it = [created = id](duplicate const& one) { return one.refused == created; };
            auto const refused = std::find_if(result.duplicates.begin(), result.duplicates.end(), is_it);
            bool const is_new = refused == result.duplicates.end() || refused->existing == id; // itself: an earlier try arrived
            answer(is_new ? task_id{} : refused->existing, std::move(rows.created[at]));
        }
    }

    /// Drops what was committed and keeps the memory.
    void clear()
    {
        rows.clear();
        steps.clear();
        outcomes.clear();
        notes.clear();
        events.clear();
        creations.clear();
        tasks.clear();
        records = 0;
        bytes = 0;
        urgent = false;
    }
};

} // namespace tasker
