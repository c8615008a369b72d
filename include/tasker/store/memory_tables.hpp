#pragma once

#include <tasker/store/memory_entry.hpp>
#include <tasker/store/memory_index.hpp>
#include <tasker/store/step_completion.hpp>
#include <tasker/store/store.hpp>
#include <tasker/store/store_rules.hpp>

#include <algorithm>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tasker::detail {

/// All that is known of a worker.
struct memory_worker {
    std::optional<time_point> expires_at; ///< nothing: it never sent a heartbeat
    std::int64_t takeovers = 0;
    std::int64_t batch = 0; ///< number of the last one committed
};

/// The tables of a memory_store and the rules that the contract lays on them. Not thread-safe, but for `mutex`.
struct memory_tables {
    std::mutex mutex;
    std::map<workflow_key, workflow_id> numbers;
    std::deque<graph> shapes; ///< of workflow 1, 2, ...
    graph no_steps;
    std::unordered_map<task_id, memory_entry> tasks;
    std::set<task_id> ids;
    std::unordered_map<std::string_view, task_id> identities; ///< views of the tasks' own keys
    std::unordered_map<worker_id, memory_worker> workers;
    std::pair<worker_id const, memory_worker>* latest = nullptr; ///< who committed last
    memory_entry* recent = nullptr; ///< of which a step was completed last
    memory_index index;
    std::set<task_id> unread; ///< tasks that have messages not taken
    std::uint64_t commits = 0;
    std::vector<memory_entry*> targets; ///< of a commit's writes in turn; kept for its capacity

    template <class Change>
    void change(memory_entry& row, Change apply)
    {
        index.remove(row.task);
        apply(row.task);
        index.insert(row.task);
    }

    /// Whether the write changes nothing that the index goes by.
    static bool keeps_place(task_record const& task, task_write const& write)
    {
        return task.worker && !write.release && !write.clear_request && !is_finished(task.state) && !is_finished(write.state);
    }

    bool is_dead(worker_id worker, time_point now) const
    {
        auto const found = workers.find(worker);
        return found == workers.end() || !found->second.expires_at || *found->second.expires_at <= now;
    }

    // ---- commit ------------------------------------------------------------------------------------------------

    commit_result commit(commit_batch const& batch)
    {
        commit_result result;
        if (was_committed(batch)) {
            result.was_committed = true;
            return result;
        }
        ++commits;
        for (task_record const& task : batch.created)
            create(task, result);
        targets.clear();
        for (task_write const& write : batch.tasks)
            targets.push_back(fence(write.id, write.epoch, batch.worker, result));
        for (step_write const& write : batch.steps)
            targets.push_back(fence(write.task, write.epoch, batch.worker, result));
        for (std::size_t at = 0; at < batch.transitions.size(); ++at)
            targets.push_back(fence(batch.transitions[at].task, batch.transition_epochs[at], batch.worker, result));
        for (message_take const& take : batch.taken)
            targets.push_back(fence(take.task, take.epoch, batch.worker, result));
        for (message_write const& write : batch.sent)
            targets.push_back(fence(write.from, write.epoch, batch.worker, result));

        auto target = targets.begin();
        auto const each = [&](auto const& writes, auto apply) {
            for (auto const& write : writes)
                if (memory_entry* const row = *target++)
                    apply(*row, write);
        };
        each(batch.tasks, [&](memory_entry& row, task_write const& write) { put(row, write); });
        each(batch.steps, [&](memory_entry& row, step_write const& write) {
            make_room(row);
            row.put(write.step, write.record);
        });
        each(batch.transitions, [](memory_entry& row, transition_record const& record) { row.put(record); });
        each(batch.taken, [this](memory_entry& row, message_take const& take) { this->take(row, take.sequence); });
        each(batch.sent, [this](memory_entry&, message_write const& write) { send(write.what); });
        drop_repetitions(result.lease_lost);
        return result;
    }

    /// As a commit of nothing else; false, and nothing written, when its lease was lost.
    bool complete(step_completion const& one)
    {
        if (recent == nullptr || recent->task.id != one.task) {
            auto const found = tasks.find(one.task);
            if (found == tasks.end())
                return false;
            recent = &found->second;
        }
        if (!one.worker || recent->task.worker != one.worker || recent->task.epoch != one.epoch)
            return false;
        make_room(*recent);
        recent->put(one);
        return true;
    }

    /// A task that has started one step will start most.
    void make_room(memory_entry& row) const
    {
        if (row.slots.empty())
            row.expect(shape_of(row.task.workflow).size());
    }

    /// Whether it was; if not, it is from now on.
    bool was_committed(commit_batch const& batch)
    {
        if (batch.number == 0)
            return false;
        if (latest == nullptr || latest->first != batch.worker)
            latest = &*workers.try_emplace(batch.worker).first;
        std::int64_t& last = latest->second.batch;
        bool const was = batch.number <= last;
        last = std::max(last, batch.number);
        return was;
    }

