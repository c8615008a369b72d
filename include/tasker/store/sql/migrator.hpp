#pragma once

#include <tasker/store/sql/schema.hpp>
#include <tasker/store/sql/session_pool.hpp>

#include <soci/soci.h>

#include <string>
#include <vector>

namespace tasker::sql {

/// Brings a database's tables to this library's version, one migration a transaction, so that any number of processes
/// may start at once. Forward only: throws `error{schema_mismatch}` when the tables are newer, or somebody else's, or not all there.
class migrator {
public:
    migrator(session_pool& sessions, statements const& texts)
        : sessions_{sessions}, texts_{texts}, dialect_{sessions.of()}, steps_{migrations(dialect_)}
    {
    }

    void migrate()
    {
        auto const turn = sessions_.writing_turn();
        sessions_.use([&](session& with) {
            dialect_.found(with.connection());
            while (advance(with) < steps_.back().version) {
            }
            check_tables(with);
            dialect_.look_after(with.connection());
            return true;
        });
    }

private:
    /// Takes one step, if there is one to take; the version there is then.
    int advance(session& with)
    {
        for (std::string const& sql : dialect_.begin_migration())
            with.execute(sql);
        auto version = present(with);
        for (migration const& step : steps_)
            if (step.version == version + 1) {
                for (std::string const& sql : step.sql)
                    sql::execute(with.connection(), sql);
                with.get(texts_.insert_version).run_once(step.version);
                version = step.version;
                break;
            }
        with.execute("commit");
        return version;
    }

    /// The number of the version alone would let a database pass that lost tables, by damage or by somebody's hand.
    void check_tables(session& with)
    {
        for (std::string const table : {"workflows", "workflow_steps", "workflow_edges", "tasks", "steps", "transitions", "workers", "messages", "present_steps"})
            try {
                query{with.connection(), {"select count(*) from " + table + " where 1 = 0", "", "i"}}.run_once();
            } catch (soci::soci_error const& problem) {
                throw error{errc::schema_mismatch, dialect_.place() + " cannot be used: \"" + table +
                                                       "\" is missing there or cannot be read; restore it from a backup (" +
                                                       problem.get_error_message() + ")"};
            }
    }

    int present(session& with)
    {
        query& tables = with.get({std::string{dialect_.count_tables()}, "", "i"});
        tables.run_once();
        query& own = with.get({std::string{dialect_.count_version_tables()}, "", "i"});
        own.run_once();
        auto const own_tables = own.integer();
        if (own_tables == 0 && tables.integer() != 0)
            throw error{errc::schema_mismatch, dialect_.place() + " holds another program's tables; give tasker one of its own"};
        if (own_tables == 0)
            with.execute(texts_.create_version_table.sql);
        query& version = with.get(texts_.schema_version);
        version.run_once();
        auto const found = version.integer_as<int>();
        auto const newest = steps_.back().version;
        if (found < 0)
            throw error{errc::schema_mismatch, dialect_.place() + " has schema version " + std::to_string(found) +
                                                   ", which there never was; restore it from a backup"};
        if (found > newest)
            throw error{errc::schema_mismatch, dialect_.place() + " has schema version " + std::to_string(found) +
                                                   ", but this library knows versions up to " + std::to_string(newest) +
                                                   "; use the newer version of the library that wrote it"};
        return found;
    }

    session_pool& sessions_;
    statements const& texts_;
    dialect const& dialect_;
    std::vector<migration> steps_;
};

} // namespace tasker::sql
