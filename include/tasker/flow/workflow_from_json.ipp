#pragma once

#include <tasker/flow/detail/document_reader.hpp>
#include <tasker/flow/workflow_builder.hpp>
#include <tasker/flow/workflow_from_json.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tasker {

namespace detail {

inline duration milliseconds_of(document_reader const& place)
{
    constexpr double most = 1e12; // about 31 years
    double const length = place.number<double>();
    if (!(length >= 0 && length <= most))
        place.fail("a length of time is between 0 and 1e12 milliseconds");
    return duration{std::llround(length * 1e3)};
}

inline jitter jitter_of(document_reader const& place)
{
    static constexpr std::array<std::pair<std::string_view, jitter>, 4> known{{{"none", jitter::none},
                                                                               {"ten_percent", jitter::ten_percent},
                                                                               {"full", jitter::full},
                                                                               {"decorrelated", jitter::decorrelated}}};
    std::string const text = place.text();
    auto const at = std::find_if(known.begin(), known.end(), [&](auto const& one) { return one.first == text; });
    if (at == known.end())
        place.fail("\"" + text +
                   "\" is no jitter; it is one of \"none\", \"ten_percent\", \"full\" and \"decorrelated\"");
    return at->second;
}

inline retry_policy retry_of(document_reader const& place)
{
    place.allow_only({"max_attempts", "retryable", "initial_ms", "factor", "cap_ms", "jitter"});
    retry_policy policy;
    if (auto const given = place.find("max_attempts"))
        policy.max_attempts = given->number<int>();
    if (auto const given = place.find("retryable"))
        policy.retryable = given->boolean();
    if (auto const given = place.find("initial_ms"))
        policy.backoff.initial = milliseconds_of(*given);
    if (auto const given = place.find("factor"))
        policy.backoff.factor = given->number<double>();
    if (auto const given = place.find("cap_ms"))
        policy.backoff.cap = milliseconds_of(*given);
    if (auto const given = place.find("jitter"))
        policy.jitter = jitter_of(*given);
    if (auto const problem = problem_of(policy))
        place.fail(*problem);
    return policy;
}

inline step_options options_of(document_reader const& step)
{
    step_options options;
    if (auto const given = step.find("retry"))
        options.retry = retry_of(*given);
    if (auto const given = step.find("timeout_ms"))
        options.timeout = milliseconds_of(*given);
    if (auto const given = step.find("priority"))
        options.priority = given->number<int>();
    return options;
}

inline std::vector<std::string> parents_of(document_reader const& step)
{
    std::vector<std::string> parents;
    if (auto const given = step.find("after"))
        for (document_reader const& parent : given->items()) {
            std::string name = parent.text();
            if (std::find(parents.begin(), parents.end(), name) != parents.end())
                parent.fail("\"" + name + "\" is named twice");
            parents.push_back(std::move(name));
        }
    return parents;
}

inline void add_step(workflow_builder& flow, document_reader const& step, json_body_lookup const& lookup)
{
    step.allow_only({"name", "handler", "after", "retry", "timeout_ms", "priority"});
    std::string const name = step.at("name").text();
    auto const named = step.find("handler");
    document_reader const handler = named ? *named : step.at("name");
    auto body = lookup(handler.text());
    if (!body)
        handler.fail("there is no handler called \"" + handler.text() + "\"");
    step_options const options = options_of(step);
    auto parents = parents_of(step);
    std::visit([&](auto& call) { flow.step(name, after_named(std::move(parents)), std::move(call), options); }, *body);
}

} // namespace detail

TASKER_INLINE workflow workflow_from_json(std::string_view text, json_body_lookup const& lookup)
{
    boost::json::value const parsed = detail::parse_document(text);
    detail::document_reader const document{parsed};
    document.allow_only({"namespace", "name", "version", "schema", "steps"});
    workflow_builder flow{document.at("namespace").text(), document.at("name").text(), document.at("version").text()};
    if (auto const schema = document.find("schema"))
        flow.schema(input_schema{boost::json::serialize(schema->value())});
    for (detail::document_reader const& step : document.at("steps").items())
        detail::add_step(flow, step, lookup);
    return std::move(flow).build();
}

TASKER_INLINE workflow workflow_from_json(std::string_view text, json_bodies const& bodies)
{
    return workflow_from_json(text, [&](std::string_view handler) -> std::optional<json_body> {
        auto const at = bodies.find(handler);
        return at == bodies.end() ? std::nullopt : std::optional{at->second};
    });
}

} // namespace tasker
