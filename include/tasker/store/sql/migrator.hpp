#pragma once

#include <tasker/store/sql/schema.hpp>
#include <tasker/store/sql/session_pool.hpp>

#include <string>

namespace tasker::sql {

/// Brings a database's tables to this library's version, one migration a transaction, so that any number of processes
/// may start at once. Forward only: throws `error{schema_mismatch}` when the tables are newer, or somebody else's.
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
