#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/time.hpp>
#include <tasker/event/events.hpp>
#include <tasker/event/span.hpp>
#include <tasker/event/trace_subscriber.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tasker {

namespace detail {

/// Turns events into spans: one a task, and as its children one an attempt. Not thread-safe.
class trace_recorder {
public:
    using sink = std::function<void(span const&)>;

    trace_recorder(sink out, trace_options options) : out_{std::move(out)}, options_{options} {}

    void record(event const& one)
    {
        std::visit([this](auto const& e) { on(e); }, one);
    }
    std::size_t open_tasks() const noexcept { return open_.size(); }

private:
    /// What is known of a task that is not over: only cancelled and lost work needs it, other ends say how long it was.
    struct open_task {
        std::optional<time_point> submitted;
        std::unordered_map<std::string, std::pair<int, time_point>> attempts; // step -> attempt, its start
    };

    template <class Event>
    void on(Event const&) // everything else neither begins nor ends a span
    {
    }
    void on(task_submitted const& e)
    {
        open(e.task).submitted = e.at;
    }
    void on(task_waiting const& e)
    {
        if (e.parked)
            open_.erase(e.task);
    }
    void on(task_completed const& e) { end_task(e, e.at - e.elapsed, span_status::ok, {}); }
    void on(task_failed const& e) { end_task(e, e.at - e.elapsed, span_status::error, e.what); }
    void on(task_cancelled const& e)
    {
        auto const known = open_.find(e.task);
        bool const submitted_here = known != open_.end() && known->second.submitted.has_value();
        end_task(e, submitted_here ? *known->second.submitted : e.at, span_status::error, "cancelled: " + e.reason);
    }
    void on(task_lease_lost const& e)
    {
        end_attempts(e, "lease lost");
        open_.erase(e.task); // the worker that finishes the task writes its span
    }
    void on(step_started const& e)
    {
        open(e.task).attempts[e.step] = {e.attempt, e.at};
    }
    void on(step_completed const& e) { end_attempt(e, e.at - e.elapsed, span_status::ok, {}, {}); }
    void on(step_failed const& e)
    {
        end_attempt(e, e.at - e.elapsed, span_status::error, e.what,
                    {{"exception.type", e.type},
                     {"exception.message", e.what},
                     {"tasker.failure.kind", std::string{name(e.kind)}}});
    }
    void on(step_cancelled const& e)
    {
        if (auto const start = start_of(e))
            end_attempt(e, *start, span_status::error, "cancelled", {});
    }

    std::optional<time_point> start_of(step_event const& e) const
    {
        auto const task = open_.find(e.task);
        if (task == open_.end())
            return std::nullopt;
        auto const attempt = task->second.attempts.find(e.step);
        return attempt == task->second.attempts.end() ? std::nullopt : std::optional{attempt->second.second};
    }

    void end_attempt(step_event const& e, time_point start, span_status status, std::string message,
                     std::vector<std::pair<std::string, std::string>> attributes)
    {
        if (e.attempt > 0)
            write_attempt(e, e.step, e.attempt, start, status, std::move(message), std::move(attributes));
        auto const task = open_.find(e.task);
        if (task == open_.end())
            return;
        task->second.attempts.erase(e.step);
        if (task->second.attempts.empty() && !task->second.submitted)
            open_.erase(task);
    }

    void end_attempts(task_event const& e, std::string const& message)
    {
        auto const task = open_.find(e.task);
        if (task == open_.end())
            return;
        for (auto const& [step, attempt] : std::exchange(task->second.attempts, {}))
            write_attempt(e, step, attempt.first, attempt.second, span_status::error, message, {});
    }

    void end_task(task_event const& e, time_point start, span_status status, std::string message)
    {
        end_attempts(e, message.empty() ? "the task ended" : message);
        open_.erase(e.task);
        out_({trace_id_of(e.task), span_id_of(e.task), {}, e.workflow, start, e.at, status, std::move(message),
              {{"tasker.task", to_text(e.task)}, {"tasker.workflow", e.workflow}}});
    }

    void write_attempt(task_event const& e, std::string const& step, int attempt, time_point start, span_status status,
                       std::string message, std::vector<std::pair<std::string, std::string>> attributes)
    {
        attributes.insert(attributes.begin(), {{"tasker.task", to_text(e.task)},
                                               {"tasker.workflow", e.workflow},
                                               {"tasker.step", step},
                                               {"tasker.attempt", std::to_string(attempt)}});
        out_({trace_id_of(e.task), span_id_of(e.task, step, attempt, start), span_id_of(e.task), step, start, e.at,
              status, std::move(message), std::move(attributes)});
    }

    open_task& open(task_id task)
    {
        if (auto const at = open_.find(task); at != open_.end())
            return at->second;
        if (open_.size() >= options_.max_open_tasks)
            open_.erase(open_.begin());
        return open_[task];
    }

    sink out_;
    trace_options options_;
    std::map<task_id, open_task> open_; // ids sort by age
};

TASKER_INLINE void write_line(std::ostream& out, span const& one)
{
    auto const text = to_json(one) + '\n';
    out.clear(); // a full disk may have room again
    if (!out.write(text.data(), static_cast<std::streamsize>(text.size())).flush())
        throw std::runtime_error{"The stream of the trace cannot be written; a span is lost."};
}

} // namespace detail

struct trace_subscriber::state {
    state(std::function<void(span const&)> out, trace_options options) : recorder{std::move(out), options} {}

    std::mutex mutex;
    detail::trace_recorder recorder;
};

TASKER_INLINE trace_subscriber::trace_subscriber(std::function<void(span const&)> out, trace_options options)
    : state_{std::make_shared<state>(std::move(out), options)}
{
}

TASKER_INLINE trace_subscriber::trace_subscriber(std::ostream& out, trace_options options)
    : trace_subscriber{[&out](span const& one) { detail::write_line(out, one); }, options}
{
}

TASKER_INLINE void trace_subscriber::operator()(event const& one) const
{
    std::lock_guard const lock{state_->mutex};
    state_->recorder.record(one);
}

TASKER_INLINE std::size_t trace_subscriber::open_tasks() const
{
    std::lock_guard const lock{state_->mutex};
    return state_->recorder.open_tasks();
}

} // namespace tasker
