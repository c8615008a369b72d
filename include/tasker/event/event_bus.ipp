#pragma once

#include <tasker/base/error.hpp>
#include <tasker/event/event_bus.hpp>
#include <tasker/event/events.hpp>
#include <tasker/event/heard_event.hpp>
#include <tasker/event/subscribe_options.hpp>
#include <tasker/event/subscriber.hpp>
#include <tasker/event/subscriber_error.hpp>
#include <tasker/event/subscriber_list.hpp>
#include <tasker/event/subscription.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace tasker {

TASKER_INLINE event_bus::event_bus(subscriber_error_callback on_error)
    : on_error_{std::make_shared<subscriber_error_callback const>(std::move(on_error))},
      list_{std::make_shared<detail::subscriber_list>()}
{
}

TASKER_INLINE event_bus::~event_bus()
{
    auto const all = list_->all();
    for (auto const& each : *all)
        each->close(detail::backlog::deliver);
    for (auto const& each : *all)
        each->wait_ended();
}

TASKER_INLINE void event_bus::publish(event&& one) { tell(std::move(one)); }

TASKER_INLINE void event_bus::flush()
{
    auto const all = list_->all();
    for (auto const& each : *all)
        each->flush();
}

TASKER_INLINE subscription event_bus::add(unique_function<void(event const&)> call, event_set heard, subscribe_options const& options)
{
    if (options.capacity == 0)
        throw error{errc::invalid_options,
                    "subscribe_options::capacity is 0: a subscriber needs room for at least one event."};
    auto one = std::make_shared<detail::subscriber>(std::move(call), heard, options, on_error_);
    detail::subscriber::start(one);
    subscription made{one, list_};
    list_->add(std::move(one));
    return made;
}

TASKER_INLINE void event_bus::tell(event&& one)
{
    auto const index = one.index();
    if (((list_->wanted() >> index) & 1U) == 0)
        return;
    auto const all = list_->all();
    std::shared_ptr<event const> kept; // one copy for all queues, and none when nobody queues
    for (auto const& each : *all)
        if (!kept && each->is_queued() && each->hears(index))
            kept = std::make_shared<event const>(std::move(one));
    event const& told = kept ? *kept : one;
    for (auto const& each : *all) // callbacks may destroy the bus: nothing below touches its members
        if (!each->hears(index))
            continue;
        else if (each->is_queued())
            each->enqueue(kept);
        else
            each->tell(told);
}

} // namespace tasker
