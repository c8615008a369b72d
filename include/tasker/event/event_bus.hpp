#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/base/unique_function.hpp>
#include <tasker/event/event_table.hpp>
#include <tasker/event/events.hpp>
#include <tasker/event/heard_event.hpp>
#include <tasker/event/subscribe_options.hpp>
#include <tasker/event/subscriber_error.hpp>
#include <tasker/event/subscriber_list.hpp>
#include <tasker/event/subscription.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace tasker {

/// Tells events to subscribers; a subscriber that is slow or throws harms neither the publisher nor the others.
/// Thread safety: all members may be called from any thread, and from within subscribers.
/// Lifetime: the destructor delivers what is queued, and returns when no subscriber runs; nobody may publish meanwhile.
class event_bus {
public:
    /// `on_error` is told of every exception that leaves a subscriber.
    explicit event_bus(subscriber_error_callback on_error = log_subscriber_error);
    event_bus(event_bus const&) = delete;
    event_bus& operator=(event_bus const&) = delete;
    ~event_bus();

    /// Whether anybody listens to `Event` (to anything derived from it, when it is a base); costs one relaxed load, so
    /// that an event nobody wants need not be built.
    template <class Event>
    bool wants() const noexcept
    {
        static_assert(event_set_of<Event> != 0, "This type is no event and no base of one.");
        return (list_->wanted() & event_set_of<Event>) != 0;
    }

    /// Tells `one` to everybody who listens to it: in place before it returns, queued later. Events of one thread reach
    /// a subscriber in the order in which they were published. Never throws what a subscriber throws.
    void publish(event&& one);

    /// The same for one type of event, which is not even built into an `event` when nobody wants it.
    template <class Event>
        requires(!std::same_as<std::remove_cvref_t<Event>, event> &&
                 std::constructible_from<event, Event &&>)
    void publish(Event&& one)
    {
        if (wants<std::remove_cvref_t<Event>>())
            tell(event{std::forward<Event>(one)});
    }

    /// Calls `heard_by` with every event of its parameter type from now on, until the subscription ends:
    /// `step_failed const&` for one event, `step_event const&` or `task_event const&` for all that derive from it,
    /// `event const&` for all. Queued calls of one subscriber never overlap; calls in place do when publishers do.
    /// Throws: error{errc::invalid_options} when `options.capacity` is 0.
    template <class Subscriber>
    [[nodiscard]] subscription
    subscribe(Subscriber&& heard_by,
              subscribe_options options = default_options_of<std::decay_t<Subscriber>>)
    {
        using callable = std::decay_t<Subscriber>;
        static_assert(has_one_parameter<callable>,
                      "A subscriber must name the event it hears as its one parameter, e.g. [](tasker::step_failed "
                      "const& e) {...}: `auto` and overloads do not tell.");
        if constexpr (has_one_parameter<callable>) {
            using parameter = typename detail::signature_of<callable>::parameter;
            using heard = std::remove_cvref_t<parameter>;
            static_assert(takes_const<parameter>, "A subscriber must take its event as `E const&` or by value.");
            static_assert(event_set_of<heard> != 0, "A subscriber's parameter must be an event of event/events.hpp, a "
                                                    "base of events, or `tasker::event`.");
            static_assert(std::is_void_v<typename detail::signature_of<callable>::result>,
                          "A subscriber must return void: nobody would await or read its result.");
            if constexpr (takes_const<parameter>) // else one message is enough
                return add([call = callable(std::forward<Subscriber>(heard_by))](
                               event const& one) mutable { call_with<heard>(call, one); },
                           event_set_of<heard>, options);
        }
    }

    /// Returns when everything published before the call was delivered to every queued subscriber, or dropped.
    void flush();

private:
    subscription add(unique_function<void(event const&)> call, event_set heard, subscribe_options const& options);
    void tell(event&& one);

    std::shared_ptr<subscriber_error_callback const> on_error_; // subscribers may outlive the bus
    std::shared_ptr<detail::subscriber_list> list_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/event_bus.ipp>
#endif
