#include <tasker/flow/workflow_builder.hpp>
#include <tasker/runtime/ready_queue.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <limits>
#include <memory>
#include <string>
#include <vector>

using namespace tasker;
using steps::noon;

namespace {

/// A workflow of a chain of three, a single step and a single step of priority 5, all of which start ready but the chain's tail.
std::shared_ptr<registered_workflow> mixed(std::size_t max_concurrent = 0)
{
    workflow_builder flow{"test", "mixed"};
    auto const head = flow.step("single", [] { return 1; });
    static_cast<void>(head);
    auto const first = flow.step("first", [] { return 1; });
    auto const second = flow.step("second", after(first), [](int) { return 1; });
    flow.step("third", after(second), [](int) {});
    flow.step("urgent", [] {}, {.priority = 5});
    return std::make_shared<registered_workflow>(registered_workflow{std::move(flow).build(), 1, max_concurrent, 0});
}

std::shared_ptr<task_run> task(std::shared_ptr<registered_workflow> const& workflow, std::uint64_t id, int priority = 0)
{
    task_snapshot snapshot;
    snapshot.task.id = {1, id};
    snapshot.task.priority = priority;
    static awake_list nobody{{}, [] {}};
    return std::make_shared<task_run>(workflow, std::move(snapshot), noon, nobody);
}

void push_ready(ready_queue& queue, std::shared_ptr<task_run> const& of)
{
    of->plan.take_ready([&](step_no step) { queue.push(of, step); });
}

/// Takes everything that may start, as "task id:step".
std::vector<std::string> drain(ready_queue& queue)
{
    std::vector<std::string> order;
    for (auto next = queue.pop(); next.task; next = queue.pop())
        order.push_back(std::to_string(next.task->record.id.low) + ":" + next.task->workflow->flow.shape().step(next.step).name);
    return order;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("steps start by priority, then by the longest path that remains, then by age")
{
    auto const workflow = mixed();
    ready_queue queue;
    auto const younger = task(workflow, 2);
    auto const older = task(workflow, 1);
    push_ready(queue, younger);
    push_ready(queue, older);
    CHECK(drain(queue) == names{"1:urgent", "2:urgent", "1:first", "2:first", "1:single", "2:single"});
}

TEST_CASE("a task's priority adds to its steps'")
{
    auto const workflow = mixed();
    ready_queue queue;
    auto const plain = task(workflow, 1);
    auto const raised = task(workflow, 2, 5);
    push_ready(queue, plain);
    push_ready(queue, raised);
    CHECK(drain(queue) == names{"2:urgent", "2:first", "1:urgent", "2:single", "1:first", "1:single"});
}

TEST_CASE("priorities at the ends of their range add up without overflow")
{
    constexpr int highest = std::numeric_limits<int>::max();
    constexpr int lowest = std::numeric_limits<int>::min();
    workflow_builder flow{"test", "extreme"};
    flow.step("high", [] {}, {.priority = highest});
    flow.step("plain", [] {});
    flow.step("low", [] {}, {.priority = lowest});
    auto const workflow = std::make_shared<registered_workflow>(registered_workflow{std::move(flow).build(), 1, 0, 0});
    ready_queue queue;
    auto const raised = task(workflow, 1, highest);
    auto const plain = task(workflow, 2);
    auto const sunk = task(workflow, 3, lowest);
    for (auto const& one : {sunk, plain, raised})
        push_ready(queue, one);
    CHECK(drain(queue) == names{"1:high", "1:plain", "2:high", "2:plain", "1:low", "3:high", "2:low", "3:plain", "3:low"});
}

TEST_CASE("steps of a workflow at its limit stand aside for others until one of its steps ends")
{
    auto const limited = mixed(1);
    auto const free = mixed();
    ready_queue queue;
    auto const a = task(limited, 1);
    auto const b = task(free, 2);
    push_ready(queue, a);
    push_ready(queue, b);
    limited->running_steps = 1;
    CHECK(drain(queue) == names{"2:urgent", "2:first", "2:single"});
    limited->running_steps = 0;
    CHECK(drain(queue).empty());
    queue.step_ended(*limited);
    CHECK_FALSE(queue.empty());
    CHECK(drain(queue) == names{"1:urgent"}); // one ended, one comes back: the most urgent
    queue.step_ended(*limited);
    queue.step_ended(*limited);
    queue.step_ended(*limited);
    CHECK(drain(queue) == names{"1:first", "1:single"});
}

TEST_CASE("a step that is no longer ready, or whose task ended, is skipped")
{
    auto const workflow = mixed();
    ready_queue queue;
    auto const changed = task(workflow, 1);
    auto const gone = task(workflow, 2);
    auto const leaving = task(workflow, 3);
    auto const over = task(workflow, 4);
    for (auto const& one : {changed, gone, leaving, over})
        push_ready(queue, one);
    changed->plan.write(0, noon, [](step_record& record) { record.state = step_state::cancelled; });
    gone->gone = true;
    leaving->leaving = true;
    over->record.state = task_state::cancelled;
    CHECK(drain(queue) == names{"1:urgent", "1:first"});
}

TEST_CASE("a step that was cancelled while it stood aside does not keep the others aside")
{
    auto const limited = mixed(1);
    limited->running_steps = 1;
    ready_queue queue;
    auto const one = task(limited, 1);
    push_ready(queue, one);
    CHECK(drain(queue).empty());
    one->plan.write(4, noon, [](step_record& record) { record.state = step_state::cancelled; });
    limited->running_steps = 0;
    queue.step_ended(*limited);
    CHECK(drain(queue) == names{"1:first"});
}

TEST_CASE("a cleared queue has nothing, not even what stood aside")
{
    auto const limited = mixed(1);
    limited->running_steps = 1;
    ready_queue queue;
    auto const one = task(limited, 1);
    push_ready(queue, one);
    CHECK(drain(queue).empty());
    queue.clear();
    limited->running_steps = 0;
    queue.step_ended(*limited);
    CHECK(queue.empty());
}
