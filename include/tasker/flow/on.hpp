#pragma once

#include <tasker/model/step_options.hpp>

#include <boost/asio/any_io_executor.hpp>

namespace tasker {

/// How a `place` that names a user's execution context yields its executor.
struct execution_context_access {
    /// The executor of the context that `context` points to.
    boost::asio::any_io_executor (*executor_of)(void* context);
};

/// Runs a step's body on an execution context of the user's: `{.run_on = tasker::on(pool)}` with an `asio::thread_pool`
/// or `asio::io_context`. Lifetime: the context must outlive every engine that runs the workflow, and its bodies must have
/// ended (a pool joined) before the engine's own execution context is destroyed.
template <class Context>
place on(Context& context)
{
    static constexpr execution_context_access access{
        [](void* erased) -> boost::asio::any_io_executor { return static_cast<Context*>(erased)->get_executor(); }};
    return {&context, access};
}

} // namespace tasker
