#pragma once

#include <tasker/base/error.hpp>
#include <tasker/event/event_catalogue.hpp>
#include <tasker/event/event_table.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

TASKER_INLINE std::optional<std::string> problem_of_event_name(std::string_view name)
{
    std::string const quoted = "\"" + std::string{name} + "\"";
    if (name.find('.') == std::string_view::npos)
        return "The event name " + quoted + " has no namespace: write one before a dot, as in \"order.shipped\".";
    if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string_view::npos)
        return "The event name " + quoted + " has an empty part: write text on both sides of each dot.";
    if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; }))
        return "The event name " + quoted + " contains white space or control characters: use dots and underscores.";
    if (find_event(name) != nullptr)
        return "The event name " + quoted + " is one of the engine's own events: choose another name.";
    for (std::string_view const reserved : reserved_event_namespaces)
        if (event_namespace(name) == reserved)
            return "The event name " + quoted + " is in the namespace \"" + std::string{reserved} +
                   "\", which is reserved for the engine: choose a namespace of your own.";
    return std::nullopt;
}

template <class Predicate>
std::vector<catalogued_event> event_catalogue::select(Predicate wanted) const
{
    std::vector<catalogued_event> found;
    for (auto const& [name, one] : events_)
        if (wanted(one))
            found.push_back(one);
    return found;
}

TASKER_INLINE event_catalogue::event_catalogue()
{
    for (auto const& row : event_table)
        add({std::string{row.name}, std::string{row.description}, {"engine"}, event_origin::engine});
}

TASKER_INLINE event_registration event_catalogue::register_event(std::string_view name, std::string_view description,
                                                std::vector<std::string> fired_by)
{
    if (auto const problem = problem_of_event_name(name))
        throw error{errc::invalid_definition, *problem};
    return add({std::string{name}, std::string{description}, std::move(fired_by), event_origin::custom});
}

TASKER_INLINE catalogued_event const* event_catalogue::find(std::string_view name) const
{
    auto const at = events_.find(name);
    return at == events_.end() ? nullptr : &at->second;
}

TASKER_INLINE std::vector<catalogued_event> event_catalogue::all() const
{
    return select([](catalogued_event const&) { return true; });
}

TASKER_INLINE std::vector<catalogued_event> event_catalogue::search(std::string_view text) const
{
    return select([&](catalogued_event const& one) {
        return contains(one.name, text) || contains(one.description, text);
    });
}

TASKER_INLINE std::vector<catalogued_event> event_catalogue::in_namespace(std::string_view name_space) const
{
    return select([&](catalogued_event const& one) { return event_namespace(one.name) == name_space; });
}

TASKER_INLINE event_registration event_catalogue::add(catalogued_event one)
{
    auto name = one.name;
    auto const [at, added] = events_.try_emplace(std::move(name), std::move(one));
    return added ? event_registration::added : event_registration::duplicate;
}

TASKER_INLINE bool event_catalogue::contains(std::string_view whole, std::string_view part)
{
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::search(whole.begin(), whole.end(), part.begin(), part.end(),
                       [&](char a, char b) { return lower(a) == lower(b); }) != whole.end() ||
           part.empty();
}

} // namespace tasker
