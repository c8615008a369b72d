#pragma once

#include <tasker/store/claim_order.hpp>
#include <tasker/store/sql/mail.hpp>
#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/statements.hpp>
#include <tasker/store/sql/worker_presence.hpp>
#include <tasker/store/store.hpp>

#include <algorithm>
#include <set>
#include <vector>

namespace tasker::sql {

inline std::optional<task_snapshot> load_snapshot(session& with, statements const& texts, task_id task)
{
    query& row = with.get(texts.load_task);
    if (!row.run_once(task))
        return std::nullopt;
    task_snapshot snapshot{read_task(row), {}, {}};
    query& steps = with.get(texts.load_steps);
    for (bool more = steps.run(task); more; more = steps.next())
        snapshot.steps.push_back(read_step(steps));
    if (snapshot.task.mail > 0)
        snapshot.messages = messages_after(with, texts, task, 0);
    return snapshot;
}

/// A worker that owns tasks, seen from another.
struct owner {
    worker_id id;
    std::optional<time_point> expires_at; ///< nothing: it never sent a heartbeat, or retired
    process_identity process;

    bool is_dead(time_point now, worker_presence const& presence) const
    {
        return !expires_at || *expires_at <= now || presence.is_gone(process);
    }
};

/// Finds the tasks that a worker may claim, and when there will be some, within one transaction.
class claimer {
public:
    claimer(session& with, statements const& texts, worker_presence const& presence, claim_request const& request)
        : session_{with}, texts_{texts}, presence_{presence}, request_{request},
          workflows_{request.workflows.begin(), request.workflows.end()}
    {
    }

    std::vector<claimed_task> claim()
    {
        find_owners();
        std::vector<claimed_task> claimed;
        for (task_id const id : request_.task ? named_candidate() : candidates())
            claimed.push_back(hand_over(id));
        return claimed;
    }

    /// When there is something to claim; the past is told as now.
    std::optional<time_point> next_due()
    {
        find_owners();
        std::optional<time_point> earliest;
        auto const consider = [&](std::optional<time_point> at) {
            if (at && (!earliest || *at < *earliest))
                earliest = std::max(*at, request_.now);
        };
        for (workflow_id const workflow : workflows_) {
            query& wake = session_.get(texts_.next_wake);
            if (wake.run_once(workflow))
                consider(wake.optional_time<time_point>());
            if (any(texts_.due, workflow) || any(texts_.requested, workflow))
                consider(request_.now);
            for (owner const& other : owners_) {
                bool const is_dead = other.is_dead(request_.now, presence_);
                if (any(texts_.owned, workflow, other.id))
                    consider(is_dead ? request_.now : other.expires_at);
                if (is_dead && any(texts_.requested_and_owned, workflow, other.id))
                    consider(request_.now);
            }
        }
        return earliest;
    }

private:
    void find_owners()
    {
        query& row = session_.get(texts_.owners);
        for (bool more = row.run(request_.worker); more; more = row.next()) {
            owner found;
            found.id = row.id<worker_id>();
            found.expires_at = row.optional_time<time_point>();
            found.process.host = row.text();
            found.process.process = row.integer();
            found.process.started = row.integer();
            owners_.push_back(std::move(found));
        }
    }

    template <class... Values>
    bool any(statement_text const& text, Values const&... values)
    {
        return session_.get(text).run_once(values..., 1);
    }

    std::vector<task_id> named_candidate()
    {
        query& row = session_.get(texts_.find_owner);
        if (!row.run_once(*request_.task) || !workflows_.contains(row.integer()))
            return {};
        auto const holder = row.id<worker_id>();
        auto const is_free = [&](owner const& other) { return other.id == holder && other.is_dead(request_.now, presence_); };
        bool const is_own = holder == request_.worker && request_.reclaim;
        if (holder && !is_own && std::none_of(owners_.begin(), owners_.end(), is_free))
            return {};
        return {*request_.task};
    }

    std::vector<task_id> candidates()
    {
        std::erase_if(owners_, [&](owner const& other) { return !other.is_dead(request_.now, presence_); });
        auto const limit = static_cast<long long>(request_.limit);
        for (workflow_id const workflow : workflows_) {
            gather(texts_.due, workflow, limit);
            gather(texts_.woken, workflow, request_.now, limit);
            gather(texts_.requested, workflow, limit);
            for (owner const& dead : owners_) {
                gather(texts_.owned, workflow, dead.id, limit);
                gather(texts_.requested_and_owned, workflow, dead.id, limit);
            }
        }
        return tasker::detail::in_claim_order(std::move(found_), request_.limit);
    }

    template <class... Values>
    void gather(statement_text const& text, workflow_id workflow, Values const&... values)
    {
        query& row = session_.get(text);
        for (bool more = row.run(workflow, values...); more; more = row.next()) {
            auto const priority = row.integer_as<int>();
            found_.push_back({workflow, {priority, row.id<task_id>()}});
        }
    }

    claimed_task hand_over(task_id id)
    {
        query& row = session_.get(texts_.find_owner);
        row.run_once(id);
        row.integer();
        auto const before = row.id<worker_id>();
        bool const recovered = before && before != request_.worker;
        if (recovered)
            session_.get(texts_.take_over).run_once(before);
        session_.get(texts_.hand_over).run_once(request_.worker, recovered ? 1 : 0, id);
        return {*load_snapshot(session_, texts_, id), recovered};
    }

    session& session_;
    statements const& texts_;
    worker_presence const& presence_;
    claim_request const& request_;
    std::set<workflow_id> workflows_;
    std::vector<owner> owners_; ///< the others
    std::vector<tasker::detail::claim_candidate> found_;
};

} // namespace tasker::sql
