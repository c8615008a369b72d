#include <tasker/store/memory_index.hpp>

#include "support/catch.hpp"

#include <chrono>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr time_point noon{std::chrono::hours{12}};

task_record task(std::uint64_t id, int priority = 0)
{
    task_record record;
    record.id = {1, id};
    record.workflow = 7;
    record.priority = priority;
    return record;
}

std::vector<std::uint64_t> due(detail::memory_index& index, time_point now, std::size_t limit = 99)
{
    std::vector<detail::claim_candidate> found;
    index.append_due(7, now, limit, found);
    std::vector<std::uint64_t> ids;
    for (auto const& candidate : found)
        ids.push_back(candidate.rank.id.low);
    return ids;
}

} // namespace

TEST_CASE("due tasks come by priority, then by age, up to the limit")
{
    detail::memory_index index;
    for (auto const& record : {task(3), task(1), task(2, 5), task(4, -1)})
        index.insert(record);
    CHECK(due(index, noon) == std::vector<std::uint64_t>{2, 1, 3, 4});
    CHECK(due(index, noon, 2) == std::vector<std::uint64_t>{2, 1});
}

TEST_CASE("a sleeping task is due from its wake_at on, and sleeps again for an earlier clock")
{
    detail::memory_index index;
    task_record sleeping = task(1);
    sleeping.wake_at = noon;
    index.insert(sleeping);
    CHECK(due(index, noon - 1us).empty());
    CHECK(index.next_wake(7, noon - 1us) == noon);
    CHECK(due(index, noon) == std::vector<std::uint64_t>{1});
    CHECK(index.next_wake(7, noon + 1h) == noon + 1h);
    CHECK(due(index, noon - 1us).empty());
    CHECK(index.next_wake(7, noon - 1us) == noon);
}

TEST_CASE("a removed task is found nowhere, wherever it stood")
{
    detail::memory_index index;
    task_record record = task(1);
    auto const moves_in_and_out = [&] {
        index.insert(record);
        index.remove(record);
        return due(index, noon).empty() && !index.next_wake(7, noon) && index.owned().empty() &&
               index.requested().empty() && index.finished().empty();
    };
    CHECK(moves_in_and_out());
    record.wake_at = noon + 1h;
    CHECK(moves_in_and_out());
    record.wake_at = noon - 1h;
    index.insert(record);
    CHECK(due(index, noon).size() == 1);
    index.remove(record);
    CHECK(due(index, noon).empty());
    record.request = command{};
    record.worker = {1, 1};
    CHECK(moves_in_and_out());
    record.worker = {};
    record.state = task_state::complete;
    record.finished_at = noon;
    CHECK(moves_in_and_out());
}

TEST_CASE("an owned task is listed with its owner alone, a finished one by its end")
{
    detail::memory_index index;
    task_record owned = task(1);
    owned.worker = {9, 9};
    index.insert(owned);
    task_record finished = task(2);
    finished.state = task_state::error;
    finished.finished_at = noon;
    index.insert(finished);
    CHECK(due(index, noon).empty());
    REQUIRE(index.owned().size() == 1);
    CHECK(index.owned().begin()->first == owned.worker);
    CHECK(index.finished().begin()->second == finished.id);
}
