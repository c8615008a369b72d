#pragma once

#include <tasker/store/sql/array_literal.hpp>
#include <tasker/store/sql/batch_announcements.hpp>
#include <tasker/store/store.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// What an idle engine commits, a row or two of one task, as plain statements: `commit_batch` costs the server half as much again.
namespace tasker::sql {

/// The values of a statement's parameters as PostgreSQL reads them, in turn.
class parameter_list {
public:
    template <class... Values>
    void add(Values const&... values)
    {
        (texts_.push_back(text_of(values)), ...);
    }
    void add_nulls(std::size_t count) { texts_.resize(texts_.size() + count); }

    std::size_t size() const { return texts_.size(); }

    /// As long as this object is not changed.
    std::vector<char const*> pointers() const
    {
        std::vector<char const*> all;
        all.reserve(texts_.size());
        for (auto const& text : texts_)
            all.push_back(text ? text->c_str() : nullptr);
        return all;
    }

private:
    using value = std::optional<std::string>;

    static value text_of(std::nullopt_t) { return {}; }
    template <std::integral Integer>
    static value text_of(Integer number)
    {
        if constexpr (std::same_as<Integer, bool>)
            return number ? "t" : "f";
        else
            return std::to_string(number);
    }
    static value text_of(std::string_view text) { return storable(text); }
    static value text_of(payload const& text) { return storable(text.text()); }
    static value text_of(time_point at) { return text_of(at.time_since_epoch().count()); }
    static value text_of(duration span) { return text_of(span.count()); }
    template <class Tag>
    static value text_of(basic_id<Tag> id)
    {
        return id ? value{to_text(id)} : value{};
    }
    template <class State>
        requires std::is_enum_v<State>
    static value text_of(State state)
    {
        return std::string{name(state)};
    }
    template <class Value>
    static value text_of(std::optional<Value> const& one)
    {
        return one ? text_of(*one) : value{};
    }