    void create(task_record const& task, commit_result& result)
    {
        if (auto const known = tasks.find(task.id); known != tasks.end()) {
            known->second.refused_by = commits;
            result.duplicates.push_back({task.id, task.id});
        } else if (auto const same = identities.find(task.identity_key); same != identities.end())
            result.duplicates.push_back({task.id, same->second});
        else {
            memory_entry& row = tasks[task.id];
            row.task = task;
            row.created_by = commits;
            ids.insert(ids.end(), task.id);
            identities.emplace(row.task.identity_key, task.id);
            index.insert(task);
        }
    }

    /// The row that may be written under `epoch`, or null: then its lease was lost, or it belongs to a duplicate.
    memory_entry* fence(task_id id, std::int64_t epoch, worker_id worker, commit_result& result)
    {
        if (!targets.empty() && targets.back() != nullptr && targets.back()->task.id == id &&
            targets.back()->task.epoch == epoch)
            return targets.back(); // its worker was checked already
        auto const found = tasks.find(id);
        if (found == tasks.end()) {
            auto const is_refused = [id](duplicate const& pair) { return pair.refused == id; };
            if (std::none_of(result.duplicates.begin(), result.duplicates.end(), is_refused))
                result.lease_lost.push_back({id, epoch});
            return nullptr;
        }
        memory_entry& row = found->second;
        if (row.refused_by == commits)
            return nullptr;
        bool const owns = row.created_by == commits || (worker && row.task.worker == worker);
        if (owns && row.task.epoch == epoch)
            return &row;
        result.lease_lost.push_back({id, epoch});
        return nullptr;
    }

    void put(memory_entry& row, task_write const& write)
    {
        auto const apply = [&](task_record& task) {
            task.state = write.state;
            task.status_reason = write.status_reason;
            task.started_at = write.started_at;
            task.finished_at = write.finished_at;
            bool const has_news = write.release && task.mail > write.mail_seen;
            task.wake_at = has_news ? std::nullopt : write.wake_at;
            task.recoveries = write.recoveries;
            if (write.renewed_input)
                task.input = *write.renewed_input;
            if (write.release)
                task.worker = {};
            if (write.clear_request)
                task.request.reset();
        };
        if (keeps_place(row.task, write))
            apply(row.task);
        else
            change(row, apply);
        if (write.renewed_input)
            row.steps.clear(), row.slots.clear();
    }

    send_answer send(message const& told)
    {
        auto const found = tasks.find(told.task);
        if (found == tasks.end())
            return send_answer::unknown;
        memory_entry& row = found->second;
        if (is_finished(row.task.state) && row.task.state != task_state::error)
            return send_answer::over;
        if (!told.key.empty() && !row.message_keys.insert(told.key).second)
            return send_answer::known;
        change(row, [](task_record& task) {
            ++task.mail;
            if (!task.worker && task.started_at && !is_finished(task.state))
                task.wake_at.reset();
        });
        message& stored = row.unread[row.task.mail] = told;
        stored.sequence = row.task.mail;
        unread.insert(told.task);
        return send_answer::stored;
    }

    void take(memory_entry& row, std::int64_t sequence)
    {
        if (row.unread.erase(sequence) > 0 && row.unread.empty())
            unread.erase(row.task.id);
    }

    // ---- claim -------------------------------------------------------------------------------------------------

    /// No live worker owns it, the claimer neither unless it asks for what it lost.
    bool is_free(task_record const& task, claim_request const& request) const
    {
        if (task.worker == request.worker)
            return request.reclaim;
        return !task.worker || is_dead(task.worker, request.now);
    }

    static bool is_among(std::span<workflow_id const> workflows, workflow_id workflow)
    {
        return std::find(workflows.begin(), workflows.end(), workflow) != workflows.end();
    }

    std::vector<task_id> named_candidate(claim_request const& request) const
    {
        auto const found = tasks.find(*request.task);
        if (found == tasks.end() || !is_among(request.workflows, found->second.task.workflow) ||
            !is_free(found->second.task, request))
            return {};
        return {*request.task};
    }

    std::vector<task_id> candidates(claim_request const& request)
    {
        std::vector<claim_candidate> found;
        std::set<workflow_id> const distinct{request.workflows.begin(), request.workflows.end()};
        for (workflow_id const workflow : distinct)
            index.append_due(workflow, request.now, request.limit, found);
        append_orphans(request, found);
        for (task_id const id : index.requested())
            if (task_record const& task = tasks.at(id).task;
                distinct.contains(task.workflow) && is_free(task, request))
                found.push_back({task.workflow, rank_of(task)});
        return in_claim_order(std::move(found), request.limit);
    }

    /// Appends the first `limit` live tasks of each dead worker.
    void append_orphans(claim_request const& request, std::vector<claim_candidate>& found) const
    {
        for (auto const& [owner, owned] : index.owned()) {
            if (owner == request.worker || !is_dead(owner, request.now))
                continue;
            auto const end = found.size() + request.limit;
            for (auto rank = owned.begin(); rank != owned.end() && found.size() < end; ++rank)
                if (auto const workflow = tasks.at(rank->id).task.workflow; is_among(request.workflows, workflow))
                    found.push_back({workflow, *rank}); // finished or not: its end is to be recorded
        }
    }

