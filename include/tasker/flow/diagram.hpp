#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/flow/workflow.hpp>
#include <tasker/model/diagram.hpp>
#include <tasker/model/records.hpp>

#include <string>

namespace tasker {

/// The workflow as a picture in Graphviz's language: `dot -Tsvg`.
TASKER_INLINE std::string to_dot(workflow const& flow);

/// The workflow as a picture in Mermaid's language.
TASKER_INLINE std::string to_mermaid(workflow const& flow);

/// A task of the workflow, its steps coloured by state.
/// Throws `error{unknown_step}` when the task has steps that the workflow has not.
TASKER_INLINE std::string to_dot(workflow const& flow, task_snapshot const& snapshot);

/// The same in Mermaid's language.
TASKER_INLINE std::string to_mermaid(workflow const& flow, task_snapshot const& snapshot);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/flow/diagram.ipp>
#endif
