// error: tasker: the step's body cannot be called with the results of the parents in after(...)
#include <tasker/flow/workflow_builder.hpp>

int main()
{
    tasker::workflow_builder flow{"shop", "missing"};
    auto const number = flow.step("number", [] { return 7; });
    flow.step("sum", after(number), [](int first, int second) { return first + second; });
}
