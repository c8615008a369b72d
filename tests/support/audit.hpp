#pragma once

#include <tasker/engine.hpp>
#include <tasker/model/graph.hpp>
#include <tasker/model/records.hpp>
#include <tasker/plan/decide.hpp>
#include <tasker/plan/recover.hpp>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// A task as its store has it: the row, one record a step, the audit trail.
struct stored_task {
    tasker::task_record task;
    std::vector<tasker::step_record> steps;
    std::vector<tasker::transition_record> history;
};

/// Compares what a store says about a task with itself: the trail with the state tables and with the records, the steps
/// with their parents, the task with its steps.
class audit {
public:
    audit(tasker::graph const& shape, stored_task const& found) : shape_{shape}, found_{found}
    {
        read_trail();
        compare_with_records();
        compare_task_with_steps();
    }

    /// What is wrong, one sentence a line; empty when nothing is.
    std::string const& lies() const noexcept { return lies_; }

private:
    struct trail {
        std::string state;
        int completions = 0;
        int starts = 0;
        int ends = 0;
        int attempts = 0; ///< that counted, since an operator last reset the step
    };

    void complain(std::string const& what) { lies_ += what + '\n'; }
    std::string called(tasker::step_no no) const { return "step " + shape_.step(no).name; }

    void read_trail()
    {
        std::int64_t last = 0;
        tasker::time_point before = tasker::time_point::min();
        for (tasker::transition_record const& row : found_.history) {
            if (row.sequence <= last || row.at < before)
                complain("the trail is out of order at " + row.from + " > " + row.to);
            last = row.sequence;
            before = row.at;
            row.step ? follow_step(row) : follow_task(row);
        }
    }

    template <class State>
    void follow(std::string const& who, std::string& state, tasker::transition_record const& row)
    {
        if (row.from != state)
            complain(who + " goes " + row.from + " > " + row.to + ", but it was " + state);
        auto const to = tasker::parse_state<State>(row.to);
        if (!to || tasker::find_transition(tasker::parse_state<State>(row.from), *to) == nullptr)
            complain(who + " goes " + row.from + " > " + row.to + ", which no table allows");
        state = row.to;
    }

    void follow_task(tasker::transition_record const& row) { follow<tasker::task_state>("the task", task_state_, row); }

    void follow_step(tasker::transition_record const& row)
    {
        tasker::step_no const no = *row.step;
        auto& of = steps_.try_emplace(no, trail{"pending"}).first->second;
        follow<tasker::step_state>(called(no), of.state, row);
        of.completions += row.to == "complete" ? 1 : 0;
        of.starts += row.to == "in_progress" ? 1 : 0;
        of.ends += row.from == "in_progress" ? 1 : 0;
        count_attempt(no, of, row);
        if (row.to == "in_progress") {
            for (tasker::step_no const parent : shape_.parents(no))
                if (state_of(parent) != "complete" && state_of(parent) != "resolved_manually")
                    complain(called(no) + " started while its parent " + shape_.step(parent).name + " was " + state_of(parent));
            if (row.attempt < 1 || row.attempt > most_attempts(no))
                complain(called(no) + " started its attempt " + std::to_string(row.attempt) + " of " + std::to_string(most_attempts(no)));
        }
    }

    /// Each attempt has the number after the last that counted, and one outcome; a dead worker's counts for nothing.
    void count_attempt(tasker::step_no no, trail& of, tasker::transition_record const& row)
    {
        bool const is_reset = row.to == "pending" && row.attempt == 0;
        if (row.attempt != 0 && row.attempt != of.attempts + 1)
            complain(called(no) + " goes " + row.from + " > " + row.to + " in attempt " + std::to_string(row.attempt) + " after " +
                     std::to_string(of.attempts));
        if (is_reset)
            of.attempts = 0;
        else if (row.from == "in_progress" && row.detail != tasker::abandoned_attempt().what)
            of.attempts = row.attempt;
    }

    std::string state_of(tasker::step_no no) const
    {
        auto const at = steps_.find(no);
        return at == steps_.end() ? "pending" : at->second.state;
    }

    int most_attempts(tasker::step_no no) const
    {
        tasker::retry_policy const& policy = shape_.step(no).options.retry;
        return policy.retryable ? policy.max_attempts : 1;
    }

    void compare_with_records()
    {
        if (task_state_ != name(found_.task.state))
            complain("the task is " + std::string{name(found_.task.state)} + ", its trail says " + task_state_);
        for (tasker::step_no no = 0; no < shape_.size(); ++no) {
            tasker::step_record const& record = found_.steps[no];
            if (state_of(no) != name(record.state))
                complain(called(no) + " is " + std::string{name(record.state)} + ", its trail says " + state_of(no));
            if (record.attempts > most_attempts(no))
                complain(called(no) + " has " + std::to_string(record.attempts) + " attempts");
            if ((record.state == tasker::step_state::error) != record.last_failure.has_value())
                complain(called(no) + " is " + std::string{name(record.state)} + " and its failure does not fit");
            auto const at = steps_.find(no);
            trail const of = at == steps_.end() ? trail{"pending"} : at->second;
            if (of.completions != (record.state == tasker::step_state::complete ? 1 : 0))
                complain(called(no) + " was recorded as complete " + std::to_string(of.completions) + " times");
            if (of.attempts != record.attempts)
                complain(called(no) + " has " + std::to_string(record.attempts) + " attempts, and outcomes of " + std::to_string(of.attempts));
            if (of.starts - of.ends != (record.state == tasker::step_state::in_progress ? 1 : 0))
                complain(called(no) + " has starts without ends");
        }
    }

    void compare_task_with_steps()
    {
        using tasker::execution_status;
        using tasker::task_state;
        if (!is_finished(found_.task.state))
            return;
        if (!found_.task.finished_at || found_.task.worker || found_.task.request)
            complain("the finished task has no end, an owner or a request");
        auto const status = tasker::decide(shape_, found_.steps, found_.task.finished_at.value_or(found_.task.created_at)).status;
        if (found_.task.state == task_state::complete && status != execution_status::all_complete)
            complain("the task is complete, its steps are not");
        bool const killed_too_many = found_.task.status_reason == tasker::recoveries_exceeded_text(found_.task);
        if (found_.task.state == task_state::error && status != execution_status::blocked_by_failures && !killed_too_many)
            complain("the task is in error, but its steps could go on");
        if (status == execution_status::all_complete && found_.task.state == task_state::error)
            complain("all steps are done, the task is in error");
        for (tasker::step_no no = 0; no < shape_.size(); ++no)
            if (found_.steps[no].state == tasker::step_state::in_progress)
                complain("the task is over, " + called(no) + " is still in progress");
    }

    tasker::graph const& shape_;
    stored_task const& found_;
    std::string task_state_;
    std::map<tasker::step_no, trail> steps_;
    std::string lies_;
};

/// Reads a task through any engine of its store, awaiting as a simulation or a fleet does.
template <class World>
stored_task read_task(World& world, tasker::engine& through, tasker::graph const& shape, tasker::task_id id)
{
    stored_task found;
    auto loaded = world.await(through.load(id));
    if (!loaded)
        throw std::logic_error{"the store has lost task " + to_text(id)};
    found.task = loaded->task;
    found.steps.resize(shape.size());
    for (auto& [no, record] : loaded->steps)
        found.steps.at(no) = std::move(record);
    found.history = world.await(through.history(id));
    return found;
}

} // namespace support
