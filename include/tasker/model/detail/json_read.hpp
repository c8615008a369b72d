#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/model/detail/json_kinds.hpp>

#include <boost/json/value_to.hpp>

#include <limits>
#include <string>

namespace tasker::detail {

/// The place in a document, for error messages: a linked list on the stack of the recursion.
class json_path {
public:
    json_path() = default;
    json_path(json_path const& parent, std::string_view member) : parent_{&parent}, member_{member} {}
    json_path(json_path const& parent, std::size_t index) : parent_{&parent}, index_{index} {}

    std::string text() const;
    [[noreturn]] void fail(std::string const& what) const;

private:
    json_path const* parent_ = nullptr;
    std::string_view member_;
    std::size_t index_ = 0;
};

TASKER_INLINE std::string kind_text(boost::json::value const& value);

[[noreturn]] TASKER_INLINE void expected(std::string const& wanted, boost::json::value const& got, json_path const& path);

template <class T>
T from_json(boost::json::value const& value, json_path const& path);

template <json_number T>
T number_from_json(boost::json::value const& value, json_path const& path)
{
    if (!value.is_number())
        expected("a number", value, path);
    boost::json::error_code problem;
    T const number = value.to_number<T>(problem);
    if (problem || !(number >= std::numeric_limits<T>::lowest() && number <= std::numeric_limits<T>::max())) // also when infinite
        path.fail("the number does not fit the type asked for");
    return number;
}

template <described_struct T>
T struct_from_json(boost::json::value const& value, json_path const& path)
{
    auto const* object = value.if_object();
    if (object == nullptr)
        expected("an object", value, path);
    T result{};
    boost::mp11::mp_for_each<public_members<T>>([&](auto member) {
        using member_type = std::remove_reference_t<decltype(result.*member.pointer)>;
        json_path const inner{path, std::string_view{member.name}};
        if (auto const* found = object->if_contains(member.name))
            result.*member.pointer = from_json<member_type>(*found, inner);
        else if constexpr (!json_optional<member_type>)
            inner.fail("is missing");
    });
    return result;
}

template <json_sequence T>
T sequence_from_json(boost::json::value const& value, json_path const& path)
{
    auto const* array = value.if_array();
    if (array == nullptr)
        expected("an array", value, path);
    T result{};
    for (std::size_t at = 0; at < array->size(); ++at)
        result.insert(result.end(), from_json<typename T::value_type>((*array)[at], json_path{path, at}));
    return result;
}

template <json_map T>
T map_from_json(boost::json::value const& value, json_path const& path)
{
    auto const* object = value.if_object();
    if (object == nullptr)
        expected("an object", value, path);
    T result{};
    for (auto const& [key, item] : *object)
        result.emplace(std::string{key}, from_json<typename T::mapped_type>(item, json_path{path, std::string_view{key}}));
    return result;
}

template <described_enum T>
T enum_from_json(boost::json::value const& value, json_path const& path)
{
    T result{};
    auto const* text = value.if_string();
    if (text == nullptr)
        expected("a string", value, path);
    if (!boost::describe::enum_from_string(std::string{*text}.c_str(), result))
        path.fail("\"" + std::string{*text} + "\" is not one of the enumerators");
    return result;
}

template <class T>
T from_json(boost::json::value const& value, json_path const& path)
{
    if constexpr (json_itself<T>) {
        if (!is_finite(value))
            path.fail("a number in it is too large");
    }
    if constexpr (std::same_as<T, boost::json::value>) {
        return value;
    } else if constexpr (std::same_as<T, bool>) {
        if (!value.is_bool())
            expected("a boolean", value, path);
        return value.get_bool();
    } else if constexpr (json_number<T>) {
        return number_from_json<T>(value, path);
    } else if constexpr (json_text<T>) {
        if (!value.is_string())
            expected("a string", value, path);
        return T{value.get_string()};
    } else if constexpr (json_optional<T>) {
        return value.is_null() ? T{} : T{from_json<typename T::value_type>(value, path)};
    } else if constexpr (described_enum<T>) {
        return enum_from_json<T>(value, path);
    } else if constexpr (described_struct<T>) {
        return struct_from_json<T>(value, path);
    } else if constexpr (json_map<T>) {
        return map_from_json<T>(value, path);
    } else if constexpr (json_sequence<T>) {
        return sequence_from_json<T>(value, path);
    } else {
        auto converted = boost::json::try_value_to<T>(value);
        if (!converted)
            path.fail(converted.error().message());
        return std::move(*converted);
    }
}

} // namespace tasker::detail

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/model/detail/json_read.ipp>
#endif
