#pragma once

#include <tasker/event/subscriber.hpp>
#include <tasker/event/subscriber_list.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tasker::detail {

TASKER_INLINE subscriber_list::subscriber_list() : all_{std::make_shared<std::vector<std::shared_ptr<subscriber>> const>()} {}

TASKER_INLINE subscriber_list::snapshot subscriber_list::all() const
{
    std::lock_guard const lock{mutex_};
    return all_;
}

TASKER_INLINE void subscriber_list::add(std::shared_ptr<subscriber> one)
{
    std::lock_guard const lock{mutex_};
    auto next = *all_;
    next.push_back(std::move(one));
    replace(std::move(next));
}

TASKER_INLINE void subscriber_list::remove(subscriber const& one)
{
    std::lock_guard const lock{mutex_};
    auto next = *all_;
    std::erase_if(next, [&](auto const& each) { return each.get() == &one; });
    replace(std::move(next));
}

TASKER_INLINE void subscriber_list::replace(std::vector<std::shared_ptr<subscriber>> next)
{
    event_set wanted = 0;
    for (auto const& each : next)
        wanted |= each->heard();
    all_ = std::make_shared<std::vector<std::shared_ptr<subscriber>> const>(std::move(next));
    wanted_.store(wanted, std::memory_order_relaxed);
}

} // namespace tasker::detail
