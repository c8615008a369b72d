#pragma once

#include <tasker/event/subscriber.hpp>
#include <tasker/event/subscriber_list.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace tasker {

/// The right to be told: events reach the subscriber until this object is destroyed.
/// When the destructor returns, the subscriber runs no more, will not run again, and is destroyed; events still in its
/// queue are discarded (`flush()` first to have them). Called from within the subscriber itself it does not wait: that
/// call is then the last.
/// Lifetime: may outlive the bus. Thread safety: `flush` and the counters may be called from any thread. Two
/// subscribers must not end each other's subscriptions at the same time: each would wait for the other.
class subscription {
public:
    subscription() = default;
    subscription(subscription&&) noexcept = default;
    subscription& operator=(subscription&& other)
    {
        subscription former = std::move(*this);
        subscriber_ = std::move(other.subscriber_);
        list_ = std::move(other.list_);
        return *this;
    }
    ~subscription() { reset(); }

    /// Unsubscribes now, as the destructor does; without a subscriber it does nothing.
    void reset()
    {
        auto const ending = std::move(subscriber_);
        if (!ending)
            return;
        if (auto const list = std::exchange(list_, {}).lock())
            list->remove(*ending);
        ending->close(detail::backlog::discard);
        ending->wait_ended();
    }

    explicit operator bool() const noexcept { return subscriber_ != nullptr; }

    /// Returns when everything published before the call was delivered or dropped; at once within the subscriber.
    void flush() const
    {
        if (subscriber_)
            subscriber_->flush();
    }

    /// Events lost because the queue was full.
    std::size_t dropped() const noexcept { return subscriber_ ? subscriber_->dropped() : 0; }

    /// Exceptions that left the subscriber.
    std::size_t failures() const noexcept { return subscriber_ ? subscriber_->failures() : 0; }

private:
    friend class event_bus;
    subscription(std::shared_ptr<detail::subscriber> subscriber, std::weak_ptr<detail::subscriber_list> list)
        : subscriber_{std::move(subscriber)}, list_{std::move(list)}
    {
    }

    std::shared_ptr<detail::subscriber> subscriber_;
    std::weak_ptr<detail::subscriber_list> list_;
};

} // namespace tasker
