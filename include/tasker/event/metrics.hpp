#pragma once

#include <tasker/event/escape.hpp>
#include <tasker/event/histogram.hpp>
#include <tasker/event/metrics_options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace tasker {

namespace detail {

/// What is counted of one step of one workflow.
struct step_metrics {
    std::uint64_t started = 0;
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;
    std::uint64_t retried = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t resolved = 0;
    std::int64_t in_flight = 0;
    duration_histogram duration;
};

/// What is counted of one workflow.
struct workflow_metrics {
    std::uint64_t submitted = 0;
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;
    std::uint64_t retried = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t resolved = 0;
    std::uint64_t leases_lost = 0;
    std::int64_t in_flight = 0;
    duration_histogram duration;
    std::map<std::string, step_metrics, std::less<>> steps;
};

template <class Series, class Number>
struct metric_family {
    std::string_view name;
    std::string_view help;
    Number Series::*value;
};

inline constexpr std::array<metric_family<workflow_metrics, std::uint64_t>, 7> task_counters{{
    {"tasker_tasks_submitted_total", "Tasks submitted through this engine.", &workflow_metrics::submitted},
    {"tasker_tasks_completed_total", "Tasks completed.", &workflow_metrics::completed},
    {"tasker_tasks_failed_total", "Tasks ended in error.", &workflow_metrics::failed},
    {"tasker_tasks_retried_total", "Tasks in error told to run again.", &workflow_metrics::retried},
    {"tasker_tasks_cancelled_total", "Tasks cancelled.", &workflow_metrics::cancelled},
    {"tasker_tasks_resolved_total", "Tasks in error declared done by hand.", &workflow_metrics::resolved},
    {"tasker_task_leases_lost_total", "Tasks taken away by another worker.", &workflow_metrics::leases_lost},
}};

inline constexpr std::array<metric_family<step_metrics, std::uint64_t>, 6> step_counters{{
    {"tasker_steps_started_total", "Attempts started.", &step_metrics::started},
    {"tasker_steps_completed_total", "Steps completed.", &step_metrics::completed},
    {"tasker_steps_failed_total", "Attempts failed, those tried again included.", &step_metrics::failed},
    {"tasker_steps_retried_total", "Failed steps made pending again.", &step_metrics::retried},
    {"tasker_steps_cancelled_total", "Steps cancelled.", &step_metrics::cancelled},
    {"tasker_steps_resolved_total", "Steps declared done by hand.", &step_metrics::resolved},
}};

/// All series, by workflow and step, never more than the options allow. Addresses of series stay valid.
/// Not thread-safe.
class metrics_registry {
public:
    static constexpr std::string_view overflow = "other";

    explicit metrics_registry(metrics_options options) : options_{options} {}

    workflow_metrics& workflow(std::string_view name)
    {
        if (auto const at = workflows_.find(name); at != workflows_.end())
            return at->second;
        return workflows_[std::string{workflows_.size() < options_.max_workflows ? name : overflow}];
    }

    step_metrics& step(std::string_view workflow_name, std::string_view name)
    {
        auto& steps = workflow(workflow_name).steps;
        if (auto const at = steps.find(name); at != steps.end())
            return at->second;
        if (own_steps_ >= options_.max_steps || (is_full() && !workflows_.contains(workflow_name)))
            return steps[std::string{overflow}];
        ++own_steps_;
        return steps[std::string{name}];
    }

    std::uint64_t store_failures = 0;

    std::string to_prometheus() const
    {
        std::string out;
        for (auto const& family : task_counters)
            append_tasks(out, family, "counter");
        for (auto const& family : step_counters)
            append_steps(out, family, "counter");
        append_tasks(out, metric_family<workflow_metrics, std::int64_t>{
                              "tasker_tasks_in_flight", "Tasks that run now, neither finished nor waiting.",
                              &workflow_metrics::in_flight}, "gauge");
        append_steps(out, metric_family<step_metrics, std::int64_t>{
                              "tasker_steps_in_flight", "Attempts that run now.", &step_metrics::in_flight}, "gauge");
        append_durations(out);
        append_head(out, "tasker_store_failures_total", "Flushes to the store that failed.", "counter");
        out.append("tasker_store_failures_total ").append(std::to_string(store_failures)).append(1, '\n');
        return out;
    }

private:
    bool is_full() const { return workflows_.size() >= options_.max_workflows; }

    static void append_head(std::string& out, std::string_view name, std::string_view help, std::string_view type)
    {
        out.append("# HELP ").append(name).append(1, ' ').append(help);
        out.append("\n# TYPE ").append(name).append(1, ' ').append(type).append(1, '\n');
    }

    static std::string labels(std::string_view workflow)
    {
        std::string text{"workflow="};
        append_label(text, workflow);
        return text;
    }

    static std::string labels(std::string_view workflow, std::string_view step)
    {
        std::string text = labels(workflow) + ",step=";
        append_label(text, step);
        return text;
    }

    template <class Family>
    void append_tasks(std::string& out, Family const& family, std::string_view type) const
    {
        append_head(out, family.name, family.help, type);
        for (auto const& [name, series] : workflows_)
            out.append(family.name).append(1, '{').append(labels(name)).append("} ")
                .append(std::to_string(series.*family.value)).append(1, '\n');
    }

    template <class Family>
    void append_steps(std::string& out, Family const& family, std::string_view type) const
    {
        append_head(out, family.name, family.help, type);
        for (auto const& [workflow_name, series] : workflows_)
            for (auto const& [name, step_series] : series.steps)
                out.append(family.name).append(1, '{').append(labels(workflow_name, name)).append("} ")
                    .append(std::to_string(step_series.*family.value)).append(1, '\n');
    }

    void append_durations(std::string& out) const
    {
        static constexpr std::string_view task_name = "tasker_task_duration_seconds";
        static constexpr std::string_view step_name = "tasker_step_duration_seconds";
        append_head(out, task_name, "From submission to completion or error.", "histogram");
        for (auto const& [name, series] : workflows_)
            series.duration.append(out, task_name, labels(name));
        append_head(out, step_name, "Length of attempts, failed ones included.", "histogram");
        for (auto const& [workflow_name, series] : workflows_)
            for (auto const& [name, step_series] : series.steps)
                step_series.duration.append(out, step_name, labels(workflow_name, name));
    }

    metrics_options options_;
    std::size_t own_steps_ = 0; // series of steps that are not overflow
    std::map<std::string, workflow_metrics, std::less<>> workflows_;
};

} // namespace detail
} // namespace tasker
