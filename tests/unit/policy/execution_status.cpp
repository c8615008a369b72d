#include <tasker/policy/execution_status.hpp>

#include "support/catch.hpp"

using tasker::execution_status;

TEST_CASE("the execution statuses keep the original's names")
{
    CHECK(name(execution_status::has_ready_steps) == "has_ready_steps");
    CHECK(name(execution_status::processing) == "processing");
    CHECK(name(execution_status::waiting_for_dependencies) == "waiting_for_dependencies");
    CHECK(name(execution_status::blocked_by_failures) == "blocked_by_failures");
    CHECK(name(execution_status::all_complete) == "all_complete");
}
