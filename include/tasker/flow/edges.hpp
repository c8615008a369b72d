#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/ids.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tasker {

/// Where an argument of a step comes from: the task's input or a parent's result.
struct argument_source {
    /// The source is the task's input.
    static constexpr step_no from_input = static_cast<step_no>(-1);

    void const* builder = nullptr; ///< the builder that made it
    step_no step = from_input;     ///< whose result it is, or `from_input`
};

/// A step of a builder, as later steps name it. `Result` is what it hands to its children; void hands nothing.
template <class Result>
struct step_handle {
    /// What children get of it.
    using result_type = Result;
    argument_source source; ///< where it is found at run time
};

/// The task's input, as steps name it.
template <class Input>
struct input_handle {
    /// What steps get of it.
    using result_type = Input;
    argument_source source; ///< where it is found at run time
};

template <class Handle>
concept edge_handle = requires(Handle const& handle) {
    typename Handle::result_type;
    { handle.source } -> std::convertible_to<argument_source>;
};

/// Typed edges from what `after` names.
template <class... Results>
struct edges {
    std::array<argument_source, sizeof...(Results)> sources; ///< in the order of the body's parameters
};

/// "Start after these, and hand me their results in this order."
template <edge_handle... Handles>
edges<typename Handles::result_type...> after(Handles const&... handles)
{
    return {{handles.source...}};
}

/// "Start after it, but hand me nothing": `after(paid, ordering(reserved))`.
template <edge_handle Handle>
step_handle<void> ordering(Handle const& handle)
{
    return {handle.source};
}

/// Edges by name, for graphs known at run time only. Parents may be declared later than their children.
struct named_edges {
    std::vector<std::string> parents; ///< their names
};

/// Start after the steps of these names.
TASKER_INLINE named_edges after_named(std::vector<std::string> parents);
/// The same, written out.
TASKER_INLINE named_edges after_named(std::initializer_list<std::string_view> parents);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/flow/edges.ipp>
#endif
