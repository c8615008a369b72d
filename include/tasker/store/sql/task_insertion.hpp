#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/workflow_key.hpp>
#include <tasker/store/announcements.hpp>
#include <tasker/store/sql/array_literal.hpp>
#include <tasker/store/sql/query.hpp>
#include <tasker/store/sql/quotes.hpp>
#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/sql/statements.hpp>

#include <soci/soci.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tasker::sql {

/// Creates tasks through a session of the user's, whichever of the databases it is connected to.
class task_insertion {
public:
    /// `schema`: where the store's tables are; nothing: where a store with default options has them; empty: where the
    /// session finds them.
    task_insertion(soci::session& within, std::optional<std::string_view> schema)
        : session_{within}, is_postgres_{within.get_backend_name() == "postgresql"},
          schema_{schema.value_or(is_postgres_ ? "tasker" : "")}
    {
        if (!is_postgres_ && within.get_backend_name() != "sqlite3")
            throw error{errc::invalid_options, "an outbox needs a session of PostgreSQL or SQLite, not of " + within.get_backend_name()};
    }

    /// On SQLite a transaction that has read cannot write any more once somebody else has: so it waits for its turn to write
    /// before it reads. Whoever has read in it before had better have begun it with `begin immediate`.
    void begin_writing() const
    {
        if (!is_postgres_)
            prepare(in_schema({"update workers set batch = 0 where 1 = 0", "", ""}, "workers")).run_once();
    }

    time_point now() const
    {
        auto clock = prepare({is_postgres_ ? postgres_clock : sqlite_clock, "", "i"});
        clock.run_once();
        return clock.time();
    }

    std::optional<workflow_id> find_workflow(workflow_key const& key) const
    {
        auto find = prepare(in_schema(texts_.find_workflow, "workflows"));
        return find.run_once(key.name_space, key.name, key.version) ? std::optional{find.integer()} : std::nullopt;
    }

    /// Inserts the task with its birth, and has workers hear of it with the commit; or returns the one that has its
    /// identity key already.
    std::optional<task_id> insert(task_record task) const
    {
        if (is_postgres_)
            for (std::string* const text : {&task.identity_key, &task.initiator, &task.source_system, &task.reason})
                *text = storable(*text);
        for (;;) { // again when the twin is purged between the two statements
            if (is_postgres_ ? insert_and_tell(task) : insert_by_rows(task))
                return std::nullopt;
            auto twin = prepare(in_schema(texts_.find_twin, "tasks"));
            if (twin.run_once(task.id, task.identity_key, task.id))
                return twin.id<task_id>();
        }
    }

private:
    query prepare(statement_text const& text) const { return {session_, text, statement_keeping::sent_each_time}; }

    /// `text` with the table that it names found in our schema.
    statement_text in_schema(statement_text text, std::string_view table) const
    {
        std::string const word = ' ' + std::string{table} + ' ';
        if (!schema_.empty())
            text.sql.replace(text.sql.find(word), word.size(), ' ' + in_quotes(schema_, '"') + '.' + word.substr(1));
        return text;
    }

    /// One statement: all of it, even where the session commits each by itself.
    bool insert_and_tell(task_record const& task) const
    {
        statement_text text = in_schema(texts_.insert_task, "tasks");
        std::string const birth = in_schema(texts_.insert_birth, "transitions").sql;
        text.sql = "with fresh as (" + text.sql + " returning id, state, created_at), born as (" + birth +
                   " from fresh) select id, pg_notify(coalesce(nullif(:channel, ''), 'tasker_' || current_schema()), :news) from fresh";
        text.parameters += "tt";
        text.columns = "tt";
        auto insert = prepare(text);
        announcement const news{announcement::kind::work_due, task.wake_at.value_or(time_point{}), {}};
        return write(insert, task, schema_.empty() ? "" : "tasker_" + schema_, to_text(news));
    }

    /// A savepoint is a transaction by itself outside of one.
    bool insert_by_rows(task_record const& task) const
    {
        prepare({"savepoint tasker_outbox", "", ""}).run_once();
        try {
            auto insert = prepare(in_schema(texts_.insert_task, "tasks"));
            write(insert, task);
            bool const is_new = insert.changed_rows() == 1;
            if (is_new) {
                statement_text birth = in_schema(texts_.insert_birth, "transitions");
                birth.sql += in_schema({" from tasks where id = :id", "", ""}, "tasks").sql;
                birth.parameters = "t";
                prepare(birth).run_once(task.id);
            }
            prepare({"release tasker_outbox", "", ""}).run_once();
            return is_new;
        } catch (...) {
            prepare({"rollback to tasker_outbox", "", ""}).run_once();
            prepare({"release tasker_outbox", "", ""}).run_once();
            throw;
        }
    }

    soci::session& session_;
    bool is_postgres_;
    std::string schema_;
    statements texts_;
};

} // namespace tasker::sql
