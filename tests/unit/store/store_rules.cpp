#include <tasker/store/store_rules.hpp>

#include "support/catch.hpp"

using namespace tasker;

TEST_CASE("a shape conflict names the workflow, the difference and the way out")
{
    graph const before{{{"charge", {}}}, {}};
    graph const now{{{"pay", {}}}, {}};
    REQUIRE_NOTHROW(detail::check_shape({"shop", "fulfil", "1.0.0"}, before, before));
    try {
        detail::check_shape({"shop", "fulfil", "1.0.0"}, before, now);
        FAIL("another shape was taken");
    } catch (error const& problem) {
        CHECK(problem.code() == errc::shape_conflict);
        CHECK(std::string{problem.what()} == "workflow shop/fulfil@1.0.0 is stored with another shape: step 1 was "
                                             "\"charge\" and is \"pay\"; give the changed workflow a new version");
    }
}

TEST_CASE("a batch needs one epoch for each transition")
{
    commit_batch batch;
    REQUIRE_NOTHROW(detail::check_batch(batch));
    batch.transitions.emplace_back();
    CHECK_THROWS_AS(detail::check_batch(batch), error);
    batch.transition_epochs.push_back(1);
    REQUIRE_NOTHROW(detail::check_batch(batch));
    batch.transition_epochs.push_back(1);
    CHECK_THROWS_WITH(detail::check_batch(batch),
                      "the batch holds 1 transitions, but 2 epochs for them; append to both or to neither");
}

TEST_CASE("a lost lease is reported once, each epoch of a task by itself")
{
    std::vector<task_lease> lost{{{1, 2}, 1}, {{1, 1}, 2}, {{1, 1}, 1}, {{1, 1}, 2}, {{1, 2}, 1}};
    detail::drop_repetitions(lost);
    CHECK(lost == std::vector<task_lease>{{{1, 1}, 1}, {{1, 1}, 2}, {{1, 2}, 1}});
}
