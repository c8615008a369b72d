#include <tasker/plan/decide.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using namespace steps;

namespace {

using records = std::vector<step_record>;
using numbers = std::vector<step_no>;

} // namespace

TEST_CASE("the ready steps are named in step order")
{
    auto const next = decide(steps::dummy(), records(4), noon);
    CHECK(next.status == execution_status::has_ready_steps);
    CHECK(next.ready == numbers{0, 1});
    CHECK_FALSE(next.earliest_due);
    CHECK_FALSE(next.longest_due);
}

TEST_CASE("the due window spans the steps in back-off and no others")
{
    graph const shape = steps::graph_of({"a", "b", "c", "d"}, {});
    auto const next = decide(shape, records{failed(1, 5s), failed(1, 2s), failed_for_good(3), failed(2, 9s)}, noon);
    CHECK(next.status == execution_status::waiting_for_dependencies);
    CHECK(next.ready.empty());
    CHECK(next.earliest_due == noon + 2s);
    CHECK(next.longest_due == noon + 9s);
}

TEST_CASE("a back-off that is over leaves the window and makes the step ready")
{
    graph const shape = steps::graph_of({"a", "b"}, {});
    auto const next = decide(shape, records{failed(1, 5s), failed(1, 2s)}, noon + 2s);
    CHECK(next.ready == numbers{1});
    CHECK(next.earliest_due == noon + 5s);
    CHECK(next.longest_due == noon + 5s);
}

TEST_CASE("a step in back-off below a parent that is not done does not count as waiting")
{
    graph const shape = steps::graph_of({"parent", "child"}, {{"parent", "child"}});
    auto const next = decide(shape, records{failed_for_good(3), failed(1, 5s)}, noon);
    CHECK(next.status == execution_status::blocked_by_failures);
    CHECK_FALSE(next.earliest_due);
}

TEST_CASE("a running step keeps an otherwise stuck task processing")
{
    graph const shape = steps::graph_of({"a", "b"}, {});
    CHECK(decide(shape, records{failed_for_good(3), in_state(step_state::in_progress)}, noon).status == execution_status::processing);
}

TEST_CASE("a task without steps is decided at once [E11]", "[E11]")
{
    CHECK(decide(graph{}, {}, noon) == decision{execution_status::all_complete, {}, {}, {}});
}
