#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tasker {

/// A 128-bit UUID in RFC 9562 layout; `Tag` keeps ids of different things apart. All zero means "none".
template <class Tag>
struct basic_id {
    std::uint64_t high = 0; ///< bits 0 to 63 of the RFC's picture: time, version
    std::uint64_t low = 0;  ///< bits 64 to 127: variant, random

    friend auto operator<=>(basic_id const&, basic_id const&) = default;
    /// Whether there is an id.
    explicit operator bool() const noexcept { return high != 0 || low != 0; }
};

using task_id = basic_id<struct task_tag>;     ///< one durable run of a workflow; ids sort by creation time
using worker_id = basic_id<struct worker_tag>; ///< one engine, from its start to its end

/// Number of a workflow version, given by the store that holds its definition.
using workflow_id = std::int64_t;

/// Position of a step in its workflow, from 0, in the order of declaration.
using step_no = std::uint32_t;

/// Canonical lower-case text, `019303f2-7c1e-7a3b-8d55-0123456789ab`.
template <class Tag>
std::string to_text(basic_id<Tag> id)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (int nibble = 0; nibble < 32; ++nibble) {
        if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20)
            text += '-';
        auto const word = nibble < 16 ? id.high : id.low;
        text += digits[(word >> (60 - 4 * (nibble % 16))) & 0xf];
    }
    return text;
}

/// The id that `text` spells in canonical form, or nothing.
template <class Id>
std::optional<Id> parse_id(std::string_view text)
{
    if (text.size() != 36)
        return std::nullopt;
    Id id;
    int nibble = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        char const c = text[at];
        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (c != '-')
                return std::nullopt;
            continue;
        }
        unsigned value = 0;
        if (c >= '0' && c <= '9')
            value = static_cast<unsigned>(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = static_cast<unsigned>(c - 'a') + 10U;
        else if (c >= 'A' && c <= 'F')
            value = static_cast<unsigned>(c - 'A') + 10U;
        else
            return std::nullopt;
        auto& word = nibble < 16 ? id.high : id.low;
        word = (word << 4) | value;
        ++nibble;
    }
    return id;
}

} // namespace tasker

template <class Tag>
struct std::hash<tasker::basic_id<Tag>> {
    std::size_t operator()(tasker::basic_id<Tag> const& id) const noexcept
    {
        return static_cast<std::size_t>((id.high * 0x9e37'79b9'7f4a'7c15U) ^ id.low);
    }
};
