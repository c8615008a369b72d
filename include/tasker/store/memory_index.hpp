#pragma once

#include <tasker/model/records.hpp>
#include <tasker/store/claim_order.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker::detail {

inline claim_rank rank_of(task_record const& task) { return {task.priority, task.id}; }

/// Finds the tasks of a memory_store that somebody may claim, wake or purge without looking at any other task.
/// A task is listed by the present values of its row: remove it before they change, and insert it again after.
/// Not thread-safe.
class memory_index {
public:
    void insert(task_record const& task)
    {
        if (task.worker)
            owned_[task.worker].insert(rank_of(task));
        else if (!is_finished(task.state) && task.wake_at)
            queues_[task.workflow].sleeping.emplace(*task.wake_at, rank_of(task));
        else if (!is_finished(task.state))
            queues_[task.workflow].due.emplace(rank_of(task), time_point::min());
        if (is_finished(task.state) && task.finished_at)
            finished_.emplace(*task.finished_at, task.id);
        if (task.request)
            requested_.insert(task.id);
    }

    void remove(task_record const& task)
    {
        if (task.worker)
            disown(task);
        else if (!is_finished(task.state))
            dequeue(task);
        if (is_finished(task.state) && task.finished_at)
            finished_.erase({*task.finished_at, task.id});
        if (task.request)
            requested_.erase(task.id);
    }

    /// Appends the first `limit` unowned tasks of `workflow` that are due.
    void append_due(workflow_id workflow, time_point now, std::size_t limit, std::vector<claim_candidate>& candidates)
    {
        queue const& tasks = wake(workflow, now);
        auto const end = candidates.size() + limit;
        for (auto task = tasks.due.begin(); task != tasks.due.end() && candidates.size() < end; ++task)
            candidates.push_back({workflow, task->first});
    }

    /// When the first unowned task of `workflow` is due; the past is told as `now`.
    std::optional<time_point> next_wake(workflow_id workflow, time_point now)
    {
        queue const& tasks = wake(workflow, now);
        if (!tasks.due.empty())
            return now;
        if (!tasks.sleeping.empty())
            return tasks.sleeping.begin()->first;
        return std::nullopt;
    }

    std::map<worker_id, std::set<claim_rank>> const& owned() const { return owned_; }
    std::set<task_id> const& requested() const { return requested_; }
    std::set<std::pair<time_point, task_id>> const& finished() const { return finished_; }

private:
    struct queue {
        std::map<claim_rank, time_point> due; ///< with its wake_at; min() for none
        std::set<std::pair<time_point, claim_rank>> sleeping;
        time_point woken_until = time_point::min(); ///< the `now` that `due` fits
    };

    /// Moves tasks between `due` and `sleeping` until they fit `now`.
    queue const& wake(workflow_id workflow, time_point now)
    {
        queue& tasks = queues_[workflow];
        if (now < tasks.woken_until) // asked by an earlier clock than the last time
            for (auto task = tasks.due.begin(); task != tasks.due.end();) {
                auto const [rank, wake_at] = *task;
                if (wake_at > now)
                    tasks.sleeping.emplace(wake_at, rank);
                task = wake_at > now ? tasks.due.erase(task) : std::next(task);
            }
        while (!tasks.sleeping.empty() && tasks.sleeping.begin()->first <= now) {
            tasks.due.emplace(tasks.sleeping.begin()->second, tasks.sleeping.begin()->first);
            tasks.sleeping.erase(tasks.sleeping.begin());
        }
        tasks.woken_until = now;
        return tasks;
    }

    void disown(task_record const& task)
    {
        auto const owner = owned_.find(task.worker);
        owner->second.erase(rank_of(task));
        if (owner->second.empty())
            owned_.erase(owner);
    }

    void dequeue(task_record const& task)
    {
        queue& tasks = queues_[task.workflow];
        if (!task.wake_at || tasks.sleeping.erase({*task.wake_at, rank_of(task)}) == 0)
            tasks.due.erase(rank_of(task));
    }

    std::unordered_map<workflow_id, queue> queues_;
    std::map<worker_id, std::set<claim_rank>> owned_;
    std::set<task_id> requested_;
    std::set<std::pair<time_point, task_id>> finished_;
};

} // namespace tasker::detail
