#pragma once

#include <tasker/flow/workflow.hpp>

#include <memory>
#include <span>
#include <utility>

namespace tasker {

TASKER_INLINE workflow::workflow(workflow_definition definition)
    : definition_{std::make_shared<workflow_definition const>(std::move(definition))}
{
}

TASKER_INLINE step_body const& workflow::body(step_no no) const { return definition_->bodies[no]; }

TASKER_INLINE std::span<argument_source const> workflow::arguments(step_no no) const { return definition_->arguments[no]; }

TASKER_INLINE std::span<event_declaration const> workflow::events() const noexcept { return definition_->events; }

TASKER_INLINE payload workflow::accept_input(payload const& input) const
{
    return definition_->accept_input ? definition_->accept_input(input) : input;
}

} // namespace tasker
