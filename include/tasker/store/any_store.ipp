#pragma once

#include <tasker/store/any_store.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tasker {

TASKER_INLINE bool any_store::blocks() const { return self_->blocks(); }

TASKER_INLINE void any_store::migrate() { self_->migrate(); }

TASKER_INLINE workflow_id any_store::register_workflow(workflow_key const& key, graph const& shape)
{
    return self_->register_workflow(key, shape);
}

TASKER_INLINE commit_result any_store::commit(commit_batch const& batch) { return self_->commit(batch); }

TASKER_INLINE std::vector<claimed_task> any_store::claim(claim_request const& request) { return self_->claim(request); }

TASKER_INLINE std::optional<task_snapshot> any_store::load(task_id task) { return self_->load(task); }

TASKER_INLINE heartbeat_result any_store::heartbeat(heartbeat_request const& beat) { return self_->heartbeat(beat); }

TASKER_INLINE request_answer any_store::request(task_id task, command const& asked) { return self_->request(task, asked); }

TASKER_INLINE send_answer any_store::send(message const& told) { return self_->send(told); }

TASKER_INLINE std::vector<message> any_store::mail(task_id task, std::int64_t after) { return self_->mail(task, after); }

TASKER_INLINE std::optional<time_point> any_store::next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
{
    return self_->next_due(worker, now, workflows);
}

TASKER_INLINE std::vector<task_record> any_store::find(task_filter const& filter, page const& page)
{
    return self_->find(filter, page);
}

TASKER_INLINE std::vector<transition_record> any_store::history(task_id task) { return self_->history(task); }

TASKER_INLINE store_statistics any_store::statistics(time_point now, time_point since) { return self_->statistics(now, since); }

TASKER_INLINE std::size_t any_store::purge(time_point before, std::size_t limit) { return self_->purge(before, limit); }

TASKER_INLINE bool any_store::is_transactional() const { return self_->is_transactional(); }

TASKER_INLINE std::unique_ptr<store_transaction> any_store::begin() { return self_->begin(); }

TASKER_INLINE std::unique_ptr<announcement_source> any_store::listen() { return self_->listen(); }
TASKER_INLINE std::unique_ptr<commit_line> any_store::open_line() { return self_->open_line(); }

TASKER_INLINE bool any_store::is_immediate() const { return self_->is_immediate(); }

TASKER_INLINE bool any_store::complete(step_completion const& one) { return self_->complete(one); }

} // namespace tasker
