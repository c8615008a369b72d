#pragma once

#include <tasker/event/events.hpp>
#include <tasker/model/codec.hpp>
#include <tasker/model/records.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tasker::testing {

/// A step as its task's report shows it.
struct step_report {
    std::string name;   ///< in the workflow
    step_record record; ///< as it is stored

    /// Where it has come to.
    step_state state() const noexcept { return record.state; }
    /// How many attempts have ended.
    int attempts() const noexcept { return record.attempts; }
    /// What the body returned. Throws `error{bad_payload}` when it is no `Result`.
    template <class Result>
    Result result() const
    {
        return codec<Result>::decode(record.result);
    }
};

/// What became of a task in a simulation, by its durable records and its events.
struct task_report {
    task_id id;                             ///< the task's
    task_state state = task_state::pending; ///< where it has come to
    duration elapsed{};                     ///< virtual time from submission to the end, or to now
    std::string what;                       ///< why it is not complete
    payload output;                         ///< the workflow's result, when complete
    task_record record;                     ///< as it is stored
    std::vector<step_report> steps;         ///< in order of declaration
    std::vector<event> events;              ///< of this task, in order

    /// The step of this name. Throws `std::out_of_range`.
    step_report const& step(std::string_view name) const
    {
        for (step_report const& one : steps)
            if (one.name == name)
                return one;
        throw std::out_of_range{"the task has no step named " + std::string{name}};
    }

    /// The workflow's result. Throws `error{bad_payload}` when it is no `Result`.
    template <class Result>
    Result result() const
    {
        return codec<Result>::decode(output);
    }

    /// How many events of this type the task published.
    template <class Event>
    std::size_t count() const
    {
        std::size_t found = 0;
        for (event const& one : events)
            found += std::holds_alternative<Event>(one) ? 1U : 0U;
        return found;
    }

    /// Its events of one type, in order.
    template <class Event>
    std::vector<Event> all() const
    {
        std::vector<Event> found;
        for (event const& one : events)
            if (auto const* wanted = std::get_if<Event>(&one))
                found.push_back(*wanted);
        return found;
    }
};

} // namespace tasker::testing
