#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/model/detail/json_read.hpp>
#include <tasker/model/detail/json_write.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <type_traits>

namespace tasker {

/// How values of type `T` become payloads and come back. The default covers arithmetic types, strings, enums and structs
/// described with Boost.Describe, optionals, sequences, maps with string keys, `boost::json::value`, and whatever
/// `boost::json::value_from` and `value_to` know. Specialise it for anything else.
/// `decode` throws `error{bad_payload}`, naming the place: `lines[2].sku: expected a string, got a number`.
template <class T>
struct codec {
    /// The value as JSON.
    static payload encode(T const& value) { return payload{boost::json::serialize(detail::to_json(value))}; }

    /// The value that `encoded` holds. Throws `error{bad_payload}`, naming the place.
    static T decode(payload const& encoded)
    {
        boost::json::error_code problem;
        boost::json::value const parsed = boost::json::parse(encoded.text(), problem);
        if (problem)
            throw error{errc::bad_payload, "the payload is not JSON: " + problem.message()};
        return detail::from_json<T>(parsed, detail::json_path{});
    }
};

/// What a value of this type is stored as: itself, and character arrays and pointers as `std::string`.
template <class T>
using stored_type = std::conditional_t<std::is_same_v<std::decay_t<T>, char const*> || std::is_same_v<std::decay_t<T>, char*>,
                                       std::string, std::remove_cvref_t<T>>;

/// A payload is its own encoding.
template <>
struct codec<payload> {
    /// The payload itself.
    static payload encode(payload const& value) { return value; }
    /// The payload itself; never throws.
    static payload decode(payload const& encoded) { return encoded; }
};

} // namespace tasker
