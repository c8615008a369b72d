#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/model/states.hpp>

#include <string>

namespace tasker {

/// How a task ended.
struct task_outcome {
    task_id id;                              ///< the task's
    task_state state = task_state::complete; ///< never pending or in progress
    payload result;                          ///< the workflow's, when complete
    std::string what;                        ///< why it is not complete, in a sentence

    /// Whether it is complete or resolved by hand.
    bool succeeded() const noexcept { return state == task_state::complete || state == task_state::resolved_manually; }
};

} // namespace tasker
