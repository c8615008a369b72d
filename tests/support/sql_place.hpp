#pragma once

#include "support/catch.hpp"
#include "support/postgres.hpp"
#include "support/scratch_directory.hpp"

#include <tasker/store/any_store.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/store/sql/query.hpp>
#include <tasker/store/sqlite_store.hpp>

#include <soci/soci.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// A database in which a store keeps its tables, and a user some of his own.
class sql_place {
public:
    /// In one file.
    static sql_place on_sqlite()
    {
        auto const folder = std::make_shared<scratch_directory>();
        auto const file = (folder->path() / "all.db").string();
        sql_place place{"SQLite", {}};
        place.open_ = [folder, file] { return tasker::any_store{tasker::sqlite_store{file, {.synchronous = tasker::sqlite_synchronous::off}}}; };
        place.connect_ = [folder, file](soci::session& session) {
            session.open(soci::sqlite3, "db=" + file + " timeout=10");
        };
        place.open().migrate(); // a file that holds other tables already would be refused
        return place;
    }

    /// In two schemas: the store's connection finds the user's by itself, as the user's own connections do.
    static sql_place on_postgres()
    {
        auto const ours = std::make_shared<scratch_schema>();
        auto const theirs = std::make_shared<scratch_schema>();
        auto const connection = theirs->connection() + " options='-c search_path=" + theirs->name() + "'";
        sql_place place{"PostgreSQL", ours->name()};
        place.open_ = [ours, theirs, connection, schema = ours->name()] {
            return tasker::any_store{tasker::postgres_store{connection, {.schema = schema}}};
        };
        place.connect_ = [ours, theirs, connection](soci::session& session) { session.open(soci::postgresql, connection); };
        return place;
    }

    std::string const& name() const { return name_; }
    bool is_postgres() const { return !schema_.empty(); }
    /// Where PostgreSQL has the store's tables.
    std::string const& schema() const { return schema_; }

    tasker::any_store open() const { return open_(); }
    void connect(soci::session& session) const { connect_(session); }

    /// Runs a statement on a connection of its own.
    void execute(std::string const& sql) const
    {
        soci::session session;
        connect(session);
        tasker::sql::execute(session, sql);
    }

    /// The number that a statement tells, on a connection of its own.
    std::int64_t number(std::string const& sql) const
    {
        soci::session session;
        connect(session);
        tasker::sql::query row{session, {sql, "", "i"}};
        row.run_once();
        return row.integer();
    }

private:
    sql_place(std::string name, std::string schema) : name_{std::move(name)}, schema_{std::move(schema)} {}

    std::string name_;
    std::string schema_;
    std::function<tasker::any_store()> open_;
    std::function<void(soci::session&)> connect_;
};

/// Runs `scenario(sql_place const&)` on SQLite and, where there is a server, on PostgreSQL. A failure names the database.
template <class Scenario>
void on_each_database(Scenario scenario)
{
    std::vector<sql_place (*)()> places{sql_place::on_sqlite};
    if (postgres_connection())
        places.push_back(sql_place::on_postgres);
    for (auto const& make : places) {
        sql_place const place = make();
        INFO("on " << place.name());
        scenario(place);
    }
}

} // namespace support
