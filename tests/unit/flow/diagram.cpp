#include <tasker/flow/diagram.hpp>
#include <tasker/flow/workflow_builder.hpp>

#include "support/catch.hpp"

#include <string>

using namespace tasker;
using support::contains;

namespace {

workflow order_flow()
{
    workflow_builder flow{"shop", "order", "1.0.0"};
    auto const charged = flow.step("charge", [] { return 1; });
    flow.step("ship", after(charged), [](int) { return 2; });
    return std::move(flow).build();
}

task_snapshot half_done()
{
    task_snapshot snapshot;
    snapshot.task.state = task_state::in_progress;
    step_record charged;
    charged.state = step_state::complete;
    charged.attempts = 2;
    snapshot.steps.emplace_back(step_no{0}, charged);
    return snapshot;
}

} // namespace

TEST_CASE("a workflow's diagram is titled with its full name")
{
    CHECK_THAT(to_dot(order_flow()), contains("label=\"shop/order@1.0.0\\n \"") && contains("s0 -> s1;"));
    CHECK_THAT(to_mermaid(order_flow()), contains("title: \"shop/order@1.0.0\"") && contains("s0 --> s1\n"));
}

TEST_CASE("a task's diagram is titled with its state, and steps without a record are pending")
{
    CHECK_THAT(to_dot(order_flow(), half_done()), contains("label=\"shop/order@1.0.0: in progress\\n \"") &&
                                                      contains("charge\\ncomplete, 2 attempts") && contains("s1 [label=\"ship\""));
    CHECK_THAT(to_mermaid(order_flow(), half_done()),
               contains("title: \"shop/order@1.0.0: in progress\"") && contains("class s1 pending\n") && contains("class s0 complete\n"));
}

TEST_CASE("a snapshot of a task of a larger workflow is refused")
{
    task_snapshot snapshot;
    snapshot.steps.emplace_back(step_no{2}, step_record{});
    CHECK_THROWS_WITH(to_dot(order_flow(), snapshot),
                      contains("a record of step 2, but workflow shop/order@1.0.0 has only 2 steps"));
    CHECK_THROWS_AS(to_mermaid(order_flow(), snapshot), error);
}
