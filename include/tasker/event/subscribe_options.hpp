#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <type_traits>

namespace tasker {

/// On whose thread a subscriber is called.
enum class delivery {
    queued,   ///< on a thread of the subscription's own, from a bounded queue: it can be slow and harms nobody
    in_place, ///< on the publisher's thread, inside `publish`: it must be quick and must not wait for the publisher
};

/// How a subscription hears its events.
struct subscribe_options {
    tasker::delivery delivery = tasker::delivery::queued; ///< on whose thread
    std::size_t capacity = 65'536;                        ///< events that may wait, at least 1; when full the oldest is dropped and counted
    std::string_view name = {};                           ///< who it is, for error reports; copied when subscribing
};

static_assert(std::is_aggregate_v<subscribe_options> && std::is_trivially_destructible_v<subscribe_options>,
              "options stand beside co_await, where g++ 12 destroys owning aggregates twice");

/// The options of a subscriber that gets none: its class's own `default_options`, else the defaults above.
template <class Subscriber>
inline constexpr subscribe_options default_options_of = [] {
    if constexpr (requires { Subscriber::default_options; })
        return subscribe_options{Subscriber::default_options};
    else
        return subscribe_options{};
}();

template <class Subscriber>
inline constexpr subscribe_options default_options_of<std::reference_wrapper<Subscriber>> =
    default_options_of<Subscriber>;

} // namespace tasker
