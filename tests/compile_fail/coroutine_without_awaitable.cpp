// error: tasker: a workflow's coroutine takes tasker::workflow_context& and at most one input, and returns boost::asio::awaitable<R> or tasker::async<R>
#include <tasker/flow/coroutine_workflow.hpp>

int main()
{
    static_cast<void>(tasker::coroutine_workflow("shop", "fulfil", "1.0.0", [](tasker::workflow_context&, int const& n) { return n; }));
}
