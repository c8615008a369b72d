#pragma once

#include <tasker/store/store.hpp>

#include <concepts>
#include <cstdint>

namespace tasker {

/// A step whose first attempt has succeeded: all that a batch of it alone would say.
struct step_completion {
    worker_id worker;           ///< under whose lease it is written
    task_id task;               ///< whose step it is
    std::int64_t epoch = 0;     ///< under which it is written
    step_no step = 0;           ///< which one
    time_point started_at{};    ///< when it went from pending to in_progress
    time_point finished_at{};   ///< when it went from there to complete
    payload const& result;      ///< what it returned
};

/// A store that writes a step as fast as it could note it in a batch: `complete(one)` writes the step's row and its two
/// transitions, as `commit` of a batch without a number would. It says whether it did: if not, nothing of it is written, and
/// `commit` says why. Does not block.
template <class Store>
concept immediate_store = requires(Store& store, step_completion const& one) {
    { store.complete(one) } -> std::same_as<bool>;
};

} // namespace tasker
