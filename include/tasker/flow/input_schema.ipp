#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/flow/input_schema.hpp>
#include <tasker/model/detail/json_kinds.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

TASKER_INLINE input_schema::input_schema(std::string_view text)
{
    boost::json::error_code problem;
    rules_ = boost::json::parse(text, problem);
    if (problem)
        throw error{errc::invalid_definition, "the input schema is not JSON: " + problem.message()};
    check_rules(rules_, "the input schema");
}

TASKER_INLINE payload input_schema::apply(payload const& given) const
{
    boost::json::error_code failed;
    boost::json::value filled = boost::json::parse(given.text(), failed);
    if (failed)
        throw error{errc::invalid_input, "the input is not JSON: " + failed.message()};
    std::vector<std::string> problems;
    visit(rules_, filled, "input", problems);
    if (!detail::is_finite(filled))
        problems.push_back("it has a number that is too large");
    if (problems.empty())
        return payload{boost::json::serialize(filled)};
    std::string all = "the input does not fit the workflow's schema: " + problems.front();
    for (std::size_t at = 1; at < problems.size(); ++at)
        all += "; " + problems[at];
    throw error{errc::invalid_input, all};
}

TASKER_INLINE void input_schema::check_rules(value const& rules, std::string const& where)
{
    static constexpr std::array known{"type",    "properties", "required",  "additionalProperties", "default", "items", "enum",
                                      "minimum", "maximum",    "minLength", "maxLength",            "title",   "description",
                                      "$schema", "$id",        "examples"};
    auto const* members = rules.if_object();
    if (members == nullptr)
        throw error{errc::invalid_definition, where + " must be a JSON object"};
    for (auto const& [key, rule] : *members) {
        if (std::find(known.begin(), known.end(), std::string_view{key}) == known.end())
            throw error{errc::invalid_definition, where + " uses the keyword \"" + std::string{key} + "\", which is not supported"};
        if (key == "properties" && rule.is_object())
            for (auto const& [name, inner] : rule.get_object())
                check_rules(inner, where + '.' + std::string{name});
        else if (key == "items")
            check_rules(rule, where + "[]");
    }
}

TASKER_INLINE std::string input_schema::type_of(value const& given)
{
    if (given.is_null())
        return "null";
    if (given.is_bool())
        return "boolean";
    if (given.is_string())
        return "string";
    if (given.is_array())
        return "array";
    if (given.is_object())
        return "object";
    bool const whole = !given.is_double() || std::trunc(given.get_double()) == given.get_double();
    return whole ? "integer" : "number";
}

TASKER_INLINE bool input_schema::is_of_type(value const& given, std::string_view wanted)
{
    std::string const type = type_of(given);
    return type == wanted || (wanted == "number" && type == "integer");
}

TASKER_INLINE void input_schema::check_type(value const& rule, value const& given, std::string const& place, std::vector<std::string>& problems)
{
    std::string wanted;
    auto const& alternatives = rule.is_array() ? rule.get_array() : boost::json::array{rule};
    for (value const& one : alternatives) {
        if (one.is_string() && is_of_type(given, one.get_string()))
            return;
        wanted += (wanted.empty() ? "" : " or ") + (one.is_string() ? std::string{one.get_string()} : std::string{"?"});
    }
    problems.push_back(place + " must be " + wanted + ", not " + type_of(given));
}

TASKER_INLINE void input_schema::check_bounds(object const& rules, value const& given, std::string const& place, std::vector<std::string>& problems)
{
    auto const bound = [&](char const* keyword, double measured, int sign, std::string const& what) {
        auto const* limit = rules.if_contains(keyword);
        if (limit == nullptr || !limit->is_number() || sign * measured >= sign * limit->to_number<double>())
            return;
        problems.push_back(place + " " + what + (sign > 0 ? " at least " : " at most ") + boost::json::serialize(*limit));
    };
    if (given.is_number()) {
        bound("minimum", given.to_number<double>(), 1, "must be");
        bound("maximum", given.to_number<double>(), -1, "must be");
    } else if (given.is_string()) {
        bound("minLength", static_cast<double>(given.get_string().size()), 1, "must have a length of");
        bound("maxLength", static_cast<double>(given.get_string().size()), -1, "must have a length of");
    }
    if (auto const* choices = rules.if_contains("enum"); choices != nullptr && choices->is_array()) {
        auto const& all = choices->get_array();
        if (std::find(all.begin(), all.end(), given) == all.end())
            problems.push_back(place + " must be one of " + boost::json::serialize(all));
    }
}

TASKER_INLINE void input_schema::visit_members(object const& rules, object& given, std::string const& place, std::vector<std::string>& problems)
{
    static object const none;
    auto const* declared = rules.if_contains("properties");
    object const& properties = declared != nullptr && declared->is_object() ? declared->get_object() : none;
    for (auto const& [name, inner] : properties) {
        auto const* fallback = inner.get_object().if_contains("default");
        if (!given.contains(name) && fallback != nullptr)
            given[name] = *fallback;
        if (auto* member = given.if_contains(name))
            visit(inner, *member, place + '.' + std::string{name}, problems);
    }
    if (auto const* required = rules.if_contains("required"); required != nullptr && required->is_array())
        for (value const& name : required->get_array())
            if (name.is_string() && !given.contains(name.get_string()))
                problems.push_back(place + '.' + std::string{name.get_string()} + " is missing");
    if (auto const* others = rules.if_contains("additionalProperties"); others != nullptr && *others == value(false))
        for (auto const& [name, member] : given)
            if (!properties.contains(name))
                problems.push_back(place + '.' + std::string{name} + " is not known");
}

TASKER_INLINE void input_schema::visit(value const& rules_value, value& given, std::string const& place, std::vector<std::string>& problems)
{
    object const& rules = rules_value.get_object();
    if (auto const* type = rules.if_contains("type"))
        check_type(*type, given, place, problems);
    check_bounds(rules, given, place, problems);
    if (given.is_object())
        visit_members(rules, given.get_object(), place, problems);
    auto const* items = rules.if_contains("items");
    if (items != nullptr && given.is_array())
        for (std::size_t at = 0; at < given.get_array().size(); ++at)
            visit(*items, given.get_array()[at], place + '[' + std::to_string(at) + ']', problems);
}

} // namespace tasker
