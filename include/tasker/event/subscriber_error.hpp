#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
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
inline void log_subscriber_error(subscriber_error const& problem)
{
    std::string line{"tasker: the event subscriber "};
    if (!problem.subscriber.empty())
        line.append("\"").append(problem.subscriber).append("\" ");
    line.append("threw on ").append(problem.event).append(": ").append(problem.what).append(" (failure ");
    line.append(std::to_string(problem.failures)).append("; the engine goes on)\n");
    std::clog.write(line.data(), static_cast<std::streamsize>(line.size())).flush();
}

} // namespace tasker