    std::vector<value> texts_;
};

/// Which of the statements a batch needs.
enum class small_statement { creation, task, step };

/// A batch as the parameters of one statement.
struct small_commit {
    small_statement statement = small_statement::creation;
    parameter_list parameters;
    task_lease under;
};

inline constexpr std::size_t small_lines = 8;     ///< of the audit trail, at most
inline constexpr std::size_t small_bytes = 4'096; ///< of texts, at most: what a socket takes at once

namespace detail {

inline std::string places(std::size_t from, std::size_t count)
{
    std::string text;
    for (std::size_t at = from; at < from + count; ++at)
        text.append(text.empty() ? "$" : ", $").append(std::to_string(at));
    return text;
}

/// The lines of the audit trail as rows of a table: `(1, $24, ...), (2, $30, ...)`, those after the first with as many parameters.
inline std::string lines_from(std::size_t parameter)
{
    constexpr std::string_view types[] = {"bigint", "text", "text", "bigint", "bigint", "text"};
    std::string text;
    for (std::size_t line = 1; line <= small_lines; ++line) {
        text.append(line == 1 ? "(" : ", (").append(std::to_string(line));
        for (std::string_view const type : types)
            text.append(", cast($" + std::to_string(parameter++) + " as ").append(type).append(")");
        text += ')';
    }
    return text;
}

} // namespace detail

/// One new task that the worker owns, with the line of its birth; one row when it was written. A second try finds the task
/// itself, whatever the batch's number, so that the number is not written down.
inline std::string creation_text()
{
    return "with fresh as (insert into tasks (id, workflow_id, state, input, priority, identity_key, initiator, source_system, reason, "
           "created_at, status_reason, worker_id, epoch, recoveries) values (" + detail::places(1, 14) + ") on conflict do nothing returning id) "
           "insert into transitions (task_id, sequence, step_no, from_state, to_state, at, attempt, detail) "
           "select id, 1, " + detail::places(15, 6) + " from fresh returning 1";
}

/// Rows of one known task, as `commit_batch` writes them: the worker's own row is locked first, and then the task's, which says at
/// that moment, whenever the statement began, whether the lease holds. Two columns: whether the batch is a new one, and
/// whether the lease held.
inline std::string known_task_text(small_statement kind)
{
    std::string const change =
        kind == small_statement::task
            ? "update tasks set state = $5, status_reason = $6, started_at = $7, finished_at = $8, wake_at = $9, recoveries = $10, "
              "worker_id = case when cast($11 as boolean) then null else worker_id end "
              "where id = $3 and epoch = $4 and (worker_id = $1) is true and exists (select from worker) returning id, "
              "worker_id is null and request_kind is not null as is_asked, "
            : "select id, false as is_asked, ";
    std::string const lock = kind == small_statement::task
                                 ? ""
                                 : " from tasks where id = $3 and epoch = $4 and (worker_id = $1) is true and exists (select from worker) "
                                   "for no key update";
    std::size_t const step = kind == small_statement::task ? 13 : 6;
    std::string const channel = '$' + std::to_string(step - 1);
    return "with worker as (update workers set batch = $2 where id = $1 and batch < $2 returning id), "
           "task as (" + change + "(select coalesce(max(sequence), 0) from transitions where task_id = $3) as last" + lock + "), "
           "step as (insert into steps (task_id, step_no, state, attempts, backoff_request, started_at, finished_at, next_retry_at, result, "
           "failure_kind, failure_what, failure_type) select task.id, " + detail::places(step, 11) + " from task "
           "where cast($" + std::to_string(step) + " as bigint) is not null "
           "on conflict (task_id, step_no) do update set state = excluded.state, attempts = excluded.attempts, "
           "backoff_request = excluded.backoff_request, started_at = excluded.started_at, finished_at = excluded.finished_at, "
           "next_retry_at = excluded.next_retry_at, result = excluded.result, failure_kind = excluded.failure_kind, "
           "failure_what = excluded.failure_what, failure_type = excluded.failure_type), "
           "trail as (insert into transitions (task_id, sequence, step_no, from_state, to_state, at, attempt, detail) "
           "select task.id, task.last + line.place, line.step_no, line.was, line.is_now, line.at, line.attempt, line.detail from task, "
           "(values " + detail::lines_from(step + 11) + ") as line (place, step_no, was, is_now, at, attempt, detail) where line.is_now is not null) "
           "select (select count(*) from worker), (select count(*) from task), "
           "case when (select is_asked from task) then pg_notify(" + channel + ", 'due 0 00000000-0000-0000-0000-000000000000') end";
}

/// Takes a batch apart, when it is small enough and nobody else need hear of it.
class small_batch {
public:
    small_batch(commit_batch const& batch, std::string_view channel) : batch_{batch}, channel_{channel} {}

    std::optional<small_commit> parameters() const
    {
        if (batch_.number <= 0 || !batch_.taken.empty() || !batch_.sent.empty() || batch_.transitions.size() > small_lines || bytes() > small_bytes || !announcements_of(batch_).empty())
            return std::nullopt;
        if (is_creation())
            return creation();
        return batch_.created.empty() && is_of_one_task() ? std::optional{known_task()} : std::nullopt;
    }

private:
    bool is_creation() const
    {
        if (batch_.created.size() != 1 || !batch_.tasks.empty() || !batch_.steps.empty() || batch_.transitions.size() != 1)
            return false;
        task_record const& task = batch_.created.front();
        return task.worker == batch_.worker && !task.request && !task.parent && !task.wake_at && !task.started_at && !task.finished_at &&
               batch_.transitions.front().task == task.id;
    }

