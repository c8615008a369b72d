#pragma once

#include "stores.hpp"

#include <tasker/model/states.hpp>
#include <tasker/store/store.hpp>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace benchmark {

/// The baseline on PostgreSQL: one statement a batch through SOCI, rows as arrays through `unnest`, every row of a known task
/// joined with the task's row on worker and epoch. It answers nothing: no duplicates, no lost leases, no repeated batches.
class raw_postgres final : public raw_writer {
public:
    /// `schema` has the tables of a store.
    raw_postgres(std::string const& connection, std::string const& schema, tasker::workflow_id workflow)
        : session_{soci::postgresql, connection}, workflow_{workflow}
    {
        session_ << "set search_path = " + schema;
        session_ << "set jit = off";
        session_ << "set enable_seqscan = off"; // the plan is kept from when the tables were nearly empty
        statement_.alloc();
        statement_.prepare(text());
        for (column& one : columns_)
            statement_.exchange(soci::use(one.text));
        statement_.define_and_bind();
    }

    void write(numbered_batches const& all, std::size_t from, std::size_t to) override
    {
        for (std::size_t at = from; at < to; ++at)
            write(all.batches()[at], all.numbers_of(at));
    }

private:
    struct column {
        std::string text;

        std::string& next() { return text += text.empty() ? '{' : ','; }
        void add(std::string_view value)
        {
            next() += '"';
            for (char const one : value) {
                if (one == '"' || one == '\\')
                    text += '\\';
                text += one;
            }
            text += '"';
        }
        template <std::integral Integer>
        void add(Integer value)
        {
            char digits[24];
            next().append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
        }
        template <class Tag>
        void add(tasker::basic_id<Tag> id)
        {
            next() += id ? to_text(id) : "NULL";
        }
        void add(tasker::time_point at) { add(at.time_since_epoch().count()); }
        template <class Value>
        void add(std::optional<Value> const& value)
        {
            if (value)
                add(*value);
            else
                next() += "NULL";
        }
    };

    template <class... Values>
    void row(std::size_t first, Values const&... values)
    {
        (columns_[first++].add(values), ...);
    }

    void write(tasker::commit_batch const& batch, std::int64_t const* numbers)
    {
        for (column& one : columns_)
            one.text.clear();
        std::set<tasker::task_id> fresh;
        for (tasker::task_record const& task : batch.created) {
            fresh.insert(task.id);
            row(0, task.id, workflow_, name(task.state), task.input.text(), task.priority,
                std::string_view{task.identity_key}, std::string_view{task.initiator}, std::string_view{task.source_system},
                std::string_view{task.reason}, task.created_at, task.wake_at, std::string_view{task.status_reason}, task.worker,
                task.epoch, task.recoveries);
        }
        for (tasker::task_write const& task : batch.tasks)
            row(15, task.id, task.epoch, name(task.state), std::string_view{task.status_reason}, task.started_at, task.finished_at,
                task.wake_at, task.recoveries, std::string_view{task.release ? "t" : "f"});
        for (tasker::step_write const& step : batch.steps)
            row(25, step.task, step.epoch, step.step, name(step.record.state), step.record.attempts,
                step.record.started_at, step.record.finished_at, step.record.next_retry_at, step.record.result.text());
        for (std::size_t at = 0; at < batch.transitions.size(); ++at) {
            tasker::transition_record const& one = batch.transitions[at];
            row(35, one.task, batch.transition_epochs[at], std::string_view{fresh.contains(one.task) ? "t" : "f"},
                numbers[at], one.step, std::string_view{one.from}, std::string_view{one.to}, one.at, one.attempt,
                std::string_view{one.detail});
        }
        for (column& one : columns_)
            one.text += one.text.empty() ? "{}" : "}";
        for (std::size_t const at : {24U, 34U, 45U})
            columns_[at].text = to_text(batch.worker);
        statement_.execute(true);
    }

    /// `unnest` of the next columns, which have these types.
    static std::string rows(std::size_t& first, std::initializer_list<char const*> types)
    {
        std::string text;
        for (char const* const type : types)
            text += (text.empty() ? "unnest(cast(:p" : ", cast(:p") + std::to_string(first++) + " as " + type + "[])";
        return text + ")";
    }

    static std::string text()
    {
        std::size_t at = 0;
        std::string const created = rows(at, {"uuid", "bigint", "text", "text", "bigint", "text", "text", "text", "text", "bigint",
                                              "bigint", "text", "uuid", "bigint", "bigint"});
        std::string const tasks = rows(at, {"uuid", "bigint", "text", "text", "bigint", "bigint", "bigint", "bigint", "boolean"});
        ++at;
        std::string const steps = rows(at, {"uuid", "bigint", "bigint", "text", "bigint", "bigint", "bigint", "bigint", "text"});
        ++at;
        std::string const lines = rows(at, {"uuid", "bigint", "boolean", "bigint", "bigint", "text", "text", "bigint", "bigint",
                                            "text"});
        return "with created as (insert into tasks (id, workflow_id, state, input, priority, identity_key, initiator, "
               "source_system, reason, created_at, wake_at, status_reason, worker_id, epoch, recoveries) select * from " + created +
               " on conflict do nothing), "
               "moved as (update tasks as t set state = w.state, status_reason = w.status, started_at = w.started, "
               "finished_at = w.finished, wake_at = w.wake, recoveries = w.recoveries, "
               "worker_id = case when w.release then null else t.worker_id end from " + tasks +
               " as w (task, epoch, state, status, started, finished, wake, recoveries, release) "
               "where t.id = w.task and t.epoch = w.epoch and t.worker_id is not distinct from cast(:w1 as uuid)), "
               "written as (insert into steps (task_id, step_no, state, attempts, started_at, finished_at, next_retry_at, result) "
               "select s.task, s.step, s.state, s.attempts, s.started, s.finished, s.retry, s.result from " + steps +
               " as s (task, epoch, step, state, attempts, started, finished, retry, result) join tasks t "
               "on t.id = s.task and t.epoch = s.epoch and t.worker_id is not distinct from cast(:w2 as uuid) "
               "on conflict (task_id, step_no) do update set state = excluded.state, attempts = excluded.attempts, "
               "started_at = excluded.started_at, finished_at = excluded.finished_at, next_retry_at = excluded.next_retry_at, "
               "result = excluded.result) "
               "insert into transitions (task_id, sequence, step_no, from_state, to_state, at, attempt, detail) "
               "select x.task, x.number, x.step, x.old, x.new, x.at, x.attempt, x.detail from " + lines +
               " as x (task, epoch, fresh, number, step, old, new, at, attempt, detail) left join tasks t "
               "on t.id = x.task and t.epoch = x.epoch and t.worker_id is not distinct from cast(:w3 as uuid) where x.fresh or t.id is not null";
    }

    soci::session session_;
    tasker::workflow_id workflow_;
    std::vector<column> columns_{46}; ///< and thrice the worker
    soci::statement statement_{session_};
};

} // namespace benchmark
