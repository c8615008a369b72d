#pragma once

#include <tasker/store/store.hpp>

namespace tasker {

TASKER_INLINE bool commit_batch::empty() const noexcept
{
    return created.empty() && tasks.empty() && steps.empty() && transitions.empty() && taken.empty() && sent.empty();
}

TASKER_INLINE void commit_batch::clear()
{
    created.clear();
    tasks.clear();
    steps.clear();
    transitions.clear();
    transition_epochs.clear();
    taken.clear();
    sent.clear();
}

} // namespace tasker
