#pragma once

#include <tasker/base/config.hpp>
#include <tasker/event/events.hpp>
#include <tasker/event/metrics_options.hpp>
#include <tasker/event/subscribe_options.hpp>

#include <memory>
#include <string>

namespace tasker {

/// Counts tasks and steps, their durations and what is in flight: `auto const s = engine.subscribe(metrics)`, and
/// `metrics.to_prometheus()` answers a scrape. Labels are the workflow's full name and the step's name, never more of
/// them than the options allow; what is above shares the label "other".
/// Copies count into the same series, so that several engines may share one. Thread-safe.
class metrics_subscriber {
public:
    /// It is quick, and a dropped event would be a wrong count for ever.
    static constexpr subscribe_options default_options{.delivery = delivery::in_place, .name = "metrics"};

    /// Starts with every count at zero.
    explicit metrics_subscriber(metrics_options options = {});

    /// Counts the event.
    void operator()(event const& one) const;

    /// All series in the Prometheus text exposition format 0.0.4.
    std::string to_prometheus() const;

private:
    struct state;

    std::shared_ptr<state> state_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/metrics_subscriber.ipp>
#endif
