#pragma once

#include <tasker/store/any_store.hpp>

#include "support/abandonment.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace support {

/// What a test does to a store, and what it sees of it.
struct store_watch {
    bool refuses_commits = false; ///< every commit throws and changes nothing
    bool loses_heartbeats = false; ///< heartbeats seem to succeed and reach nothing
    bool refuses_heartbeats = false; ///< every heartbeat throws and changes nothing
    int loses_claims = 0; ///< so many claims succeed and throw, as when the connection breaks before the answer
    std::size_t accepts = static_cast<std::size_t>(-1); ///< commits that succeed; every later one throws, too
    int refused = 0;
    std::vector<tasker::commit_batch> committed; ///< in order
};

/// A store behind a watch: it can be told to fail, and shows what is written into it.
class failing_store {
public:
    failing_store(tasker::any_store into, std::shared_ptr<store_watch> watched_by)
        : into_{std::move(into)}, watch_{std::move(watched_by)}
    {
    }

    bool blocks() const { return into_.blocks(); }
    void migrate() { into_.migrate(); }
    tasker::workflow_id register_workflow(tasker::workflow_key const& key, tasker::graph const& shape)
    {
        return into_.register_workflow(key, shape);
    }
    tasker::commit_result commit(tasker::commit_batch const& batch)
    {
        if (!is_mended() && (watch_->refuses_commits || watch_->committed.size() >= watch_->accepts)) {
            ++watch_->refused;
            throw tasker::error{tasker::errc::store_unavailable, "the disk is full; the test will make room"};
        }
        auto result = into_.commit(batch);
        watch_->committed.push_back(batch);
        return result;
    }
    std::vector<tasker::claimed_task> claim(tasker::claim_request const& request)
    {
        auto claimed = into_.claim(request);
        if (!is_mended() && !claimed.empty() && watch_->loses_claims > 0 && watch_->loses_claims-- > 0)
            throw tasker::error{tasker::errc::store_unavailable, "the connection broke before the answer; the test connects anew"};
        return claimed;
    }
    std::optional<tasker::task_snapshot> load(tasker::task_id task) { return into_.load(task); }
    tasker::heartbeat_result heartbeat(tasker::heartbeat_request const& beat)
    {
        if (watch_->refuses_heartbeats && !is_mended())
            throw tasker::error{tasker::errc::store_unavailable, "nobody hears; the test will listen again"};
        if (watch_->loses_heartbeats && !is_mended())
            return {};
        return into_.heartbeat(beat);
    }
    tasker::request_answer request(tasker::task_id task, tasker::command const& asked)
    {
        return into_.request(task, asked);
    }
    tasker::send_answer send(tasker::message const& told) { return into_.send(told); }
    std::vector<tasker::message> mail(tasker::task_id task, std::int64_t after) { return into_.mail(task, after); }
    std::optional<tasker::time_point> next_due(tasker::worker_id worker, tasker::time_point now,
                                               std::span<tasker::workflow_id const> workflows)
    {
        return into_.next_due(worker, now, workflows);
    }
    std::vector<tasker::task_record> find(tasker::task_filter const& filter, tasker::page const& page)
    {
        return into_.find(filter, page);
    }
    std::vector<tasker::transition_record> history(tasker::task_id task) { return into_.history(task); }
    tasker::store_statistics statistics(tasker::time_point now, tasker::time_point since)
    {
        return into_.statistics(now, since);
    }
    std::size_t purge(tasker::time_point before, std::size_t limit) { return into_.purge(before, limit); }

private:
    /// Whoever comes after an abandoned engine finds the disk emptied and the line repaired.
    static bool is_mended() { return abandonment::present() != nullptr && abandonment::present()->happened; }

    tasker::any_store into_;
    std::shared_ptr<store_watch> watch_;
};

static_assert(tasker::store<failing_store>);

} // namespace support
