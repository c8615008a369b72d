#pragma once

#include <tasker/base/config.hpp>

#include <cstddef>
#include <memory>

namespace tasker::detail {
class subscriber;
class subscriber_list;
} // namespace tasker::detail

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
    /// Ends the present subscription, as the destructor does, and takes the other one over.
    subscription& operator=(subscription&& other);
    ~subscription();

    /// Unsubscribes now, as the destructor does; without a subscriber it does nothing.
    void reset();

    /// Whether it still has a subscriber.
    explicit operator bool() const noexcept;

    /// Returns when everything published before the call was delivered or dropped; at once within the subscriber.
    void flush() const;

    /// Events lost because the queue was full.
    std::size_t dropped() const noexcept;

    /// Exceptions that left the subscriber.
    std::size_t failures() const noexcept;

private:
    friend class event_bus;
    subscription(std::shared_ptr<detail::subscriber> subscriber, std::weak_ptr<detail::subscriber_list> list);

    std::shared_ptr<detail::subscriber> subscriber_;
    std::weak_ptr<detail::subscriber_list> list_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/subscription.ipp>
#endif
