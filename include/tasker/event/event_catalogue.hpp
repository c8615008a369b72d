#pragma once

#include <tasker/base/error.hpp>
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

/// Namespaces of the engine's own events; no custom event may live there.
inline constexpr std::array<std::string_view, 7> reserved_event_namespaces{
    "task", "step", "workflow", "observability", "test", "engine", "store"};

/// The namespace of an event's name: what stands before its first dot.
constexpr std::string_view event_namespace(std::string_view name) { return name.substr(0, name.find('.')); }

/// Why `name` cannot name a custom event, in a sentence that says what to do; nothing when it can.
inline std::optional<std::string> problem_of_event_name(std::string_view name)
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

/// Who publishes an event.
enum class event_origin { engine, custom };

/// What the catalogue knows of an event.
struct catalogued_event {
    std::string name;
    std::string description;
    std::vector<std::string> fired_by; ///< steps or workflows, for people
    event_origin origin = event_origin::custom;

    friend bool operator==(catalogued_event const&, catalogued_event const&) = default;
};

/// What came of registering an event.
enum class event_registration {
    added,
    duplicate, ///< the name is registered already: the first registration is kept as it was
};

/// All events that can be published: the engine's own, and the custom ones registered here. A value; not thread-safe.
class event_catalogue {
public:
    event_catalogue()
    {
        for (auto const& row : event_table)
            add({std::string{row.name}, std::string{row.description}, {"engine"}, event_origin::engine});
    }

    /// Adds a custom event; a duplicate changes nothing and is reported as such.
    /// Throws: error{errc::invalid_definition} for a name that `problem_of_event_name` objects to.
    [[nodiscard]] event_registration register_event(std::string_view name, std::string_view description,
                                                    std::vector<std::string> fired_by = {})
    {
        if (auto const problem = problem_of_event_name(name))
            throw error{errc::invalid_definition, *problem};
        return add({std::string{name}, std::string{description}, std::move(fired_by), event_origin::custom});
    }

    /// The event of that name, or null.
    catalogued_event const* find(std::string_view name) const
    {
        auto const at = events_.find(name);
        return at == events_.end() ? nullptr : &at->second;
    }

    /// All events, by name.
    std::vector<catalogued_event> all() const { return select([](catalogued_event const&) { return true; }); }

    /// Those whose name or description contains `text`, in any case (of ASCII letters), by name.
    std::vector<catalogued_event> search(std::string_view text) const
    {
        return select([&](catalogued_event const& one) {
            return contains(one.name, text) || contains(one.description, text);
        });
    }

    /// Those whose name begins with `name_space` and a dot, by name.
    std::vector<catalogued_event> in_namespace(std::string_view name_space) const
    {
        return select([&](catalogued_event const& one) { return event_namespace(one.name) == name_space; });
    }

private:
    event_registration add(catalogued_event one)
    {
        auto name = one.name;
        auto const [at, added] = events_.try_emplace(std::move(name), std::move(one));
        return added ? event_registration::added : event_registration::duplicate;
    }

    template <class Predicate>
    std::vector<catalogued_event> select(Predicate wanted) const
    {
        std::vector<catalogued_event> found;
        for (auto const& [name, one] : events_)
            if (wanted(one))
                found.push_back(one);
        return found;
    }

    static bool contains(std::string_view whole, std::string_view part)
    {
        auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        return std::search(whole.begin(), whole.end(), part.begin(), part.end(),
                           [&](char a, char b) { return lower(a) == lower(b); }) != whole.end() ||
               part.empty();
    }

    std::map<std::string, catalogued_event, std::less<>> events_;
};

} // namespace tasker
