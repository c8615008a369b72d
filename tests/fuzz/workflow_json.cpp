// Workflows that are declared in data: see workflow_from_json.

#include <tasker/flow/workflow_from_json.hpp>

#include "fuzz/target.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <optional>
#include <string>

using namespace tasker;
namespace json = boost::json;

namespace {

/// There is a handler for every name but one.
std::optional<json_body> find_handler(std::string_view handler)
{
    if (handler == "unknown")
        return std::nullopt;
    return json_function<json::value>{[](step_context&, json::object const& results) -> json::value { return results; }};
}

double milliseconds(duration length) { return static_cast<double>(length.count()) / 1e3; }

std::string_view word_of(jitter spread)
{
    switch (spread) {
    case jitter::none: return "none";
    case jitter::ten_percent: return "ten_percent";
    case jitter::full: return "full";
    case jitter::decorrelated: return "decorrelated";
    }
    return "";
}

json::object written(retry_policy const& policy)
{
    return {{"max_attempts", policy.max_attempts},
            {"retryable", policy.retryable},
            {"initial_ms", milliseconds(policy.backoff.initial)},
            {"factor", policy.backoff.factor},
            {"cap_ms", milliseconds(policy.backoff.cap)},
            {"jitter", word_of(policy.jitter)}};
}

/// A document that declares the same workflow, but for its schema.
std::string written(workflow const& flow)
{
    json::array steps;
    for (step_no no = 0; no < flow.shape().size(); ++no) {
        step_definition const& step = flow.shape().step(no);
        json::array parents;
        for (step_no const parent : flow.shape().parents(no))
            parents.emplace_back(flow.shape().step(parent).name);
        steps.push_back(json::object{{"name", step.name},
                                     {"handler", "known"},
                                     {"after", std::move(parents)},
                                     {"retry", written(step.options.retry)},
                                     {"timeout_ms", milliseconds(step.options.timeout)},
                                     {"priority", step.options.priority}});
    }
    return json::serialize(json::object{{"namespace", flow.key().name_space},
                                        {"name", flow.key().name},
                                        {"version", flow.key().version},
                                        {"steps", std::move(steps)}});
}

bool same(step_definition const& a, step_definition const& b)
{
    return a.name == b.name && a.options.retry == b.options.retry && a.options.timeout == b.options.timeout &&
           a.options.priority == b.options.priority;
}

void check_graph(graph const& shape)
{
    using fuzz::require;
    require(shape.topological_order().size() == shape.size(), "every step has its place in the order");
    for (edge const& one : shape.edges())
        require(shape.level(one.parent) < shape.level(one.child), "a step comes after its parents");
    for (step_definition const& step : shape.steps()) {
        require(!problem_of(step.options), "options are within their ranges");
        require(std::none_of(step.name.begin(), step.name.end(), [](char c) { return c >= '\0' && c < ' '; }),
                "a step's name can be shown and stored: it has no control character");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using fuzz::require;
    std::optional<workflow> flow;
    try {
        flow = workflow_from_json(fuzz::text_of(data, size), find_handler);
    } catch (error const& problem) {
        require(problem.code() == errc::invalid_definition, "what is wrong with a document is an invalid definition");
        fuzz::require_sentence(problem.what());
        return 0;
    }
    check_graph(flow->shape());
    workflow const again = workflow_from_json(written(*flow), find_handler);
    require(again.key() == flow->key(), "a workflow that is written and read has the same name and version");
    require(!shape_difference(flow->shape(), again.shape()), "a workflow that is written and read has the same steps and edges");
    require(std::equal(flow->shape().steps().begin(), flow->shape().steps().end(), again.shape().steps().begin(), same),
            "a workflow that is written and read has the same options");
    return 0;
}
