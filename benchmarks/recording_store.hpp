#pragma once

#include <tasker/store/announcements.hpp>
#include <tasker/store/store.hpp>

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace benchmark {

/// A store that keeps a copy of every batch it commits, so that another writer can be given the very same rows.
template <tasker::store Store>
class recording_store {
public:
    using recording = std::vector<tasker::commit_batch>;

    /// `into` outlives the store.
    recording_store(Store store, recording& into) : store_{std::move(store)}, into_{&into} {}

    tasker::commit_result commit(tasker::commit_batch const& batch)
    {
        into_->push_back(batch);
        return store_.commit(batch);
    }

    bool blocks() const { return store_.blocks(); }
    void migrate() { store_.migrate(); }
    tasker::workflow_id register_workflow(tasker::workflow_key const& key, tasker::graph const& shape)
    {
        return store_.register_workflow(key, shape);
    }
    std::vector<tasker::claimed_task> claim(tasker::claim_request const& request) { return store_.claim(request); }
    std::optional<tasker::task_snapshot> load(tasker::task_id task) { return store_.load(task); }
    tasker::heartbeat_result heartbeat(tasker::heartbeat_request const& beat) { return store_.heartbeat(beat); }
    tasker::request_answer request(tasker::task_id task, tasker::command const& asked) { return store_.request(task, asked); }
    tasker::send_answer send(tasker::message const& told) { return store_.send(told); }
    std::vector<tasker::message> mail(tasker::task_id task, std::int64_t after) { return store_.mail(task, after); }
    std::optional<tasker::time_point> next_due(tasker::worker_id worker, tasker::time_point now,
                                               std::span<tasker::workflow_id const> workflows)
    {
        return store_.next_due(worker, now, workflows);
    }
    std::vector<tasker::task_record> find(tasker::task_filter const& filter, tasker::page const& which)
    {
        return store_.find(filter, which);
    }
    std::vector<tasker::transition_record> history(tasker::task_id task) { return store_.history(task); }
    tasker::store_statistics statistics(tasker::time_point now, tasker::time_point since) { return store_.statistics(now, since); }
    std::size_t purge(tasker::time_point before, std::size_t limit) { return store_.purge(before, limit); }
    std::unique_ptr<tasker::announcement_source> listen()
    {
        if constexpr (tasker::announcing_store<Store>)
            return store_.listen();
        else
            return nullptr;
    }

private:
    Store store_;
    recording* into_;
};

} // namespace benchmark
