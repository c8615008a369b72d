#pragma once

#include <tasker/store/memory_store.hpp>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace support {

/// Holds calls of a `blocking_store`, on its threads, so that a request is carried out while a heartbeat is under way:
/// the commit that clears the request waits for a second heartbeat to find it, and that heartbeat waits for the release.
class store_hold {
public:
    void hold_requests() { set([this] { holding_ = true; }); }
    void release_heartbeat() { set([this] { released_ = true; }); }

    /// Waits until the held heartbeat has been heard: the next one has begun.
    void await_heartbeat_after_release()
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return heard_; });
    }

    void before_commit(bool clears_request)
    {
        std::unique_lock lock{mutex_};
        if (holding_ && clears_request)
            changed_.wait(lock, [this] { return reports_ >= 2; });
    }
    void before_heartbeat()
    {
        set([this] { heard_ = heard_ || (released_ && reports_ >= 2); });
    }
    void after_heartbeat(bool reports_request)
    {
        std::unique_lock lock{mutex_};
        if (!holding_ || !reports_request)
            return;
        ++reports_;
        changed_.notify_all();
        if (reports_ == 2)
            changed_.wait(lock, [this] { return released_; });
    }

private:
    template <class Change>
    void set(Change change)
    {
        std::scoped_lock const lock{mutex_};
        change();
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool holding_ = false;
    bool released_ = false;
    bool heard_ = false;
    int reports_ = 0;
};

/// The memory store, called as one that blocks: by threads of the engine's own.
class blocking_store : public tasker::memory_store {
public:
    explicit blocking_store(tasker::memory_store data, std::shared_ptr<store_hold> held_by = {})
        : memory_store{std::move(data)}, hold_{std::move(held_by)}
    {
    }

    bool blocks() const noexcept { return true; }

    tasker::commit_result commit(tasker::commit_batch const& batch)
    {
        if (hold_)
            hold_->before_commit(std::any_of(batch.tasks.begin(), batch.tasks.end(),
                                             [](tasker::task_write const& row) { return row.clear_request; }));
        return memory_store::commit(batch);
    }

    tasker::heartbeat_result heartbeat(tasker::heartbeat_request const& beat)
    {
        if (hold_)
            hold_->before_heartbeat();
        auto result = memory_store::heartbeat(beat);
        if (hold_)
            hold_->after_heartbeat(!result.requests.empty());
        return result;
    }

private:
    std::shared_ptr<store_hold> hold_;
};

static_assert(tasker::store<blocking_store>);

} // namespace support
