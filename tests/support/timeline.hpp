#pragma once

#include <tasker/testing/task_report.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// When the steps of a task did what, counted from its submission, as its events tell.
class timeline {
public:
    explicit timeline(tasker::testing::task_report const& report) : report_{report} {}

    std::vector<tasker::duration> starts(std::string_view step) const { return times<tasker::step_started>(step); }
    std::vector<tasker::duration> failures(std::string_view step) const { return times<tasker::step_failed>(step); }
    std::vector<tasker::duration> completions(std::string_view step) const { return times<tasker::step_completed>(step); }

    /// When the step started, which it did once.
    tasker::duration start(std::string_view step) const { return only(starts(step), step); }
    /// When the step completed, which it did once.
    tasker::duration completion(std::string_view step) const { return only(completions(step), step); }

    /// The most steps that ran at once.
    std::size_t most_at_once() const
    {
        std::size_t running = 0;
        std::size_t most = 0;
        for (tasker::event const& one : report_.events) {
            running += std::holds_alternative<tasker::step_started>(one) ? 1U : 0U;
            running -= std::holds_alternative<tasker::step_completed>(one) || std::holds_alternative<tasker::step_failed>(one) ? 1U : 0U;
            most = running > most ? running : most;
        }
        return most;
    }

private:
    template <class Event>
    std::vector<tasker::duration> times(std::string_view step) const
    {
        std::vector<tasker::duration> found;
        for (Event const& one : report_.all<Event>())
            if (one.step == step)
                found.push_back(one.at - report_.record.created_at);
        return found;
    }

    static tasker::duration only(std::vector<tasker::duration> const& times, std::string_view step)
    {
        if (times.size() != 1)
            throw std::logic_error{"step " + std::string{step} + " did that " + std::to_string(times.size()) + " times"};
        return times.front();
    }

    tasker::testing::task_report const& report_;
};

} // namespace support
