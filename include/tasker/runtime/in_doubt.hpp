#pragma once

#include <tasker/store/any_store.hpp>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace tasker {

namespace detail {

/// Whether the audit trail of a task holds these rows, which carry times to the microsecond.
template <class = void>
inline bool holds(std::vector<transition_record> const& history, std::vector<transition_record const*> const& rows)
{
    return std::all_of(rows.begin(), rows.end(), [&](transition_record const* row) {
        return std::any_of(history.begin(), history.end(), [&](transition_record const& one) {
            return one.step == row->step && one.from == row->from && one.to == row->to && one.at == row->at && one.attempt == row->attempt;
        });
    });
}

} // namespace detail

/// What became of a batch that was committed, but whose answer got lost with the connection: looks for its rows in the audit
/// trails. A batch is one transaction, so what is not there was refused.
template <class = void>
inline commit_result read_back(any_store& store, commit_batch const& batch)
{
    std::map<std::pair<task_id, std::int64_t>, std::vector<transition_record const*>> written;
    for (std::size_t at = 0; at < batch.transitions.size(); ++at)
        written[{batch.transitions[at].task, batch.transition_epochs[at]}].push_back(&batch.transitions[at]);
    std::vector<task_lease> missing;
    for (auto const& [owner, rows] : written)
        if (!detail::holds(store.history(owner.first), rows))
            missing.push_back({owner.first, owner.second});
    commit_result result;
    for (task_lease const& one : missing) {
        auto const created = std::find_if(batch.created.begin(), batch.created.end(), [&](auto const& task) { return task.id == one.task; });
        if (created == batch.created.end()) {
            result.lease_lost.push_back(one);
            continue;
        }
        task_filter filter;
        filter.identity_key = created->identity_key;
        auto const existing = store.find(filter, {});
        result.duplicates.push_back({one.task, existing.empty() ? task_id{} : existing.front().id});
    }
    return result;
}

/// Whether a batch that only moves steps arrived, though the answer of the transaction that held it got lost. It is the
/// worker's heartbeat that makes the answer final: it waits for commits of the worker that are still under way.
template <class = void>
inline bool has_arrived(any_store& store, commit_batch const& batch, heartbeat_request const& beat)
{
    static_cast<void>(store.heartbeat(beat));
    return read_back(store, batch).lease_lost.empty();
}

} // namespace tasker
