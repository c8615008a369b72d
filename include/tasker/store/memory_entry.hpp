#pragma once

#include <tasker/model/records.hpp>
#include <tasker/store/step_completion.hpp>
#include <tasker/store/store.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tasker::detail {

/// A line of a task's audit trail, less what can be told from its place.
struct memory_line {
    time_point at{};
    state_name from;
    state_name to;
    step_no step = 0;
    int attempt = 0;
    std::uint32_t detail = 0; ///< 1 + its position among the task's details; 0 for none
    bool is_of_step = false;
};

/// All of one task.
struct memory_entry {
    task_record task;
    std::vector<std::uint32_t> slots; ///< by step number: 1 + its position in `steps`, 0 for none
    std::vector<std::pair<step_no, step_record>> steps; ///< in the order of their first write
    std::vector<memory_line> lines;
    std::vector<std::string> details;
    std::map<std::int64_t, message> unread;
    std::set<std::string, std::less<>> message_keys; ///< of all messages that have one
    std::uint64_t created_by = 0; ///< number of the commit that made it
    std::uint64_t refused_by = 0; ///< number of the last commit that tried to create it again

    /// Has room for the rows and lines of so many steps.
    void expect(std::size_t count)
    {
        slots.resize(count);
        steps.reserve(count);
        lines.reserve(lines.size() + 2 * count + 4);
    }

    void put(step_no no, step_record const& record) { row_of(no) = record; }

    /// All of it, or nothing when memory runs out.
    void put(step_completion const& one)
    {
        if (lines.capacity() - lines.size() < 2)
            lines.reserve(2 * lines.size() + 2);
        step_record& record = row_of(one.step);
        if (record.state != step_state::pending)
            record = {};
        record.state = step_state::complete;
        record.attempts = 1;
        record.started_at = one.started_at;
        record.finished_at = one.finished_at;
        record.result = one.result;
        lines.push_back({one.started_at, step_state::pending, step_state::in_progress, one.step, 1, 0, true});
        lines.push_back({one.finished_at, step_state::in_progress, step_state::complete, one.step, 1, 0, true});
    }

    void put(transition_record const& record)
    {
        if (!record.detail.empty())
            details.push_back(record.detail);
        lines.push_back({record.at, record.from, record.to, record.step.value_or(0), record.attempt,
                         record.detail.empty() ? 0U : static_cast<std::uint32_t>(details.size()), record.step.has_value()});
    }

    std::vector<transition_record> history() const
    {
        std::vector<transition_record> told;
        told.reserve(lines.size());
        for (memory_line const& line : lines)
            told.push_back({task.id, line.is_of_step ? std::optional{line.step} : std::nullopt, line.from, line.to, line.at, line.attempt,
                            line.detail == 0 ? std::string{} : details[line.detail - 1], static_cast<std::int64_t>(told.size()) + 1});
        return told;
    }

    /// The step's row, made when there is none.
    step_record& row_of(step_no no)
    {
        if (no >= slots.size())
            slots.resize(no + std::size_t{1});
        if (slots[no] == 0) {
            steps.emplace_back().first = no;
            slots[no] = static_cast<std::uint32_t>(steps.size());
        }
        return steps[slots[no] - 1].second;
    }

    task_snapshot snapshot() const
    {
        task_snapshot copy{task, {}, {}};
        copy.steps.reserve(steps.size());
        for (auto const slot : slots)
            if (slot != 0)
                copy.steps.push_back(steps[slot - 1]);
        for (auto const& [sequence, told] : unread)
            copy.messages.push_back(told);
        return copy;
    }
};

} // namespace tasker::detail
