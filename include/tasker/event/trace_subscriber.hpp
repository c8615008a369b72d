#pragma once

#include <tasker/base/config.hpp>
#include <tasker/event/events.hpp>
#include <tasker/event/span.hpp>

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>

namespace tasker {

/// How much the tracing may remember.
struct trace_options {
    std::size_t max_open_tasks = 100'000; ///< at least 1; beyond it the oldest task's starts are forgotten, which only
                                          ///< spans of cancelled and lost work miss
};

/// Writes a span for every task and, as its child, for every attempt: one JSON line each to a stream, or to a callback:
/// `auto const s = engine.subscribe(trace_subscriber{file})`. A span is written when its work ends; what is parked or
/// lost to another worker is finished by whoever ends it, under the same ids.
/// Copies share their state. Thread-safe: the callback is called by one thread at a time.
/// Lifetime: the stream must outlive every copy.
class trace_subscriber {
public:
    /// Calls `out` with each span; it is called by one thread at a time.
    explicit trace_subscriber(std::function<void(span const&)> out, trace_options options = {});

    /// Writes each span as a line of JSON to `out`, which must outlive every copy.
    explicit trace_subscriber(std::ostream& out, trace_options options = {});

    /// Remembers a start, or writes the span that the event ends.
    void operator()(event const& one) const;

    /// Tasks whose start is remembered.
    std::size_t open_tasks() const;

private:
    struct state;

    std::shared_ptr<state> state_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/trace_subscriber.ipp>
#endif
