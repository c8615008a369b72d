#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/event/events.hpp>
#include <tasker/event/metrics.hpp>
#include <tasker/event/metrics_subscriber.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace tasker {

namespace detail {

/// Turns events into counts. Not thread-safe.
class metrics_recorder {
public:
    explicit metrics_recorder(metrics_options options)
        : max_tracked_tasks_{options.max_tracked_tasks}, registry_{options}
    {
    }

    std::string to_prometheus() const { return registry_.to_prometheus(); }

    void record(event const& one)
    {
        std::visit([this](auto const& e) { on(e); }, one);
    }

private:
    /// What runs of a task: by series, not by name, so that following it copies no text.
    struct work {
        workflow_metrics* counted = nullptr; // null: the task itself is not in the gauge
        std::vector<step_metrics*> attempts;
    };

    template <class Event>
    void on(Event const&) // custom events, claims, refused commands and the like are not counted
    {
    }
    void on(store_failing const&) { ++registry_.store_failures; }
    void on(task_submitted const& e) { ++of(e).submitted; }
    void on(task_retry_requested const& e) { ++of(e).retried; }
    void on(task_resolved_manually const& e) { ++of(e).resolved; }
    void on(task_started const& e)
    {
        if (auto* const task = track(e.task); task != nullptr && task->counted == nullptr) {
            task->counted = &of(e);
            ++task->counted->in_flight;
        }
    }
    void on(task_waiting const& e)
    {
        if (auto const at = working_.find(e.task); at != working_.end())
            uncount(at->second);
        forget_idle(e.task);
    }
    void on(task_completed const& e)
    {
        ++of(e).completed;
        of(e).duration.add(e.elapsed);
        forget(e.task);
    }
    void on(task_failed const& e)
    {
        ++of(e).failed;
        of(e).duration.add(e.elapsed);
        forget(e.task);
    }
    void on(task_cancelled const& e)
    {
        ++of(e).cancelled;
        forget(e.task);
    }
    void on(task_lease_lost const& e)
    {
        ++of(e).leases_lost;
        forget(e.task);
    }

    void on(step_started const& e)
    {
        auto& series = of_step(e);
        ++series.started;
        if (auto* const task = track(e.task)) {
            task->attempts.push_back(&series);
            ++series.in_flight;
        }
    }
    void on(step_completed const& e)
    {
        auto& series = end_attempt(e);
        ++series.completed;
        series.duration.add(e.elapsed);
    }
    void on(step_failed const& e)
    {
        auto& series = end_attempt(e);
        ++series.failed;
        series.duration.add(e.elapsed);
    }
    void on(step_cancelled const& e) { ++end_attempt(e).cancelled; }
    void on(step_retry_requested const& e) { ++of_step(e).retried; }
    void on(step_resolved_manually const& e) { ++of_step(e).resolved; }

    workflow_metrics& of(task_event const& e) { return registry_.workflow(e.workflow); }
    step_metrics& of_step(step_event const& e) { return registry_.step(e.workflow, e.step); }

    /// The step's series, with the attempt taken out of flight if it was seen to start (it may have started elsewhere,
    /// or never).
    step_metrics& end_attempt(step_event const& e)
    {
        auto& series = of_step(e);
        auto const task = working_.find(e.task);
        if (task == working_.end())
            return series;
        auto& attempts = task->second.attempts;
        if (auto const at = std::find(attempts.begin(), attempts.end(), &series); at != attempts.end()) {
            attempts.erase(at);
            --series.in_flight;
        }
        forget_idle(e.task);
        return series;
    }

    work* track(task_id task)
    {
        if (auto const at = working_.find(task); at != working_.end())
            return &at->second;
        return working_.size() < max_tracked_tasks_ ? &working_[task] : nullptr;
    }

    static void uncount(work& task)
    {
        if (task.counted != nullptr)
            --task.counted->in_flight;
        task.counted = nullptr;
    }

    void forget(task_id task)
    {
        auto const at = working_.find(task);
        if (at == working_.end())
            return;
        uncount(at->second);
        for (auto* const series : at->second.attempts)
            --series->in_flight;
        working_.erase(at);
    }

    void forget_idle(task_id task)
    {
        auto const at = working_.find(task);
        if (at != working_.end() && at->second.counted == nullptr && at->second.attempts.empty())
            working_.erase(at);
    }

    std::size_t max_tracked_tasks_;
    metrics_registry registry_;
    std::unordered_map<task_id, work> working_;
};

} // namespace detail

struct metrics_subscriber::state {
    explicit state(metrics_options options) : recorder{options} {}

    std::mutex mutex;
    detail::metrics_recorder recorder;
};

TASKER_INLINE metrics_subscriber::metrics_subscriber(metrics_options options) : state_{std::make_shared<state>(options)} {}

TASKER_INLINE void metrics_subscriber::operator()(event const& one) const
{
    std::lock_guard const lock{state_->mutex};
    state_->recorder.record(one);
}

TASKER_INLINE std::string metrics_subscriber::to_prometheus() const
{
    std::lock_guard const lock{state_->mutex};
    return state_->recorder.to_prometheus();
}

} // namespace tasker
