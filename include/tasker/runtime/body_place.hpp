#pragma once

#include <tasker/flow/on.hpp>
#include <tasker/model/step_options.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/strand.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <optional>

namespace tasker {

/// Whether the step's body runs on the engine's strand, unless its task is a coroutine.
template <class = void>
inline bool runs_on_engine(task_run const& task, step_no step)
{
    return task.workflow->flow.shape().step(step).options.run_on.where() == place::kind::engine;
}

/// Where a body runs: nothing for those on the engine's strand.
template <class = void>
inline std::optional<boost::asio::any_io_executor> executor_elsewhere(engine_parts& parts, place const& where)
{
    switch (where.where()) {
    case place::kind::blocking: return strand::make(parts.blocking.executor(), 1);
    case place::kind::context: return strand::make(where.access().executor_of(where.context()), 1);
    case place::kind::engine: break;
    }
    return std::nullopt;
}

} // namespace tasker
