#pragma once

#include <tasker/event/subscriber_error.hpp>

#include <ios>
#include <iostream>
#include <string>

namespace tasker {

TASKER_INLINE void log_subscriber_error(subscriber_error const& problem)
{
    std::string line{"tasker: the event subscriber "};
    if (!problem.subscriber.empty())
        line.append("\"").append(problem.subscriber).append("\" ");
    line.append("threw on ").append(problem.event).append(": ").append(problem.what).append(" (failure ");
    line.append(std::to_string(problem.failures)).append("; the engine goes on)\n");
    std::clog.write(line.data(), static_cast<std::streamsize>(line.size())).flush();
}

} // namespace tasker