    claimed_task hand_over(memory_entry& row, worker_id claimer)
    {
        bool const recovered = row.task.worker && row.task.worker != claimer;
        if (recovered)
            ++workers[row.task.worker].takeovers;
        change(row, [&](task_record& task) {
            task.worker = claimer;
            ++task.epoch;
            task.wake_at.reset();
            task.recoveries += recovered ? 1 : 0;
        });
        return {row.snapshot(), recovered};
    }

    void retire(worker_id worker)
    {
        workers.erase(worker);
        latest = nullptr;
        auto const found = index.owned().find(worker);
        if (found == index.owned().end())
            return;
        std::vector<claim_rank> const freed{found->second.begin(), found->second.end()};
        for (auto const& rank : freed)
            change(tasks.at(rank.id), [](task_record& task) { task.worker = {}; });
    }

    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        std::optional<time_point> earliest;
        auto const consider = [&](std::optional<time_point> at) {
            if (at && (!earliest || *at < *earliest))
                earliest = at;
        };
        for (workflow_id const workflow : workflows)
            consider(index.next_wake(workflow, now));
        for (auto const& [owner, owned] : index.owned()) {
            auto const is_wanted = [&](claim_rank const& rank) { return is_among(workflows, tasks.at(rank.id).task.workflow); };
            if (owner != worker && std::any_of(owned.begin(), owned.end(), is_wanted))
                consider(is_dead(owner, now) ? now : *workers.at(owner).expires_at);
        }
        claim_request const asking{worker, now, 0, workflows, {}};
        for (task_id const id : index.requested())
            if (task_record const& task = tasks.at(id).task;
                is_among(workflows, task.workflow) && is_free(task, asking))
                consider(now);
        return earliest;
    }

    std::vector<task_lease> holdings(worker_id worker) const
    {
        std::vector<task_lease> held;
        if (auto const found = index.owned().find(worker); found != index.owned().end())
            for (auto const& rank : found->second)
                held.push_back({rank.id, tasks.at(rank.id).task.epoch});
        std::sort(held.begin(), held.end());
        return held;
    }

    // ---- look-ups ----------------------------------------------------------------------------------------------

    bool matches(task_record const& task, task_filter const& filter) const
    {
        if ((filter.state && *filter.state != task.state) ||
            (filter.identity_key && *filter.identity_key != task.identity_key))
            return false;
        if (!filter.name_space && !filter.name && !filter.version)
            return true;
        auto const known = std::find_if(numbers.begin(), numbers.end(),
                                        [&](auto const& pair) { return pair.second == task.workflow; });
        return known != numbers.end() && filter.name_space.value_or(known->first.name_space) == known->first.name_space &&
               filter.name.value_or(known->first.name) == known->first.name &&
               filter.version.value_or(known->first.version) == known->first.version;
    }

    /// The definition of `workflow`; nobody registered it: no steps.
    graph const& shape_of(workflow_id workflow) const
    {
        bool const is_known = workflow >= 1 && static_cast<std::size_t>(workflow) <= shapes.size();
        return is_known ? shapes[static_cast<std::size_t>(workflow - 1)] : no_steps;
    }

    void count(memory_entry const& row, time_point now, time_point since, store_statistics& counts) const
    {
        ++counts.tasks[row.task.state];
        counts.created_since += row.task.created_at >= since ? 1 : 0;
        counts.finished_since +=
            is_finished(row.task.state) && row.task.finished_at && *row.task.finished_at >= since ? 1 : 0;
        graph const& shape = shape_of(row.task.workflow);
        if (shape.size() > row.steps.size())
            counts.steps[step_state::pending] += shape.size() - row.steps.size();
        for (auto const& [no, step] : row.steps) {
            ++counts.steps[step.state];
            if (step.state != step_state::error)
                continue;
            retry_policy const retry = no < shape.size() ? shape.step(no).options.retry : retry_policy{};
            auto const failed_by = [&](failure_kind kind) { return step.last_failure && step.last_failure->kind == kind; };
            bool const is_final = !failed_by(failure_kind::abandoned) &&
                                  (failed_by(failure_kind::permanent) ||
                                   step.attempts >= (retry.retryable ? retry.max_attempts : 1));
            ++(is_final ? counts.exhausted_errors : counts.retryable_errors);
            counts.in_backoff += !is_final && step.next_retry_at && *step.next_retry_at > now ? 1 : 0;
        }
    }

    void erase(task_id id)
    {
        auto const found = tasks.find(id);
        recent = nullptr;
        index.remove(found->second.task);
        identities.erase(found->second.task.identity_key);
        ids.erase(id);
        unread.erase(id);
        tasks.erase(found);
    }
};

} // namespace tasker::detail
