#pragma once

#include <tasker/flow/edges.hpp>
#include <tasker/flow/step_body.hpp>
#include <tasker/model/workflow_key.hpp>

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
    std::string name;
    std::string description;
};

/// What a built workflow consists of. Made by `workflow_builder`.
struct workflow_definition {
    workflow_key key;
    std::string full_name;
    graph shape;
    std::vector<step_body> bodies;                      ///< by step
    std::vector<std::vector<argument_source>> arguments; ///< by step
    std::optional<step_no> output;                      ///< whose result is the workflow's; nothing: every sink's, by name
    bool takes_input = false;
    std::function<payload(payload const&)> accept_input; ///< checks an input and fills defaults in; throws error{invalid_input}
    std::vector<event_declaration> events;
};

/// An immutable, checked workflow: cheap to copy, shared by all its tasks. Thread safety: constant.
class workflow {
public:
    explicit workflow(workflow_definition definition)
        : definition_{std::make_shared<workflow_definition const>(std::move(definition))}
    {
    }

    workflow_key const& key() const noexcept { return definition_->key; }
    std::string_view full_name() const noexcept { return definition_->full_name; }
    graph const& shape() const noexcept { return definition_->shape; }
    step_body const& body(step_no no) const { return definition_->bodies[no]; }
    std::span<argument_source const> arguments(step_no no) const { return definition_->arguments[no]; }
    std::optional<step_no> output() const noexcept { return definition_->output; }
    bool takes_input() const noexcept { return definition_->takes_input; }
    std::span<event_declaration const> events() const noexcept { return definition_->events; }

    /// The input as it will be stored. Throws `error{invalid_input}`, which says all that is wrong with it.
    payload accept_input(payload const& input) const
    {
        return definition_->accept_input ? definition_->accept_input(input) : input;
    }

private:
    std::shared_ptr<workflow_definition const> definition_;
};

} // namespace tasker
