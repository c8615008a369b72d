#pragma once

#include <tasker/base/config.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <string_view>

namespace tasker {

/// A subscriber threw. The views are valid during the call only.
struct subscriber_error {
    std::string_view subscriber; ///< `subscribe_options::name`, or empty
    std::string_view event;      ///< public name of the event it was told
    std::string_view what;       ///< the exception's message
    std::size_t failures = 0;    ///< of this subscriber, this one included
    std::exception_ptr error;    ///< what it threw; never null
};

/// Told of every exception that leaves a subscriber, on the thread on which it did: several threads may call at once.
using subscriber_error_callback = std::function<void(subscriber_error const&)>;

/// The default callback: one line on std::clog.
TASKER_INLINE void log_subscriber_error(subscriber_error const& problem);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/subscriber_error.ipp>
#endif
