#include <tasker/store/claim_order.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

using namespace tasker;
using detail::claim_candidate;

namespace {

claim_candidate candidate(workflow_id workflow, std::uint64_t id, int priority = 0) { return {workflow, {priority, {1, id}}}; }

std::vector<std::uint64_t> order(std::vector<claim_candidate> candidates, std::size_t limit = 99)
{
    std::vector<std::uint64_t> ids;
    for (task_id const id : detail::in_claim_order(std::move(candidates), limit))
        ids.push_back(id.low);
    return ids;
}

} // namespace

TEST_CASE("within a workflow claims go by priority, then by age")
{
    CHECK(order({candidate(1, 3), candidate(1, 1), candidate(1, 2, 5)}) == std::vector<std::uint64_t>{2, 1, 3});
}

TEST_CASE("within a priority the workflows take turns, each with its oldest task first")
{
    CHECK(order({candidate(1, 1), candidate(1, 2), candidate(1, 3), candidate(2, 4), candidate(2, 5)}) ==
          std::vector<std::uint64_t>{1, 4, 2, 5, 3});
}

TEST_CASE("a higher priority goes before any turn")
{
    CHECK(order({candidate(1, 1), candidate(2, 2), candidate(1, 3, 1), candidate(1, 4, 1)}) == std::vector<std::uint64_t>{3, 4, 1, 2});
    int const lowest = std::numeric_limits<int>::min();
    CHECK(order({candidate(1, 1, lowest), candidate(1, 2)}) == std::vector<std::uint64_t>{2, 1});
}

TEST_CASE("a task that was found twice is given out once, and nothing beyond the limit")
{
    CHECK(order({candidate(1, 1), candidate(1, 1), candidate(1, 2)}) == std::vector<std::uint64_t>{1, 2});
    CHECK(order({candidate(1, 1), candidate(2, 2), candidate(1, 3)}, 2) == std::vector<std::uint64_t>{1, 2});
    CHECK(order({}).empty());
}
