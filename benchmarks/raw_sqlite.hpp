#pragma once

#include "stores.hpp"

#include <tasker/model/states.hpp>

#include <soci/sqlite3/soci-sqlite3.h> // which has all of sqlite3.h in a namespace

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace benchmark {

/// An SQLite file with a write-ahead log whose commits reach the disk.
class sqlite_file {
public:
    explicit sqlite_file(std::string const& name)
    {
        sqlite_api::sqlite3* opened = nullptr;
        int const answer = sqlite_api::sqlite3_open(name.c_str(), &opened);
        file_.reset(opened);
        check(answer);
        run("pragma journal_mode = wal");
        run("pragma synchronous = full");
    }

    void run(char const* sql) { check(sqlite_api::sqlite3_exec(file_.get(), sql, nullptr, nullptr, nullptr)); }

    struct finalize {
        void operator()(sqlite_api::sqlite3_stmt* of) const noexcept { sqlite_api::sqlite3_finalize(of); }
    };
    using statement = std::unique_ptr<sqlite_api::sqlite3_stmt, finalize>;

    statement prepare(std::string const& sql)
    {
        sqlite_api::sqlite3_stmt* prepared = nullptr;
        check(sqlite_api::sqlite3_prepare_v2(file_.get(), sql.c_str(), -1, &prepared, nullptr));
        return statement{prepared};
    }

    template <class... Values>
    void execute(statement& one, Values const&... values)
    {
        int at = 0;
        (bind(one.get(), ++at, values), ...);
        if (sqlite_api::sqlite3_step(one.get()) != SQLITE_DONE)
            check(SQLITE_ERROR);
        check(sqlite_api::sqlite3_reset(one.get()));
    }

private:
    struct close {
        void operator()(sqlite_api::sqlite3* of) const noexcept { sqlite_api::sqlite3_close(of); }
    };

    void check(int answer)
    {
        if (answer != SQLITE_OK)
            throw std::runtime_error{sqlite_api::sqlite3_errmsg(file_.get())};
    }

    static void bind(sqlite_api::sqlite3_stmt* to, int at, std::string_view text)
    {
        using sqlite_api::sqlite3_destructor_type; // for the macro
        sqlite_api::sqlite3_bind_text(to, at, text.empty() ? "" : text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
    template <std::integral Integer>
    static void bind(sqlite_api::sqlite3_stmt* to, int at, Integer value)
    {
        sqlite_api::sqlite3_bind_int64(to, at, static_cast<sqlite_api::sqlite3_int64>(value));
    }
    static void bind(sqlite_api::sqlite3_stmt* to, int at, tasker::time_point value) { bind(to, at, value.time_since_epoch().count()); }
    template <class Tag>
    static void bind(sqlite_api::sqlite3_stmt* to, int at, tasker::basic_id<Tag> id)
    {
        if (id)
            bind(to, at, std::string_view{to_text(id)});
        else
            sqlite_api::sqlite3_bind_null(to, at);
    }
    template <class Value>
    static void bind(sqlite_api::sqlite3_stmt* to, int at, std::optional<Value> const& value)
    {
        if (value)
            bind(to, at, *value);
        else
            sqlite_api::sqlite3_bind_null(to, at);
    }

    std::unique_ptr<sqlite_api::sqlite3, close> file_;
};

/// The baseline on SQLite: each row by a prepared statement of SQLite's own interface, without a look at who owns the task.
/// It answers nothing: no duplicates, no lost leases, no repeated batches.
class raw_sqlite final : public raw_writer {
public:
    /// `file` has the tables of a store.
    explicit raw_sqlite(std::string const& file) : file_{file} {}

    void write(numbered_batches const& all, std::size_t from, std::size_t to) override
    {
        for (std::size_t at = from; at < to; ++at) {
            file_.run("begin immediate");
            write(all.batches()[at], all.numbers_of(at));
            file_.run("commit");
        }
    }

private:
    void write(tasker::commit_batch const& batch, std::int64_t const* numbers)
    {
        for (tasker::task_record const& task : batch.created)
            file_.execute(create_, task.id, task.workflow, name(task.state), task.input.text(), task.priority,
                          std::string_view{task.identity_key}, std::string_view{task.initiator},
                          std::string_view{task.source_system}, std::string_view{task.reason}, task.created_at, task.wake_at,
                          std::string_view{task.status_reason}, task.worker, task.epoch, task.recoveries);
        for (tasker::task_write const& task : batch.tasks)
            file_.execute(move_, name(task.state), std::string_view{task.status_reason}, task.started_at, task.finished_at,
                          task.wake_at, task.recoveries, task.release ? 1 : 0, task.id);
        for (tasker::step_write const& step : batch.steps)
            file_.execute(put_, step.task, step.step, name(step.record.state), step.record.attempts, step.record.started_at,
                          step.record.finished_at, step.record.next_retry_at, step.record.result.text());
        for (tasker::transition_record const& line : batch.transitions)
            file_.execute(note_, line.task, *numbers++, line.step, std::string_view{line.from}, std::string_view{line.to},
                          line.at, line.attempt, std::string_view{line.detail});
    }

    sqlite_file file_;
    sqlite_file::statement create_ = file_.prepare(
        "insert into tasks (id, workflow_id, state, input, priority, identity_key, initiator, source_system, reason, created_at, "
        "wake_at, status_reason, worker_id, epoch, recoveries) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite_file::statement move_ = file_.prepare(
        "update tasks set state = ?1, status_reason = ?2, started_at = ?3, finished_at = ?4, wake_at = ?5, recoveries = ?6, "
        "worker_id = case when ?7 then null else worker_id end where id = ?8");
    sqlite_file::statement put_ = file_.prepare(
        "insert into steps (task_id, step_no, state, attempts, started_at, finished_at, next_retry_at, result) "
        "values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (task_id, step_no) do update set state = excluded.state, "
        "attempts = excluded.attempts, started_at = excluded.started_at, finished_at = excluded.finished_at, "
        "next_retry_at = excluded.next_retry_at, result = excluded.result");
    sqlite_file::statement note_ = file_.prepare(
        "insert into transitions (task_id, sequence, step_no, from_state, to_state, at, attempt, detail) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)");
};

} // namespace benchmark
