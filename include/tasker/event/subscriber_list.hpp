#pragma once

#include <tasker/event/subscriber.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tasker::detail {

/// The subscribers of a bus. Publishers work on a snapshot, so that callbacks may subscribe, unsubscribe and publish.
/// Thread-safe.
class subscriber_list {
public:
    using snapshot = std::shared_ptr<std::vector<std::shared_ptr<subscriber>> const>;

    event_set wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }

    snapshot all() const
    {
        std::lock_guard const lock{mutex_};
        return all_;
    }

    void add(std::shared_ptr<subscriber> one)
    {
        std::lock_guard const lock{mutex_};
        auto next = *all_;
        next.push_back(std::move(one));
        replace(std::move(next));
    }

    void remove(subscriber const& one)
    {
        std::lock_guard const lock{mutex_};
        auto next = *all_;
        std::erase_if(next, [&](auto const& each) { return each.get() == &one; });
        replace(std::move(next));
    }

private:
    void replace(std::vector<std::shared_ptr<subscriber>> next)
    {
        event_set wanted = 0;
        for (auto const& each : next)
            wanted |= each->heard();
        all_ = std::make_shared<std::vector<std::shared_ptr<subscriber>> const>(std::move(next));
        wanted_.store(wanted, std::memory_order_relaxed);
    }

    std::atomic<event_set> wanted_{0};
    mutable std::mutex mutex_;
    snapshot all_ = std::make_shared<std::vector<std::shared_ptr<subscriber>> const>();
};

} // namespace tasker::detail
