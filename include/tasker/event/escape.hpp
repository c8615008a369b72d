#pragma once

#include <tasker/base/time.hpp>
#include <tasker/base/utf8.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

// Spelling of values in the formats that subscribers write. What comes in may be anything: messages of exceptions are
// written by strangers.
namespace tasker::detail {

/// Appends one ASCII character as it stands inside a JSON string.
inline void append_json_character(std::string& out, char c)
{
    static constexpr char digits[] = "0123456789abcdef";
    switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
    }
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
        out += c;
    } else {
        out += "\\u00";
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 0xf];
    }
}

/// Appends `text` as a JSON string, with its quotes; bytes that are not UTF-8 become U+FFFD.
inline void append_json(std::string& out, std::string_view text)
{
    out += '"';
    while (!text.empty()) {
        std::size_t const length = utf8_length(text);
        if (length == 1)
            append_json_character(out, text.front());
        else if (length == 0)
            out += "\xef\xbf\xbd";
        else
            out += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    out += '"';
}

/// Appends `text` as a value of a key=value line: quoted as in JSON unless it is one plain word.
inline void append_word(std::string& out, std::string_view text)
{
    bool plain = !text.empty();
    for (char const c : text)
        plain = plain && c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
    if (plain)
        out += text;
    else
        append_json(out, text);
}

/// Appends `text` as the value of a Prometheus label, with its quotes.
inline void append_label(std::string& out, std::string_view text)
{
    out += '"';
    for (char const c : text) {
        if (c == '\\' || c == '"')
            out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    out += '"';
}

/// Appends a length of time in seconds, exact to the microsecond: `25.000000`.
inline void append_seconds(std::string& out, duration length)
{
    auto const us = length.count();
    auto const size = us < 0 ? 0ULL - static_cast<unsigned long long>(us) : static_cast<unsigned long long>(us);
    char text[64];
    std::snprintf(text, sizeof text, "%s%llu.%06llu", us < 0 ? "-" : "", size / 1'000'000, size % 1'000'000);
    out += text;
}

} // namespace tasker::detail
