// error: tasker: the step's body cannot be called with the results of the parents in after(...)
#include <tasker/flow/workflow_builder.hpp>

#include <string>

int main()
{
    tasker::workflow_builder flow{"shop", "mismatch"};
    auto const number = flow.step("number", [] { return 7; });
    flow.step("text", after(number), [](std::string const&) {});
}
