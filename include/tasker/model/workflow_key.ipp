#pragma once

#include <tasker/model/workflow_key.hpp>

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace tasker {

namespace detail {

inline bool parse_number(std::string_view text, std::uint32_t& number)
{
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return !text.empty() && (text == "0" || text.front() != '0') && problem == std::errc{} &&
           end == text.data() + text.size();
}

inline bool is_numeric(std::string_view text)
{
    return text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <class Predicate>
bool any_identifier(std::string_view text, Predicate predicate)
{
    for (;;) {
        auto const end = std::min(text.find('.'), text.size());
        if (predicate(text.substr(0, end)))
            return true;
        if (end == text.size())
            return false;
        text.remove_prefix(end + 1);
    }
}

inline bool are_identifiers(std::string_view text)
{
    return !any_identifier(text, [](std::string_view word) {
        auto const fits = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
        };
        return word.empty() || !std::all_of(word.begin(), word.end(), fits);
    });
}

inline bool has_leading_zero(std::string_view text)
{
    return any_identifier(
        text, [](std::string_view word) { return word.size() > 1 && word.front() == '0' && is_numeric(word); });
}

inline std::strong_ordering compare_pre_release(std::string_view a, std::string_view b)
{
    while (!a.empty() && !b.empty()) {
        auto const head_a = a.substr(0, a.find('.'));
        auto const head_b = b.substr(0, b.find('.'));
        bool const numeric_a = is_numeric(head_a);
        bool const numeric_b = is_numeric(head_b);
        auto order = head_a.compare(head_b) <=> 0;
        if (numeric_a != numeric_b) // numbers come before words
            order = numeric_b <=> numeric_a;
        else if (numeric_a && head_a.size() != head_b.size()) // no leading zeros: the longer number is the larger
            order = head_a.size() <=> head_b.size();
        if (order != 0)
            return order;
        a.remove_prefix(std::min(a.size(), head_a.size() + 1));
        b.remove_prefix(std::min(b.size(), head_b.size() + 1));
    }
    return a.size() <=> b.size();
}

} // namespace detail

TASKER_INLINE std::strong_ordering operator<=>(semantic_version const& a, semantic_version const& b)
{
    if (auto const order = a.numbers <=> b.numbers; order != 0)
        return order;
    if (a.pre_release.empty() || b.pre_release.empty()) // a release comes after its pre-releases
        return a.pre_release.empty() <=> b.pre_release.empty();
    return detail::compare_pre_release(a.pre_release, b.pre_release);
}

TASKER_INLINE std::optional<semantic_version> semantic_version::parse(std::string_view text)
{
    semantic_version version;
    if (auto const plus = text.find('+'); plus != std::string_view::npos) {
        if (!detail::are_identifiers(text.substr(plus + 1)))
            return std::nullopt;
        text = text.substr(0, plus);
    }
    if (auto const dash = text.find('-'); dash != std::string_view::npos) {
        version.pre_release = text.substr(dash + 1);
        if (!detail::are_identifiers(version.pre_release) || detail::has_leading_zero(version.pre_release))
            return std::nullopt;
        text = text.substr(0, dash);
    }
    for (std::size_t at = 0; at < 3; ++at) {
        auto const end = at < 2 ? text.find('.') : text.size();
        if (end == std::string_view::npos || !detail::parse_number(text.substr(0, end), version.numbers[at]))
            return std::nullopt;
        text.remove_prefix(at < 2 ? end + 1 : end);
    }
    return version;
}

TASKER_INLINE std::string to_text(workflow_key const& key) { return key.name_space + '/' + key.name + '@' + key.version; }

TASKER_INLINE std::optional<std::string> shape_difference(graph const& before, graph const& now)
{
    for (step_no no = 0; no < std::min(before.size(), now.size()); ++no)
        if (before.step(no).name != now.step(no).name)
            return "step " + std::to_string(no + 1) + " was \"" + before.step(no).name + "\" and is \"" +
                   now.step(no).name + "\"";
    if (before.size() != now.size()) {
        bool const grew = now.size() > before.size();
        auto const& longer = grew ? now : before;
        return "step \"" + longer.step(static_cast<step_no>(std::min(before.size(), now.size()))).name +
               (grew ? "\" is new" : "\" is gone");
    }
    auto const missing_from = [](graph const& other, edge const& e) {
        return !std::binary_search(other.edges().begin(), other.edges().end(), e);
    };
    auto const spell = [&](edge const& e) { return "\"" + now.step(e.parent).name + "\" -> \"" + now.step(e.child).name + "\""; };
    for (edge const& e : now.edges())
        if (missing_from(before, e))
            return "edge " + spell(e) + " is new";
    for (edge const& e : before.edges())
        if (missing_from(now, e))
            return "edge " + spell(e) + " is gone";
    return std::nullopt;
}

} // namespace tasker
