#pragma once

#include <tasker/event/escape.hpp>
#include <tasker/event/span.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tasker {

TASKER_INLINE std::string trace_id_of(task_id task)
{
    std::string text = to_text(task);
    std::erase(text, '-');
    return text;
}

TASKER_INLINE std::string span_id_of(task_id task, std::string_view step, int attempt_no, time_point start)
{
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325U; // FNV-1a
    auto const mix = [&](std::uint64_t byte) { hash = (hash ^ (byte & 0xffU)) * 0x100'0000'01b3U; };
    for (unsigned shift = 0; shift < 64; shift += 8) {
        mix(task.high >> shift);
        mix(task.low >> shift);
        mix(static_cast<std::uint64_t>(attempt_no) >> shift);
        mix(static_cast<std::uint64_t>(start.time_since_epoch().count()) >> shift);
    }
    for (char const c : step)
        mix(static_cast<unsigned char>(c));
    if (hash == 0)
        hash = 1; // all zeros means "no span"
    static constexpr char digits[] = "0123456789abcdef";
    std::string text(16, '0');
    for (auto at = text.rbegin(); at != text.rend(); ++at, hash >>= 4)
        *at = digits[hash & 0xf];
    return text;
}

TASKER_INLINE std::string to_json(span const& one)
{
    std::string out{"{\"traceId\":"};
    detail::append_json(out, one.trace_id);
    detail::append_json(out += ",\"spanId\":", one.span_id);
    if (!one.parent.empty())
        detail::append_json(out += ",\"parentSpanId\":", one.parent);
    detail::append_json(out += ",\"name\":", one.name);
    out += ",\"kind\":1,\"startTimeUnixNano\":\"" + std::to_string(one.start.time_since_epoch().count()) + "000\"";
    out += ",\"endTimeUnixNano\":\"" + std::to_string(one.end.time_since_epoch().count()) + "000\"";
    out += ",\"status\":{";
    if (one.status != span_status::unset)
        out += one.status == span_status::ok ? "\"code\":1" : "\"code\":2";
    if (one.status == span_status::error && !one.status_message.empty())
        detail::append_json(out += ",\"message\":", one.status_message);
    out += "},\"attributes\":[";
    for (auto const& [key, value] : one.attributes) {
        if (&key != &one.attributes.front().first)
            out += ',';
        detail::append_json(out += "{\"key\":", key);
        detail::append_json(out += ",\"value\":{\"stringValue\":", value);
        out += "}}";
    }
    return out += "]}";
}

} // namespace tasker
