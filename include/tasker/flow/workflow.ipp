#pragma once

#include <tasker/flow/workflow.hpp>

#include <memory>
#include <utility>

namespace tasker {

TASKER_INLINE workflow::workflow(workflow_definition definition)
    : definition_{std::make_shared<workflow_definition const>(std::move(definition))}
{
}

} // namespace tasker
