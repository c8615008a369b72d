#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/overloaded.hpp>
#include <tasker/base/time.hpp>
#include <tasker/event/escape.hpp>
#include <tasker/event/event_fields.hpp>
#include <tasker/event/event_table.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <memory>
#include <mutex>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tasker {

/// How much an event matters to who reads the log.
enum class log_level {
    debug,   ///< the course of each task: claims, starts, waits, retries
    info,    ///< what was achieved or asked for
    warning, ///< a failure that will be tried again, a lost lease, a refused command
    error,   ///< a failure for good, a store that cannot be written
};

inline constexpr std::array<std::string_view, 4> log_level_names{"debug", "info", "warning", "error"};
constexpr std::string_view name(log_level level) { return log_level_names[static_cast<std::size_t>(level)]; }

/// The level at which an event is logged.
inline log_level level_of(event const& one)
{
    return std::visit(
        overloaded{
            [](auto const&) { return log_level::info; },
            [](task_started const&) { return log_level::debug; },
            [](task_claimed const& e) { return e.recovered ? log_level::warning : log_level::debug; },
            [](task_waiting const&) { return log_level::debug; },
            [](task_failed const&) { return log_level::error; },
            [](task_lease_lost const&) { return log_level::warning; },
            [](step_started const&) { return log_level::debug; },
            [](step_failed const& e) { return e.next_retry_at ? log_level::warning : log_level::error; },
            [](step_retry_requested const&) { return log_level::debug; },
            [](store_failing const&) { return log_level::error; },
            [](command_refused const&) { return log_level::warning; },
        },
        one);
}

/// The shape of a line.
enum class log_format {
    key_value,  ///< `at=... level=info event=step.completed task=... elapsed=1.5s`
    json_lines, ///< one JSON object a line; lengths of time in seconds: `"elapsed_seconds":1.500000`
};

struct log_options {
    log_format format = log_format::key_value;
    log_level least = log_level::info; ///< events below it are not written
};

namespace detail {

class key_value_writer {
public:
    void operator()(std::string_view key, std::string_view value) { append_word(add(key), value); }
    void operator()(std::string_view key, long long value) { add(key) += std::to_string(value); }
    void operator()(std::string_view key, double value) { print(add(key), value); }
    void operator()(std::string_view key, duration value) { add(key) += to_text(value); }
    void operator()(std::string_view key, time_point value) { add(key) += to_text(value); }
    void operator()(std::string_view key, task_id value) { add(key) += to_text(value); }

    std::string finish() && { return std::move(line_) + '\n'; }

    static void print(std::string& out, double value)
    {
        char text[64]; // to_chars: snprintf would write the locale's decimal point
        out.append(text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6).ptr);
    }

private:
    std::string& add(std::string_view key)
    {
        if (!line_.empty())
            line_ += ' ';
        return line_.append(key).append(1, '=');
    }

    std::string line_;
};

class json_writer {
public:
    void operator()(std::string_view key, std::string_view value) { append_json(add(key), value); }
    void operator()(std::string_view key, long long value) { add(key) += std::to_string(value); }
    void operator()(std::string_view key, double value) { key_value_writer::print(add(key), value); }
    void operator()(std::string_view key, duration value) { append_seconds(add(key, "_seconds"), value); }
    void operator()(std::string_view key, time_point value) { append_json(add(key), to_text(value)); }
    void operator()(std::string_view key, task_id value) { append_json(add(key), to_text(value)); }

    std::string finish() && { return std::move(line_) + "}\n"; }

private:
    std::string& add(std::string_view key, std::string_view unit = "")
    {
        line_ += line_.empty() ? '{' : ',';
        return line_.append(1, '"').append(key).append(unit).append("\":");
    }

    std::string line_;
};

} // namespace detail

/// Writes one structured line for every event to a stream: `auto s = engine.subscribe(log_subscriber{std::clog})`.
/// A line never contains payloads, and text in it is escaped: one event is one line. A stream that cannot be written is
/// reported once, by an exception, until it works again.
/// Copies share the stream and its lock, so that several engines may log through one. Thread-safe.
/// Lifetime: the stream must outlive every copy.
class log_subscriber {
public:
    explicit log_subscriber(std::ostream& out, log_options options = {})
        : options_{options}, sink_{std::make_shared<sink>(out)}
    {
    }

    void operator()(event const& one) const
    {
        if (level_of(one) < options_.least)
            return;
        if (options_.format == log_format::json_lines)
            sink_->write(line<detail::json_writer>(one));
        else
            sink_->write(line<detail::key_value_writer>(one));
    }

private:
    struct sink {
        explicit sink(std::ostream& stream) : out{stream} {}

        void write(std::string const& text)
        {
            std::lock_guard const lock{mutex};
            if (failed)
                out.clear();
            out.write(text.data(), static_cast<std::streamsize>(text.size())).flush();
            bool const failed_before = std::exchange(failed, !out);
            if (failed && !failed_before)
                throw std::runtime_error{"The event log's stream cannot be written; events are lost until it can."};
        }

        std::mutex mutex;
        std::ostream& out;
        bool failed = false;
    };

    template <class Writer>
    static std::string line(event const& one)
    {
        Writer out;
        out("at", time_of(one));
        out("level", name(level_of(one)));
        out("event", name_of(one));
        write_fields(one, out);
        return std::move(out).finish();
    }

    log_options options_;
    std::shared_ptr<sink> sink_;
};

} // namespace tasker
