#pragma once

#include <tasker/base/config.hpp>
#include <tasker/event/heard_event.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace tasker::detail {

class subscriber;

/// The subscribers of a bus. Publishers work on a snapshot, so that callbacks may subscribe, unsubscribe and publish.
/// Thread-safe.
class subscriber_list {
public:
    using snapshot = std::shared_ptr<std::vector<std::shared_ptr<subscriber>> const>;

    subscriber_list();

    event_set wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }

    snapshot all() const;
    void add(std::shared_ptr<subscriber> one);
    void remove(subscriber const& one);

private:
    void replace(std::vector<std::shared_ptr<subscriber>> next);

    std::atomic<event_set> wanted_{0};
    mutable std::mutex mutex_;
    snapshot all_; ///< never null
};

} // namespace tasker::detail

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/subscriber_list.ipp>
#endif
