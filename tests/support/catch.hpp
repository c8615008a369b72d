#pragma once

// Catch2 2 and 3 alike, and failure messages that spell the library's values instead of `{?}` or a number.
// Every test includes this file and none includes Catch2 itself, so that all see the same string makers.

#define CATCH_CONFIG_ENABLE_OPTIONAL_STRINGMAKER
#define CATCH_CONFIG_ENABLE_PAIR_STRINGMAKER
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <tasker/base/time.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace support {

template <class T> // enumerators: `name(state)`, found by argument-dependent look-up
concept named = std::is_enum_v<T> && requires(T const& value) {
    { name(value) } -> std::convertible_to<std::string_view>;
};

template <class T> // ids and keys: `to_text(id)`
concept spelled = std::is_class_v<T> && requires(T const& value) {
    { to_text(value) } -> std::same_as<std::string>;
};

/// A matcher of text that contains `part`: Catch2 3 calls it by another name.
inline auto contains(std::string const& part)
{
#if __has_include(<catch2/catch_all.hpp>)
    return Catch::Matchers::ContainsSubstring(part);
#else
    return Catch::Matchers::Contains(part);
#endif
}

} // namespace support

template <class T>
struct Catch::StringMaker<T, std::enable_if_t<support::named<T>>> {
    static std::string convert(T value) { return std::string{name(value)}; }
};

template <class T>
struct Catch::StringMaker<T, std::enable_if_t<support::spelled<T>>> {
    static std::string convert(T const& value) { return to_text(value); }
};

template <>
struct Catch::StringMaker<tasker::time_point> {
    static std::string convert(tasker::time_point at) { return tasker::to_text(at); }
};

template <>
struct Catch::StringMaker<tasker::duration> {
    static std::string convert(tasker::duration length) { return tasker::to_text(length); }
};
