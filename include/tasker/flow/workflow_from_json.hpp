#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/flow/async.hpp>
#include <tasker/flow/step_context.hpp>
#include <tasker/flow/workflow.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace tasker {

/// The body of a step that is declared in data: it gets its parents' results as one JSON object, by their names, and
/// may ask its context for the task's input and for the step's own name.
template <class Returned>
using json_function = std::function<Returned(step_context&, boost::json::object const&)>;

/// Any of the three kinds of body.
using json_body = std::variant<json_function<boost::json::value>, json_function<async<boost::json::value>>,
                               json_function<boost::asio::awaitable<boost::json::value>>>;

/// Finds the body that a document calls `handler`; nothing when there is none.
using json_body_lookup = std::function<std::optional<json_body>(std::string_view handler)>;

/// Bodies by the names that documents give them.
using json_bodies = std::map<std::string, json_body, std::less<>>;

/// Builds a workflow from a JSON document:
///
///     {"namespace": "shop", "name": "fulfil-order", "version": "1.0.0",
///      "schema": {...},                       the input's, see `input_schema`; without one the workflow takes no input
///      "steps": [{"name": "charge",
///                 "handler": "charge-card",   what `lookup` is asked for; default: the step's name
///                 "after": ["validate"],      parents by name, declared before or after it
///                 "retry": {"max_attempts": 5, "retryable": true, "initial_ms": 200, "factor": 2, "cap_ms": 30000,
///                           "jitter": "none"},
///                 "timeout_ms": 10000, "priority": 3}]}
///
/// What a step leaves out has the default of `step_options`. Members that are not listed here are refused.
/// Throws `error{invalid_definition}`, which names the place of the mistake in the document and what is wrong there.
TASKER_INLINE workflow workflow_from_json(std::string_view text, json_body_lookup const& lookup);

/// The same with a table of bodies.
TASKER_INLINE workflow workflow_from_json(std::string_view text, json_bodies const& bodies);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/flow/workflow_from_json.ipp>
#endif
