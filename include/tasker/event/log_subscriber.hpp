#pragma once

#include <tasker/base/config.hpp>
#include <tasker/event/events.hpp>

#include <array>
#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string_view>

namespace tasker {

/// How much an event matters to who reads the log.
enum class log_level {
    debug,   ///< the course of each task: claims, starts, waits, retries
    info,    ///< what was achieved or asked for
    warning, ///< a failure that will be tried again, a lost lease, a refused command
    error,   ///< a failure for good, a store that cannot be written
};

/// The levels as lines spell them, by the value of `log_level`.
inline constexpr std::array<std::string_view, 4> log_level_names{"debug", "info", "warning", "error"};
/// The level as lines spell it.
constexpr std::string_view name(log_level level) { return log_level_names[static_cast<std::size_t>(level)]; }

/// The level at which an event is logged.
TASKER_INLINE log_level level_of(event const& one);

/// The shape of a line.
enum class log_format {
    key_value,  ///< `at=... level=info event=step.completed task=... elapsed=1.5s`
    json_lines, ///< one JSON object a line; lengths of time in seconds: `"elapsed_seconds":1.500000`
};

/// What is logged, and in which shape.
struct log_options {
    log_format format = log_format::key_value; ///< of every line
    log_level least = log_level::info;         ///< events below it are not written
};

/// Writes one structured line for every event to a stream: `auto s = engine.subscribe(log_subscriber{std::clog})`.
/// A line never contains payloads, and text in it is escaped: one event is one line. A stream that cannot be written is
/// reported once, by an exception, until it works again.
/// Copies share the stream and its lock, so that several engines may log through one. Thread-safe.
/// Lifetime: the stream must outlive every copy.
class log_subscriber {
public:
    /// Logs to `out`, which must outlive every copy.
    explicit log_subscriber(std::ostream& out, log_options options = {});

    /// Writes the event's line when its level is logged. Throws `std::runtime_error` the first time that `out`
    /// cannot be written.
    void operator()(event const& one) const;

private:
    struct sink;

    log_options options_;
    std::shared_ptr<sink> sink_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/log_subscriber.ipp>
#endif
