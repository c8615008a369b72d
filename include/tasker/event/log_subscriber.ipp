#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/overloaded.hpp>
#include <tasker/base/time.hpp>
#include <tasker/event/escape.hpp>
#include <tasker/event/event_fields.hpp>
#include <tasker/event/event_table.hpp>
#include <tasker/event/log_subscriber.hpp>

#include <charconv>
#include <memory>
#include <mutex>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tasker {

TASKER_INLINE log_level level_of(event const& one)
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

template <class Writer>
std::string line_of(event const& one)
{
    Writer out;
    out("at", time_of(one));
    out("level", name(level_of(one)));
    out("event", name_of(one));
    write_fields(one, out);
    return std::move(out).finish();
}

} // namespace detail

struct log_subscriber::sink {
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

TASKER_INLINE log_subscriber::log_subscriber(std::ostream& out, log_options options)
    : options_{options}, sink_{std::make_shared<sink>(out)}
{
}

TASKER_INLINE void log_subscriber::operator()(event const& one) const
{
    if (level_of(one) < options_.least)
        return;
    if (options_.format == log_format::json_lines)
        sink_->write(detail::line_of<detail::json_writer>(one));
    else
        sink_->write(detail::line_of<detail::key_value_writer>(one));
}

} // namespace tasker
