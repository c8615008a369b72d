#pragma once

#include <tasker/base/config.hpp>

#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enum_to_string.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/json/value.hpp>
#include <boost/mp11/algorithm.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

/// Sorts C++ types by the JSON they become.
namespace tasker::detail {

template <class T>
concept json_itself = std::same_as<T, boost::json::value> || std::same_as<T, boost::json::object> ||
                      std::same_as<T, boost::json::array> || std::same_as<T, boost::json::string>;

template <class T>
concept json_number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;

template <class T>
concept described_struct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

template <class T>
concept described_enum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
concept json_optional = is_optional<T>;

template <class T>
concept json_text = std::same_as<T, std::string>;

template <class T>
concept json_map = requires { typename T::mapped_type; } && std::same_as<typename T::key_type, std::string>;

template <class T>
concept json_sequence = !json_map<T> && !json_text<T> && !json_itself<T> &&
                        requires(T& sequence, T const& source, typename T::value_type item) {
    sequence.insert(sequence.end(), std::move(item));
    source.begin() == source.end();
};

/// Whether every number in it can be written down: text such as 1e999 is read as an infinite one, which JSON has no words for.
TASKER_INLINE bool is_finite(boost::json::value const& value);

template <class T>
using public_members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

} // namespace tasker::detail

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/model/detail/json_kinds.ipp>
#endif
