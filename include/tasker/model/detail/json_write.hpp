#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/detail/json_kinds.hpp>

#include <boost/json/value_from.hpp>

namespace tasker::detail {

template <class T>
boost::json::value to_json(T const& value)
{
    if constexpr (std::floating_point<T> || json_itself<T>) {
        if (!is_finite(value))
            throw error{errc::bad_payload, "a number is infinite or not a number at all, which JSON cannot say"};
        return value;
    } else if constexpr (std::same_as<T, bool> || json_number<T>) {
        return value;
    } else if constexpr (std::convertible_to<T const&, std::string_view>) {
        return boost::json::string{std::string_view{value}};
    } else if constexpr (json_optional<T>) {
        return value ? to_json(*value) : boost::json::value{};
    } else if constexpr (described_enum<T>) {
        return boost::json::string{boost::describe::enum_to_string(value, "")};
    } else if constexpr (described_struct<T>) {
        boost::json::object object;
        boost::mp11::mp_for_each<public_members<T>>([&](auto member) { object[member.name] = to_json(value.*member.pointer); });
        return object;
    } else if constexpr (json_map<T>) {
        boost::json::object object;
        for (auto const& [key, item] : value)
            object[key] = to_json(item);
        return object;
    } else if constexpr (json_sequence<T>) {
        boost::json::array array;
        for (auto const& item : value)
            array.push_back(to_json<typename T::value_type>(item));
        return array;
    } else {
        static_assert(boost::json::has_value_from<T>::value,
                      "tasker: this type has no JSON form; describe it with BOOST_DESCRIBE_STRUCT or specialise tasker::codec");
        return boost::json::value_from(value);
    }
}

} // namespace tasker::detail
