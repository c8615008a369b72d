#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/model/graph.hpp>
#include <tasker/model/records.hpp>
#include <tasker/model/states.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tasker {

/// How a step in a certain state is painted.
struct state_colour {
    step_state state;      ///< the place in `state_colours`
    std::string_view fill; ///< of the inside, `#rrggbb`
    std::string_view line; ///< of the border, `#rrggbb`
};

/// The legend of every diagram: readable in black print, and told apart by the commonest kinds of colour blindness.
inline constexpr std::array<state_colour, 6> state_colours{{
    {step_state::pending, "#f4f4f5", "#71717a"},
    {step_state::in_progress, "#dbeafe", "#2563eb"},
    {step_state::complete, "#dcfce7", "#15803d"},
    {step_state::error, "#fecaca", "#b91c1c"},
    {step_state::cancelled, "#d4d4d8", "#3f3f46"},
    {step_state::resolved_manually, "#f3e8ff", "#7e22ce"},
}};

/// The legend's entry for a state.
constexpr state_colour const& colour_of(step_state state) { return state_colours[static_cast<std::size_t>(state)]; }

/// The graph in Graphviz's language: `dot -Tsvg`. With `records`, one a step, it shows each step's state and attempts.
/// Throws `error{invalid_options}` when there are records, but not one a step.
TASKER_INLINE std::string to_dot(graph const& shape, std::string_view title, std::span<step_record const> records = {});

/// The graph in Mermaid's language, as Markdown pages show it in a ```mermaid block. Otherwise like `to_dot`.
TASKER_INLINE std::string to_mermaid(graph const& shape, std::string_view title, std::span<step_record const> records = {});

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/model/diagram.ipp>
#endif
