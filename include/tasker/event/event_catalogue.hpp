#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/event/event_table.hpp>

#include <array>
#include <functional>
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
TASKER_INLINE std::optional<std::string> problem_of_event_name(std::string_view name);

/// Who publishes an event.
enum class event_origin { engine, custom };

/// What the catalogue knows of an event.
struct catalogued_event {
    std::string name;                           ///< public name, e.g. `order.shipped`
    std::string description;                    ///< when it is published, in a sentence
    std::vector<std::string> fired_by;          ///< steps or workflows, for people
    event_origin origin = event_origin::custom; ///< the engine's own, or a user's

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
    event_catalogue();

    /// Adds a custom event; a duplicate changes nothing and is reported as such.
    /// Throws: error{errc::invalid_definition} for a name that `problem_of_event_name` objects to.
    [[nodiscard]] event_registration register_event(std::string_view name, std::string_view description,
                                                    std::vector<std::string> fired_by = {});

    /// The event of that name, or null.
    catalogued_event const* find(std::string_view name) const;

    /// All events, by name.
    std::vector<catalogued_event> all() const;

    /// Those whose name or description contains `text`, in any case (of ASCII letters), by name.
    std::vector<catalogued_event> search(std::string_view text) const;

    /// Those whose name begins with `name_space` and a dot, by name.
    std::vector<catalogued_event> in_namespace(std::string_view name_space) const;

private:
    event_registration add(catalogued_event one);

    template <class Predicate>
    std::vector<catalogued_event> select(Predicate wanted) const;
    static bool contains(std::string_view whole, std::string_view part);

    std::map<std::string, catalogued_event, std::less<>> events_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/event_catalogue.ipp>
#endif
