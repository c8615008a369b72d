#pragma once

#include <cstddef>
#include <string_view>

namespace tasker::detail {

/// Length of the UTF-8 character at the front of `text`, or 0 when the bytes there are none (RFC 3629).
constexpr std::size_t utf8_length(std::string_view text)
{
    auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    auto const in = [](unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; };
    unsigned const first = byte(0);
    if (first < 0x80)
        return 1;
    std::size_t const length = in(first, 0xc2, 0xdf)   ? 2
                               : in(first, 0xe0, 0xef) ? 3
                               : in(first, 0xf0, 0xf4) ? 4
                                                       : 0;
    if (length == 0 || text.size() < length)
        return 0;
    unsigned const low = first == 0xe0 ? 0xa0U : first == 0xf0 ? 0x90U : 0x80U; // no overlong forms
    unsigned const high = first == 0xed ? 0x9fU : first == 0xf4 ? 0x8fU : 0xbfU; // no surrogates, none above 10ffff
    if (!in(byte(1), low, high))
        return 0;
    for (std::size_t at = 2; at < length; ++at)
        if (!in(byte(at), 0x80, 0xbf))
            return 0;
    return length;
}

/// Whether all of it is UTF-8.
constexpr bool is_utf8(std::string_view text)
{
    while (!text.empty()) {
        std::size_t const length = utf8_length(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

} // namespace tasker::detail
