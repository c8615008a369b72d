#pragma once

#include <tasker/store/memory_store.hpp>
#include <tasker/store/memory_tables.hpp>
#include <tasker/store/store_rules.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace tasker {

static_assert(store<memory_store> && immediate_store<memory_store>);

TASKER_INLINE memory_store::memory_store() : tables_{std::make_shared<detail::memory_tables>()} {}

TASKER_INLINE workflow_id memory_store::register_workflow(workflow_key const& key, graph const& shape)
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

TASKER_INLINE commit_result memory_store::commit(commit_batch const& batch)
{
    detail::check_batch(batch);
    std::scoped_lock const lock{tables_->mutex};
    return tables_->commit(batch);
}

TASKER_INLINE bool memory_store::complete(step_completion const& one)
{
    std::scoped_lock const lock{tables_->mutex};
    return tables_->complete(one);
}

TASKER_INLINE std::vector<claimed_task> memory_store::claim(claim_request const& request)
{
    std::scoped_lock const lock{tables_->mutex};
    std::vector<claimed_task> claimed;
    for (task_id const id : request.task ? tables_->named_candidate(request) : tables_->candidates(request))
        claimed.push_back(tables_->hand_over(tables_->tasks.at(id), request.worker));
    return claimed;
}

TASKER_INLINE std::optional<task_snapshot> memory_store::load(task_id task)
{
    std::scoped_lock const lock{tables_->mutex};
    auto const found = tables_->tasks.find(task);
    return found == tables_->tasks.end() ? std::nullopt : std::optional{found->second.snapshot()};
}

TASKER_INLINE heartbeat_result memory_store::heartbeat(heartbeat_request const& beat)
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
    for (task_id const id : tables_->unread)
        if (task_record const& task = tables_->tasks.at(id).task; task.worker == beat.worker)
            result.mail.emplace_back(id, task.mail);
    return result;
}

TASKER_INLINE request_answer memory_store::request(task_id task, command const& asked)
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

TASKER_INLINE send_answer memory_store::send(message const& told)
{
    std::scoped_lock const lock{tables_->mutex};
    return tables_->send(told);
}

TASKER_INLINE std::vector<message> memory_store::mail(task_id task, std::int64_t after)
{
    std::scoped_lock const lock{tables_->mutex};
    std::vector<message> found;
    if (auto const at = tables_->tasks.find(task); at != tables_->tasks.end())
        for (auto one = at->second.unread.upper_bound(after); one != at->second.unread.end(); ++one)
            found.push_back(one->second);
    return found;
}

TASKER_INLINE std::optional<time_point> memory_store::next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
{
    std::scoped_lock const lock{tables_->mutex};
    return tables_->next_due(worker, now, workflows);
}

TASKER_INLINE std::vector<task_record> memory_store::find(task_filter const& filter, page const& page)
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

TASKER_INLINE std::vector<transition_record> memory_store::history(task_id task)
{
    std::scoped_lock const lock{tables_->mutex};
    auto const found = tables_->tasks.find(task);
    return found == tables_->tasks.end() ? std::vector<transition_record>{} : found->second.history();
}

TASKER_INLINE store_statistics memory_store::statistics(time_point now, time_point since)
{
    std::scoped_lock const lock{tables_->mutex};
    store_statistics counts;
    for (auto const& [id, row] : tables_->tasks)
        tables_->count(row, now, since, counts);
    return counts;
}

TASKER_INLINE std::size_t memory_store::purge(time_point before, std::size_t limit)
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

} // namespace tasker