    /// One lease, and one row of each kind at most.
    bool is_of_one_task() const
    {
        if (batch_.tasks.size() > 1 || batch_.steps.size() > 1 || batch_.tasks.size() + batch_.steps.size() == 0)
            return false;
        task_lease const one = lease();
        if (!batch_.tasks.empty() && (batch_.tasks.front().clear_request || batch_.tasks.front().wake_at || batch_.tasks.front().renewed_input))
            return false;
        if (!batch_.steps.empty() && (!batch_.steps.front().record.name.empty() || batch_.steps.front().record.order != 0))
            return false; // of a checkpoint
        if (!batch_.steps.empty() && (batch_.steps.front().task != one.task || batch_.steps.front().epoch != one.epoch))
            return false;
        return std::all_of(batch_.transitions.begin(), batch_.transitions.end(), [&](auto const& line) { return line.task == one.task; }) &&
               std::all_of(batch_.transition_epochs.begin(), batch_.transition_epochs.end(), [&](auto epoch) { return epoch == one.epoch; });
    }

    task_lease lease() const
    {
        if (!batch_.tasks.empty())
            return {batch_.tasks.front().id, batch_.tasks.front().epoch};
        return {batch_.steps.front().task, batch_.steps.front().epoch};
    }

    std::size_t bytes() const
    {
        std::size_t sum = 0;
        for (task_record const& task : batch_.created)
            sum += task.input.text().size() + task.identity_key.size() + task.initiator.size() + task.source_system.size() + task.reason.size();
        for (task_write const& task : batch_.tasks)
            sum += task.status_reason.size();
        for (step_write const& step : batch_.steps) {
            auto const& last = step.record.last_failure;
            sum += step.record.result.text().size() + (last ? last->what.size() + last->type.size() : 0);
        }
        for (transition_record const& line : batch_.transitions)
            sum += line.detail.size();
        return sum;
    }

    small_commit creation() const
    {
        task_record const& task = batch_.created.front();
        small_commit one{small_statement::creation, {}, {task.id, task.epoch}};
        one.parameters.add(task.id, task.workflow, task.state, task.input, task.priority, std::string_view{task.identity_key},
                           std::string_view{task.initiator}, std::string_view{task.source_system}, std::string_view{task.reason},
                           task.created_at, std::string_view{task.status_reason}, task.worker, task.epoch, task.recoveries);
        add_line(one.parameters, batch_.transitions.front());
        return one;
    }

    small_commit known_task() const
    {
        small_commit one{batch_.tasks.empty() ? small_statement::step : small_statement::task, {}, lease()};
        one.parameters.add(batch_.worker, batch_.number, one.under.task, one.under.epoch);
        if (!batch_.tasks.empty()) {
            task_write const& task = batch_.tasks.front();
            one.parameters.add(task.state, std::string_view{task.status_reason}, task.started_at, task.finished_at, task.wake_at,
                               task.recoveries, task.release);
        }
        one.parameters.add(channel_);
        if (batch_.steps.empty())
            one.parameters.add_nulls(11);
        else
            add_step(one.parameters, batch_.steps.front());
        for (transition_record const& line : batch_.transitions)
            add_line(one.parameters, line);
        one.parameters.add_nulls(6 * (small_lines - batch_.transitions.size()));
        return one;
    }

    static void add_step(parameter_list& to, step_write const& write)
    {
        step_record const& step = write.record;
        auto const& last = step.last_failure;
        to.add(write.step, step.state, step.attempts, step.backoff_request, step.started_at, step.finished_at, step.next_retry_at, step.result,
               last ? std::optional{last->kind} : std::nullopt, last ? std::optional<std::string_view>{last->what} : std::nullopt,
               last ? std::optional<std::string_view>{last->type} : std::nullopt);
    }

    static void add_line(parameter_list& to, transition_record const& line)
    {
        to.add(line.step, std::string_view{line.from}, std::string_view{line.to}, line.at, line.attempt, std::string_view{line.detail});
    }

    commit_batch const& batch_;
    std::string_view channel_;
};

} // namespace tasker::sql
