#pragma once

#include <tasker/flow/workflow.hpp>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

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

TASKER_INLINE workflow workflow::with_steps_of(std::span<std::pair<step_no, step_record> const> records) const
{
    if (!is_coroutine())
        return *this;
    workflow_definition grown{key(), definition_->full_name, {}, {}, {}, {}, takes_input(), {}, {}, {}};
    std::vector<step_definition> steps;
    for (auto const& [no, record] : records) {
        while (steps.size() <= no)
            steps.push_back({"checkpoint " + std::to_string(steps.size()), {}});
        if (!record.name.empty())
            steps[no].name = record.name;
        if (record.name == "return")
            grown.output = no;
    }
    grown.shape = graph{std::move(steps), {}};
    return workflow{std::move(grown)};
}

} // namespace tasker
