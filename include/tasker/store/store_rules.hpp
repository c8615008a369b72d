#pragma once

#include <tasker/base/error.hpp>
#include <tasker/store/store.hpp>

#include <algorithm>
#include <string>
#include <vector>

/// Refusals that every store words alike.
namespace tasker::detail {

inline void check_shape(workflow_key const& key, graph const& stored, graph const& now)
{
    if (auto const difference = shape_difference(stored, now))
        throw error{errc::shape_conflict, "workflow " + to_text(key) + " is stored with another shape: " + *difference +
                                              "; give the changed workflow a new version"};
}

/// A batch that cannot be fenced is refused before any of it is written.
inline void check_batch(commit_batch const& batch)
{
    if (batch.transitions.size() != batch.transition_epochs.size())
        throw error{errc::invalid_options, "the batch holds " + std::to_string(batch.transitions.size()) +
                                               " transitions, but " + std::to_string(batch.transition_epochs.size()) +
                                               " epochs for them; append to both or to neither"};
}

/// A lost lease is noticed at each of its rows, and reported once.
inline void drop_repetitions(std::vector<task_lease>& lost)
{
    std::sort(lost.begin(), lost.end());
    lost.erase(std::unique(lost.begin(), lost.end()), lost.end());
}

} // namespace tasker::detail
