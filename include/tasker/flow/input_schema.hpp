#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/base/payload.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tasker {

/// Checks inputs against a JSON schema and fills defaults in. Understands this part of JSON Schema 2020-12: `type` (one
/// or a list), `properties`, `required`, `additionalProperties` (true or false), `default`, `items`, `enum`, `minimum`,
/// `maximum`, `minLength`, `maxLength`; a schema with any other keyword but the annotations (`title`, `description`,
/// `$schema`, `$id`, `examples`) is refused, so that nothing is believed checked that is not.
class input_schema {
public:
    /// Throws `error{invalid_definition}` when `text` is no JSON or uses a keyword that is not understood.
    explicit input_schema(std::string_view text);

    /// The input with defaults filled in. Throws `error{invalid_input}`, listing everything wrong with it.
    payload apply(payload const& given) const;

private:
    using value = boost::json::value;
    using object = boost::json::object;
    static void check_rules(value const& rules, std::string const& where);
    static std::string type_of(value const& given);
    static bool is_of_type(value const& given, std::string_view wanted);
    static void check_type(value const& rule, value const& given, std::string const& place, std::vector<std::string>& problems);
    static void check_bounds(object const& rules, value const& given, std::string const& place, std::vector<std::string>& problems);
    static void visit_members(object const& rules, object& given, std::string const& place, std::vector<std::string>& problems);
    static void visit(value const& rules_value, value& given, std::string const& place, std::vector<std::string>& problems);

    value rules_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/flow/input_schema.ipp>
#endif
