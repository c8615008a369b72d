#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/base/time.hpp>
#include <tasker/base/utf8.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace tasker::sql {

/// The length of the well-formed UTF-8 character at `text[at]`, or zero. NUL counts as malformed, because PostgreSQL's texts
/// cannot hold it.
inline std::size_t character_length(std::string_view text, std::size_t at)
{
    return text[at] == '\0' ? 0 : detail::utf8_length(text.substr(at));
}

/// `text` with U+FFFD in the place of every byte that PostgreSQL would refuse: an error message in another encoding must
/// not keep a commit from succeeding.
inline std::string storable(std::string_view text)
{
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const length = character_length(text, at);
        clean.append(length == 0 ? std::string_view{"\xef\xbf\xbd"} : text.substr(at, length));
        at += length == 0 ? 1 : length;
    }
    return clean;
}

inline bool is_storable(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const length = character_length(text, at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/// A column of values, written as PostgreSQL writes arrays (its manual, section 8.15.6).
class array_literal {
public:
    void add(std::nullopt_t) { next().append("NULL"); }
    template <std::integral Integer>
    void add(Integer value)
    {
        if constexpr (std::same_as<Integer, bool>)
            next().append(value ? "t" : "f");
        else
            next().append(std::to_string(value));
    }
    void add(std::string_view value)
    {
        if (is_storable(value))
            quote(value);
        else
            quote(storable(value));
    }
    void add(payload const& value) { add(value.text()); }
    void add(duration value) { add(value.count()); }
    void add(time_point value) { add(value.time_since_epoch()); }
    template <class Tag>
    void add(basic_id<Tag> value)
    {
        value ? next().append(to_text(value)) : next().append("NULL");
    }
    template <class State>
        requires std::is_enum_v<State>
    void add(State value)
    {
        next().append(name(value));
    }
    template <class Value>
    void add(std::optional<Value> const& value)
    {
        value ? add(*value) : add(std::nullopt);
    }

    /// The whole of it; nothing is added afterwards.
    std::string_view text()
    {
        text_ += text_.empty() ? "{}" : "}";
        return text_;
    }

    /// The same, but null instead of an empty array: the server makes an object of each array it is given.
    std::optional<std::string_view> text_unless_empty() { return text_.empty() ? std::nullopt : std::optional{text()}; }

private:
    std::string& next() { return text_ += text_.empty() ? '{' : ','; }

    void quote(std::string_view value)
    {
        next() += '"';
        for (std::size_t from = 0; from <= value.size();) {
            std::size_t const at = std::min(value.find_first_of("\"\\", from), value.size());
            text_.append(value, from, at - from);
            if (at < value.size())
                text_.append({'\\', value[at]});
            from = at + 1;
        }
        text_ += '"';
    }

    std::string text_;
};

} // namespace tasker::sql
