#pragma once

#include <tasker/store/any_store.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace tasker {

namespace detail {

/// Whether the audit trail of a task holds these rows, which carry times to the microsecond.
inline bool holds(std::vector<transition_record> const& history, std::vector<transition_record const*> const& rows)
{
    return std::all_of(rows.begin(), rows.end(), [&](transition_record const* row) {
        return std::any_of(history.begin(), history.end(), [&](transition_record const& one) {
            return one.step == row->step && one.from == row->from && one.to == row->to && one.at == row->at && one.attempt == row->attempt;
        });
    });
}

} // namespace detail

/// What became of a batch whose commit failed in doubt: the store may have committed it before the failure reached us.
/// Looks for the batch's own rows in the audit trails. Nothing: it was not committed, or holds nothing that committing it
/// again would repeat. A batch is one transaction: when one task's rows are there, those that are not were refused.
inline std::optional<commit_result> find_committed(any_store& store, commit_batch const& batch)
{
    std::map<std::pair<task_id, std::int64_t>, std::vector<transition_record const*>> written;
    for (std::size_t at = 0; at < batch.transitions.size(); ++at)
        written[{batch.transitions[at].task, batch.transition_epochs[at]}].push_back(&batch.transitions[at]);
    std::vector<lost_lease> missing;
    for (auto const& [owner, rows] : written)
        if (!detail::holds(store.history(owner.first), rows))
            missing.push_back({owner.first, owner.second});
    if (missing.size() == written.size())
        return std::nullopt;

    commit_result result;
    for (lost_lease const& one : missing) {
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

} // namespace tasker
