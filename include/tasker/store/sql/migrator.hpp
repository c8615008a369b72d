#pragma once

#include <tasker/store/sql/schema.hpp>
#include <tasker/store/sql/session_pool.hpp>

#include <string>

namespace tasker::sql {

/// Brings a database's tables to this library's version, one migration a transaction, so that any number of processes
/// may start at once. Forward only: throws `error{schema_mismatch}` when the tables are newer, or somebody else's.
inline void migrate(session_pool& sessions, dialect const& of, statements const& texts)
{
    auto const steps = migrations(of.words());
    auto const newest = steps.back().version;
    auto const advance = [&](session& with) {
        query& tables = with.get({std::string{of.count_tables()}, "", "i"});
        tables.run_once();
        query& own = with.get({std::string{of.count_version_tables()}, "", "i"});
        own.run_once();
        if (own.integer() == 0 && tables.integer() != 0)
            throw error{errc::schema_mismatch, of.place() + " holds another program's tables; give tasker one of its own"};
        with.get(texts.create_version_table).run_once();
        query& version = with.get(texts.schema_version);
        version.run_once();
        auto const present = version.integer();
        if (present > newest)
            throw error{errc::schema_mismatch, of.place() + " has schema version " + std::to_string(present) +
                                                   ", but this library knows versions up to " + std::to_string(newest) +
                                                   "; use the newer version of the library that wrote it"};
        for (migration const& step : steps)
            if (step.version == present + 1) {
                for (std::string const& sql : step.sql)
                    execute(with.connection(), sql);
                with.get(texts.insert_version).run_once(step.version);
                return step.version;
            }
        return static_cast<int>(present);
    };
    sessions.alone([&](soci::session& connection) { of.found(connection); });
    while (sessions.write(advance) < newest) {
    }
}

} // namespace tasker::sql
