// error: tasker: this type has no JSON form
#include <tasker/flow/workflow_builder.hpp>

struct opaque {
    void* handle = nullptr;
};

int main()
{
    tasker::workflow_builder flow{"shop", "opaque"};
    flow.step("open", [] { return opaque{}; });
}
