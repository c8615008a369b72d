#pragma once

#include <tasker/base/ids.hpp>

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <vector>

namespace tasker::detail {

/// A task's rank among those of its workflow: best priority first, then oldest.
struct claim_rank {
    int priority = 0;
    task_id id;

    friend bool operator==(claim_rank const&, claim_rank const&) = default;
    friend bool operator<(claim_rank const& a, claim_rank const& b)
    {
        return a.priority != b.priority ? a.priority > b.priority : a.id < b.id;
    }
};

/// A task that may be given out.
struct claim_candidate {
    workflow_id workflow = 0;
    claim_rank rank;
    std::size_t turn = 0; ///< how many of its workflow and priority go before it

    friend bool operator==(claim_candidate const& a, claim_candidate const& b) { return a.rank.id == b.rank.id; }
};

/// The first `limit` candidates, each once: best priority first; within a priority the workflows take turns, so that the
/// backlog of one does not keep the others waiting, each with its oldest task first.
inline std::vector<task_id> in_claim_order(std::vector<claim_candidate> candidates, std::size_t limit)
{
    auto const group = [](claim_candidate const& one) { return std::tie(one.workflow, one.rank); };
    std::sort(candidates.begin(), candidates.end(), [&](auto const& a, auto const& b) { return group(a) < group(b); });
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    for (std::size_t at = 1; at < candidates.size(); ++at) {
        claim_candidate const& before = candidates[at - 1];
        bool const is_next = before.workflow == candidates[at].workflow && before.rank.priority == candidates[at].rank.priority;
        candidates[at].turn = is_next ? before.turn + 1 : 0;
    }
    std::sort(candidates.begin(), candidates.end(), [](claim_candidate const& a, claim_candidate const& b) {
        return std::tuple{-static_cast<long long>(a.rank.priority), a.turn, a.rank.id} <
               std::tuple{-static_cast<long long>(b.rank.priority), b.turn, b.rank.id};
    });
    std::vector<task_id> chosen;
    for (std::size_t at = 0; at < candidates.size() && at < limit; ++at)
        chosen.push_back(candidates[at].rank.id);
    return chosen;
}

} // namespace tasker::detail
