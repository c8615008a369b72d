#pragma once

#include <tasker/base/config.hpp>

#include <type_traits>

namespace tasker {

/// Whether `T`, written as a temporary inside a co_await expression, would be destroyed twice by this compiler:
/// closures and aggregates that own memory, on g++ before 13.
template <class T>
inline constexpr bool breaks_in_co_await =
    TASKER_BREAKS_OWNING_TEMPORARIES != 0 && !std::is_lvalue_reference_v<T> &&
    !std::is_trivially_destructible_v<std::remove_cvref_t<T>> &&
    (std::is_aggregate_v<std::remove_cvref_t<T>> ||
     !(std::is_default_constructible_v<std::remove_cvref_t<T>> || std::is_copy_assignable_v<std::remove_cvref_t<T>>));

} // namespace tasker
