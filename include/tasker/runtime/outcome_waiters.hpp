#pragma once

#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/task_ending.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker {

/// Whoever waits for the end of a task. Tasks of this engine tell it themselves; of others the store is asked, ever more
/// slowly, up to every 5 s, or as soon as another process announces that tasks ended. Belongs to the strand.
template <class Lazy>
class basic_outcome_waiters {
public:
    using done = unique_function<void(std::exception_ptr, task_outcome)>;
    using find_workflow = std::function<std::shared_ptr<registered_workflow>(workflow_id)>;

    basic_outcome_waiters(engine_parts& parts, find_workflow find) : parts_{parts}, find_{std::move(find)} {}

    void serve(std::weak_ptr<engine_parts> owner) { owner_ = std::move(owner); }

    /// Calls `then` once the task has finished; at once, through the store, when it has already.
    void wait(task_id task, done then)
    {
        entry& waiter = waiting_[task];
        waiter.thens.push_back(std::move(then));
        waiter.pause = first_pause;
        if (!parts_.residents.contains(task))
            ask_store(task);
    }

    /// A task of this engine has finished. `tell` is called only when somebody waits for it.
    template <class Tell>
    void finished(task_id task, Tell tell)
    {
        if (waiting_.contains(task))
            answer(task, nullptr, tell());
    }

    /// A task left this engine unfinished: from now on only the store knows, and nothing happens there before `due`.
    void left(task_id task, time_point due)
    {
        if (waiting_.contains(task))
            ask_later(task, due);
    }

    /// Tasks have ended elsewhere, maybe some that are waited for: asks the store about all that are not in memory. Many
    /// such news make one round, and rounds are so far apart that they ask about no more than a thousand tasks a second.
    void look_at_all()
    {
        if (!stopped_ && !waiting_.empty() && !round_.is_parked())
            parts_.waits.park(round_, std::max(parts_.now(), next_round_));
    }

    /// The engine works no more: whoever still waits is told so.
    void stop()
    {
        stopped_ = true;
        parts_.waits.remove(ask_);
        parts_.waits.remove(round_);
        agenda_.clear();
        for (auto& [task, waiter] : std::exchange(waiting_, {}))
            for (done& then : waiter.thens)
                then(stopped(task), {});
    }

private:
    static constexpr duration first_pause = std::chrono::milliseconds{100};
    static constexpr duration longest_pause = std::chrono::seconds{5};
    static constexpr duration round_pause = std::chrono::milliseconds{1}; ///< a task

    struct entry {
        std::vector<done> thens;
        duration pause = first_pause;
        time_point next_ask{};
        bool asking = false;
        bool ask_again = false; ///< there was news meanwhile
    };

    static std::exception_ptr stopped(task_id task)
    {
        return std::make_exception_ptr(error{errc::engine_stopped, "the engine was drained before task " + to_text(task) +
                                                                       " ended; the next worker goes on with it"});
    }

    void answer(task_id task, std::exception_ptr const& problem, task_outcome const& outcome)
    {
        auto waiter = waiting_.extract(task);
        if (waiter.empty())
            return;
        agenda_.erase({waiter.mapped().next_ask, task});
        for (done& then : waiter.mapped().thens)
            then(problem, outcome);
    }

    void ask_store(task_id task)
    {
        auto const at = waiting_.find(task);
        if (at == waiting_.end())
            return; // answered meanwhile
        if (std::exchange(at->second.asking, true)) {
            at->second.ask_again = true;
            return;
        }
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_}, [store = &parts_.store, task] { return store->load(task); },
            [this, task](std::exception_ptr const& problem, std::optional<std::optional<task_snapshot>> loaded) {
                bool const had_news = asked(task);
                if (problem) // the store is away: ask again, the task has not ended for that
                    ask_later(task, parts_.now());
                else if (!*loaded)
                    answer(task, std::make_exception_ptr(error{errc::unknown_task, "the store has no task " + to_text(task)}), {});
                else
                    look_at(std::move(**loaded));
                if (had_news)
                    ask_store(task);
            });
    }

    /// Whether there was news while the store was asked.
    bool asked(task_id task)
    {
        auto const at = waiting_.find(task);
        if (at == waiting_.end())
            return false;
        at->second.asking = false;
        return std::exchange(at->second.ask_again, false);
    }

    void ask_about_all()
    {
        std::vector<task_id> elsewhere;
        for (auto const& [task, waiter] : waiting_)
            if (!parts_.residents.contains(task))
                elsewhere.push_back(task);
        next_round_ = parts_.now() + round_pause * static_cast<duration::rep>(elsewhere.size());
        for (task_id const task : elsewhere)
            ask_store(task);
    }

    void look_at(task_snapshot snapshot)
    {
        task_id const task = snapshot.task.id;
        if (!is_finished(snapshot.task.state)) {
            if (stopped_)
                answer(task, stopped(task), {});
            else
                ask_later(task, snapshot.task.wake_at.value_or(parts_.now()));
            return;
        }
        auto const workflow = find_(snapshot.task.workflow);
        if (!workflow) {
            answer(task,
                   std::make_exception_ptr(error{errc::unknown_workflow, "task " + to_text(task) +
                                                                             " belongs to a workflow that this engine does not know; "
                                                                             "add it before asking for results"}),
                   {});
            return;
        }
        auto const flow = workflow->flow.with_steps_of(snapshot.steps);
        std::vector<step_record> records(flow.shape().size());
        for (auto& [no, record] : snapshot.steps)
            if (no < records.size())
                records[no] = std::move(record);
        answer(task, nullptr, outcome_of_task(flow, snapshot.task, records));
    }

    /// Asks about the task again after its pause, and not before `due`: a parked task costs no query until it wakes.
    void ask_later(task_id task, time_point due)
    {
        auto const at = waiting_.find(task);
        if (at == waiting_.end())
            return;
        entry& waiter = at->second;
        agenda_.erase({waiter.next_ask, task});
        waiter.next_ask = std::max(parts_.now(), due) + waiter.pause;
        waiter.pause = std::min(waiter.pause * 2, longest_pause);
        agenda_.emplace(waiter.next_ask, task);
        parts_.waits.park(ask_, agenda_.begin()->first);
    }

    void ask_due()
    {
        while (!agenda_.empty() && agenda_.begin()->first <= parts_.now()) {
            task_id const task = agenda_.begin()->second;
            agenda_.erase(agenda_.begin());
            if (parts_.residents.contains(task))
                continue; // it came back, and will tell by itself
            ask_store(task);
        }
        if (!agenda_.empty())
            parts_.waits.park(ask_, agenda_.begin()->first);
    }

    struct ask_node final : wait_node {
        explicit ask_node(basic_outcome_waiters& of) : owner{of} {}
        void on_due() override { owner.ask_due(); }
        basic_outcome_waiters& owner;
    };

    struct round_node final : wait_node {
        explicit round_node(basic_outcome_waiters& of) : owner{of} {}
        void on_due() override { owner.ask_about_all(); }
        basic_outcome_waiters& owner;
    };

    engine_parts& parts_;
    find_workflow find_;
    std::weak_ptr<engine_parts> owner_;
    std::unordered_map<task_id, entry> waiting_;
    std::set<std::pair<time_point, task_id>> agenda_; ///< when to ask the store about which
    bool stopped_ = false;
    time_point next_round_{}; ///< not before
    ask_node ask_{*this};
    round_node round_{*this};
};
using outcome_waiters = basic_outcome_waiters<void>;

} // namespace tasker
