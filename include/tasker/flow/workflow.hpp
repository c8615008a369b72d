#pragma once

#include <tasker/base/config.hpp>
#include <tasker/flow/edges.hpp>
#include <tasker/flow/step_body.hpp>
#include <tasker/model/records.hpp>
#include <tasker/model/workflow_key.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

/// An event of the user's own that a workflow's steps publish.
struct event_declaration {
    std::string name;        ///< as `step_context::publish` names it, e.g. `order.shipped`
    std::string description; ///< when it is published, in a sentence
};

class workflow_context;

/// A workflow that is a coroutine, without its types. The input lives as long as the coroutine.
using workflow_body = std::function<boost::asio::awaitable<payload>(workflow_context&, payload const& input)>;

/// What a built workflow consists of. Made by `workflow_builder`.
struct workflow_definition {
    workflow_key key;                                    ///< unique within a store
    std::string full_name;                               ///< the same as text
    graph shape;                                         ///< steps and edges
    std::vector<step_body> bodies;                       ///< by step
    std::vector<std::vector<argument_source>> arguments; ///< by step
    std::optional<step_no> output;                       ///< whose result is the workflow's; nothing: every sink's, by name
    bool takes_input = false;                            ///< whether an input was declared
    std::function<payload(payload const&)> accept_input; ///< checks an input and fills defaults in; throws error{invalid_input}
    std::vector<event_declaration> events;               ///< of the user's own, that its steps publish
    workflow_body coroutine = {};                        ///< what it is instead of steps and edges
};

/// An immutable, checked workflow: cheap to copy, shared by all its tasks. Thread safety: constant.
class workflow {
public:
    /// Takes the definition over unchecked: `workflow_builder::build` and `workflow_from_json` check.
    explicit workflow(workflow_definition definition);

    /// Namespace, name and version.
    workflow_key const& key() const noexcept { return definition_->key; }
    /// `shop/fulfil-order@1.0.0`; valid as long as any copy of the workflow.
    std::string_view full_name() const noexcept { return definition_->full_name; }
    /// Its steps and edges.
    graph const& shape() const noexcept { return definition_->shape; }
    /// What step `no` runs. Preconditions: there is such a step.
    step_body const& body(step_no no) const;
    /// Where the arguments of step `no` come from, in order. Preconditions: there is such a step.
    std::span<argument_source const> arguments(step_no no) const;
    /// The step whose result is the workflow's; nothing: the results of all sinks, by name.
    std::optional<step_no> output() const noexcept { return definition_->output; }
    /// Whether an input was declared.
    bool takes_input() const noexcept { return definition_->takes_input; }
    /// Whether it is written as a coroutine, whose steps are those that each task comes to.
    bool is_coroutine() const noexcept { return definition_->coroutine != nullptr; }
    /// The coroutine. Preconditions: it is written as one.
    workflow_body const& coroutine() const noexcept { return definition_->coroutine; }
    /// The workflow with the steps that one of its tasks has come to, and without bodies; itself when it is no coroutine.
    workflow with_steps_of(std::span<std::pair<step_no, step_record> const> records) const;
    /// The events of the user's own that its steps publish.
    std::span<event_declaration const> events() const noexcept;

    /// The input as it will be stored. Throws `error{invalid_input}`, which says all that is wrong with it.
    payload accept_input(payload const& input) const;

private:
    std::shared_ptr<workflow_definition const> definition_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/flow/workflow.ipp>
#endif
