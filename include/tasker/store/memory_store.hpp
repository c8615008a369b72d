#pragma once

#include <tasker/store/memory_tables.hpp>
#include <tasker/store/store.hpp>
#include <tasker/store/store_rules.hpp>

#include <algorithm>
#include <memory>
#include <mutex>

namespace tasker {

/// Keeps everything in this process's memory: the executable meaning of the store contract, and the store for tests.
/// It ends with the process. Copies are handles to the same data, so two engines can share one.
/// Running out of memory inside `commit` is the one failure that can leave part of a batch behind.
class memory_store {
public:
    memory_store() : tables_{std::make_shared<detail::memory_tables>()} {}

    bool blocks() const noexcept { return false; }
    void migrate() {}

    workflow_id register_workflow(workflow_key const& key, graph const& shape)
    {
        std::scoped_lock const lock{tables_->mutex};
        auto const [at, is_new] = tables_->numbers.try_emplace(key, static_cast<workflow_id>(tables_->shapes.size()) + 1);
        if (is_new)
            tables_->shapes.push_back(shape);
        graph& known = tables_->shapes[static_cast<std::size_t>(at->second - 1)];
        detail::check_shape(key, known, shape);
        known = shape; // options may have changed
        return at->second;
    }

    commit_result commit(commit_batch const& batch)
    {
        detail::check_batch(batch);
        std::scoped_lock const lock{tables_->mutex};
        return tables_->commit(batch);
    }

    std::vector<claimed_task> claim(claim_request const& request)
    {
        std::scoped_lock const lock{tables_->mutex};
        std::vector<claimed_task> claimed;
        for (task_id const id : request.task ? tables_->named_candidate(request) : tables_->candidates(request))
            claimed.push_back(tables_->hand_over(tables_->tasks.at(id), request.worker));
        return claimed;
    }

    std::optional<task_snapshot> load(task_id task)
    {
        std::scoped_lock const lock{tables_->mutex};
        auto const found = tables_->tasks.find(task);
        return found == tables_->tasks.end() ? std::nullopt : std::optional{found->second.snapshot()};
    }

    heartbeat_result heartbeat(heartbeat_request const& beat)
    {
        std::scoped_lock const lock{tables_->mutex};
        heartbeat_result result;
        if (beat.lease == duration::zero())
            return tables_->retire(beat.worker), result;
        detail::memory_worker& self = tables_->workers[beat.worker];
        self.expires_at = beat.now + beat.lease;
        result.takeovers = self.takeovers;
        if (beat.takeovers != self.takeovers)
            result.holdings = tables_->holdings(beat.worker);
        for (task_id const id : tables_->index.requested())
            if (task_record const& task = tables_->tasks.at(id).task; task.worker == beat.worker)
                result.requests.emplace_back(id, *task.request);
        return result;
    }

    request_answer request(task_id task, command const& asked)
    {
        std::scoped_lock const lock{tables_->mutex};
        auto const found = tables_->tasks.find(task);
        if (found == tables_->tasks.end())
            return request_answer::unknown;
        if (found->second.task.request)
            return request_answer::pending;
        tables_->change(found->second, [&](task_record& row) { row.request = asked; });
        return request_answer::stored;
    }

    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        std::scoped_lock const lock{tables_->mutex};
        return tables_->next_due(worker, now, workflows);
    }

    std::vector<task_record> find(task_filter const& filter, page const& page)
    {
        std::scoped_lock const lock{tables_->mutex};
        auto const limit = std::min(page.limit, page_limit_cap);
        std::vector<task_record> found;
        auto at = page.before ? tables_->ids.lower_bound(*page.before) : tables_->ids.end();
        while (found.size() < limit && at != tables_->ids.begin())
            if (task_record const& task = tables_->tasks.at(*--at).task; tables_->matches(task, filter))
                found.push_back(task);
        return found;
    }

    std::vector<transition_record> history(task_id task)
    {
        std::scoped_lock const lock{tables_->mutex};
        auto const found = tables_->tasks.find(task);
        return found == tables_->tasks.end() ? std::vector<transition_record>{} : found->second.transitions;
    }

    store_statistics statistics(time_point now, time_point since)
    {
        std::scoped_lock const lock{tables_->mutex};
        store_statistics counts;
        for (auto const& [id, row] : tables_->tasks)
            tables_->count(row, now, since, counts);
        return counts;
    }

    std::size_t purge(time_point before, std::size_t limit)
    {
        std::scoped_lock const lock{tables_->mutex};
        std::vector<task_id> old;
        for (auto const& [finished_at, id] : tables_->index.finished()) {
            if (finished_at >= before || old.size() == limit)
                break;
            if (task_record const& task = tables_->tasks.at(id).task; !task.worker && !task.request) // nobody is at it
                old.push_back(id);
        }
        for (task_id const id : old)
            tables_->erase(id);
        return old.size();
    }

private:
    std::shared_ptr<detail::memory_tables> tables_;
};

static_assert(store<memory_store>);

} // namespace tasker
