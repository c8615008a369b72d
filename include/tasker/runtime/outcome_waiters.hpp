#pragma once

#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/task_outcome.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker {

/// Whoever waits for the end of a task. Tasks of this engine tell it themselves; of others the store is asked, ever more
/// slowly, up to every 5 s. Belongs to the strand.
class outcome_waiters {
public:
    using done = unique_function<void(std::exception_ptr, task_outcome)>;
    using find_workflow = std::function<std::shared_ptr<registered_workflow>(workflow_id)>;

    outcome_waiters(engine_parts& parts, find_workflow find) : parts_{parts}, find_{std::move(find)} {}

    void serve(std::weak_ptr<engine_parts> owner) { owner_ = std::move(owner); }

    /// Calls `then` once the task has finished; at once, through the store, when it has already.
    void wait(task_id task, done then)
    {
        waiting_[task].push_back(std::move(then));
        pause_ = first_pause;
        if (!parts_.residents.contains(task))
            ask_store(task);
    }

    /// A task of this engine has finished.
    void finished(task_outcome const& outcome) { answer(outcome.id, nullptr, outcome); }

    /// A task left this engine unfinished: from now on only the store knows.
    void left(task_id task)
    {
        if (waiting_.contains(task))
            ask_again_later();
    }

    /// The engine works no more: whoever still waits is told so.
    void stop()
    {
        stopped_ = true;
        parts_.waits.remove(ask_);
        for (auto& [task, waiters] : std::exchange(waiting_, {}))
            for (done& then : waiters)
                then(stopped(task), {});
    }

private:
    static constexpr duration first_pause = std::chrono::milliseconds{100};
    static constexpr duration longest_pause = std::chrono::seconds{5};

    static std::exception_ptr stopped(task_id task)
    {
        return std::make_exception_ptr(error{errc::engine_stopped, "the engine was drained before task " + to_text(task) +
                                                                       " ended; the next worker goes on with it"});
    }

    void answer(task_id task, std::exception_ptr const& problem, task_outcome const& outcome)
    {
        auto waiters = waiting_.extract(task);
        if (waiters.empty())
            return;
        for (done& then : waiters.mapped())
            then(problem, outcome);
    }

    void ask_store(task_id task)
    {
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_}, [store = &parts_.store, task] { return store->load(task); },
            [this, task](std::exception_ptr const& problem, std::optional<std::optional<task_snapshot>> loaded) {
                if (problem) // the store is away: ask again, the task has not ended for that
                    ask_again_later();
                else if (!*loaded)
                    answer(task, std::make_exception_ptr(error{errc::unknown_task, "the store has no task " + to_text(task)}), {});
                else
                    look_at(std::move(**loaded));
            });
    }

    void look_at(task_snapshot snapshot)
    {
        if (!is_finished(snapshot.task.state)) {
            if (stopped_)
                answer(snapshot.task.id, stopped(snapshot.task.id), {});
            else
                ask_again_later();
            return;
        }
        auto const workflow = find_(snapshot.task.workflow);
        if (!workflow) {
            answer(snapshot.task.id,
                   std::make_exception_ptr(error{errc::unknown_workflow, "task " + to_text(snapshot.task.id) +
                                                                             " belongs to a workflow that this engine does not know; "
                                                                             "add it before asking for results"}),
                   {});
            return;
        }
        std::vector<step_record> records(workflow->flow.shape().size());
        for (auto& [no, record] : snapshot.steps)
            if (no < records.size())
                records[no] = std::move(record);
        answer(snapshot.task.id, nullptr, outcome_of_task(workflow->flow, snapshot.task, records));
    }

    void ask_again_later()
    {
        if (ask_.is_parked())
            return;
        parts_.waits.park(ask_, parts_.now() + pause_);
        pause_ = std::min(pause_ * 2, longest_pause);
    }

    void ask_all()
    {
        std::vector<task_id> elsewhere;
        for (auto const& [task, waiters] : waiting_)
            if (!parts_.residents.contains(task))
                elsewhere.push_back(task);
        for (task_id const task : elsewhere)
            ask_store(task);
    }

    struct ask_node final : wait_node {
        explicit ask_node(outcome_waiters& of) : owner{of} {}
        void on_due() override { owner.ask_all(); }
        outcome_waiters& owner;
    };

    engine_parts& parts_;
    find_workflow find_;
    std::weak_ptr<engine_parts> owner_;
    std::unordered_map<task_id, std::vector<done>> waiting_;
    duration pause_ = first_pause;
    bool stopped_ = false;
    ask_node ask_{*this};
};

} // namespace tasker
