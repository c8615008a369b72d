#pragma once

#include <tasker/base/config.hpp>
#include <tasker/store/step_completion.hpp>
#include <tasker/store/store.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tasker {

namespace detail {
struct memory_tables;
} // namespace detail

/// Keeps everything in this process's memory: the executable meaning of the store contract, and the store for tests.
/// It ends with the process. Copies are handles to the same data, so two engines can share one.
/// Running out of memory inside `commit` is the one failure that can leave part of a batch behind.
/// Thread safety: as the concept `store` says; copies may be used by different threads.
class memory_store {
public:
    /// Empty; its copies share what comes into it.
    memory_store();

    ///@{
    /// As the concept `store` says.
    bool blocks() const noexcept { return false; }
    void migrate() {}
    workflow_id register_workflow(workflow_key const& key, graph const& shape);
    commit_result commit(commit_batch const& batch);
    std::vector<claimed_task> claim(claim_request const& request);
    std::optional<task_snapshot> load(task_id task);
    heartbeat_result heartbeat(heartbeat_request const& beat);
    request_answer request(task_id task, command const& asked);
    send_answer send(message const& told);
    std::vector<message> mail(task_id task, std::int64_t after);
    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows);
    std::vector<task_record> find(task_filter const& filter, page const& page);
    std::vector<transition_record> history(task_id task);
    store_statistics statistics(time_point now, time_point since);
    std::size_t purge(time_point before, std::size_t limit);
    ///@}
    /// As the concept `immediate_store` says.
    bool complete(step_completion const& one);

private:
    std::shared_ptr<detail::memory_tables> tables_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/store/memory_store.ipp>
#endif
