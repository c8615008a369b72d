#pragma once

#include <tasker/event/subscriber.hpp>
#include <tasker/event/subscriber_list.hpp>
#include <tasker/event/subscription.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace tasker {

TASKER_INLINE subscription& subscription::operator=(subscription&& other)
{
    subscription former = std::move(*this);
    subscriber_ = std::move(other.subscriber_);
    list_ = std::move(other.list_);
    return *this;
}

TASKER_INLINE subscription::~subscription()
{
    reset();
}

TASKER_INLINE void subscription::reset()
{
    auto const ending = std::move(subscriber_);
    if (!ending)
        return;
    if (auto const list = std::exchange(list_, {}).lock())
        list->remove(*ending);
    ending->close(detail::backlog::discard);
    ending->wait_ended();
}

TASKER_INLINE subscription::operator bool() const noexcept
{
    return subscriber_ != nullptr;
}

TASKER_INLINE void subscription::flush() const
{
    if (subscriber_)
        subscriber_->flush();
}

TASKER_INLINE std::size_t subscription::dropped() const noexcept
{
    return subscriber_ ? subscriber_->dropped() : 0;
}

TASKER_INLINE std::size_t subscription::failures() const noexcept
{
    return subscriber_ ? subscriber_->failures() : 0;
}

TASKER_INLINE subscription::subscription(std::shared_ptr<detail::subscriber> subscriber, std::weak_ptr<detail::subscriber_list> list)
    : subscriber_{std::move(subscriber)}, list_{std::move(list)}
{
}

} // namespace tasker
