#pragma once

#include <tasker/base/error.hpp>
#include <tasker/store/sql/query.hpp>
#include <tasker/store/store.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

/// Rows to records and back: the only place where states are words of a database.
namespace tasker::sql {

/// The enumerator whose name is `text`. The tables' own checks keep other words out.
template <class Enumeration, std::size_t Count>
Enumeration enumerator(std::array<std::string_view, Count> const& names, std::string_view text)
{
    auto const found = std::find(names.begin(), names.end(), text);
    if (found == names.end())
        throw error{errc::schema_mismatch, "the database holds the unknown word \"" + std::string{text} +
                                               "\"; a newer version of the library has written it, so use that version"};
    return static_cast<Enumeration>(found - names.begin());
}

inline std::optional<command> read_command(query& row)
{
    auto const kind = row.optional_text();
    command asked;
    asked.step = row.text();
    asked.result = row.json();
    asked.reason = row.text();
    if (!kind)
        return std::nullopt;
    asked.kind = enumerator<command_kind>(command_names, *kind);
    return asked;
}

inline task_record read_task(query& row)
{
    task_record task;
    task.id = row.id<task_id>();
    task.workflow = row.integer();
    task.state = enumerator<task_state>(state_names, row.text());
    task.input = row.json();
    task.priority = row.integer_as<int>();
    task.identity_key = row.text();
    task.initiator = row.text();
    task.source_system = row.text();
    task.reason = row.text();
    task.created_at = row.time();
    task.started_at = row.optional_time<time_point>();
    task.finished_at = row.optional_time<time_point>();
    task.wake_at = row.optional_time<time_point>();
    task.status_reason = row.text();
    task.worker = row.id<worker_id>();
    task.epoch = row.integer();
    task.recoveries = row.integer_as<int>();
    task.request = read_command(row);
    task.parent = row.id<task_id>();
    task.mail = row.integer();
    return task;
}

/// A value that databases keep as null when it is the default.
template <class Value>
std::optional<Value> unless_default(Value value)
{
    return value == Value{} ? std::nullopt : std::optional{std::move(value)};
}

/// What `choose` makes of the value, or null.
template <class Optional, class Choose>
auto part_of(Optional const& value, Choose choose) -> std::optional<decltype(choose(*value))>
{
    return value ? std::optional{choose(*value)} : std::nullopt;
}

/// Writes a task's row, with values for what parameters the text has besides; true when it returns one.
template <class... More>
bool write(query& insert, task_record const& task, More const&... more)
{
    auto const part = [&](auto member) {
        return part_of(task.request, [&](command const& asked) { return std::string_view{asked.*member}; });
    };
    return insert.run_once(task.id, task.workflow, task.state, task.input, task.priority, task.identity_key, task.initiator,
                           task.source_system, task.reason, task.created_at, task.started_at, task.finished_at, task.wake_at,
                           task.status_reason, task.worker, task.epoch, task.recoveries,
                           part_of(task.request, [](command const& asked) { return asked.kind; }), part(&command::step),
                           part_of(task.request, [](command const& asked) { return asked.result; }), part(&command::reason), task.parent, more...);
}

inline std::pair<step_no, step_record> read_step(query& row)
{
    auto const no = row.integer_as<step_no>();
    step_record step;
    step.state = enumerator<step_state>(state_names, row.text());
    step.attempts = row.integer_as<int>();
    step.backoff_request = row.optional_time<duration>();
    step.started_at = row.optional_time<time_point>();
    step.finished_at = row.optional_time<time_point>();
    step.next_retry_at = row.optional_time<time_point>();
    step.result = row.json();
    auto const kind = row.optional_text();
    failure last;
    last.what = row.text();
    last.type = row.text();
    if (kind) {
        last.kind = enumerator<failure_kind>(failure_names, *kind);
        step.last_failure = std::move(last);
    }
    step.name = row.text();
    step.order = row.integer();
    return {no, std::move(step)};
}

inline void write(query& put, step_write const& write)
{
    step_record const& step = write.record;
    auto const part = [&](auto member) {
        return part_of(step.last_failure, [&](failure const& last) { return std::string_view{last.*member}; });
    };
    put.run_once(write.task, write.step, step.state, step.attempts, step.backoff_request, step.started_at, step.finished_at,
                 step.next_retry_at, step.result, part_of(step.last_failure, [](failure const& last) { return last.kind; }),
                 part(&failure::what), part(&failure::type), unless_default(std::string_view{step.name}), unless_default(step.order));
}

inline message read_message(query& row, task_id task)
{
    message told;
    told.task = task;
    told.sequence = row.integer();
    told.name = row.text();
    told.body = row.json();
    told.key = row.text();
    return told;
}

inline state_name word_of(std::string_view text)
{
    return text.empty() ? state_name{} : state_name{enumerator<step_state>(state_names, text)};
}

inline transition_record read_transition(query& row, task_id task)
{
    transition_record line;
    line.task = task;
    line.sequence = row.integer();
    if (auto const step = row.optional_integer())
        line.step = static_cast<step_no>(*step);
    line.from = word_of(row.text());
    line.to = word_of(row.text());
    line.at = row.time();
    line.attempt = row.integer_as<int>();
    line.detail = row.text();
    return line;
}

inline void write(query& insert, transition_record const& line, std::int64_t sequence)
{
    insert.run_once(line.task, sequence, line.step, line.from.text(), line.to.text(), line.at, line.attempt, line.detail);
}

} // namespace tasker::sql
