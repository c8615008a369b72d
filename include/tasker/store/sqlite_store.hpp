#pragma once

#include <tasker/store/sql/row_access.hpp>
#include <tasker/store/sql/sqlite_dialect.hpp>
#include <tasker/store/sql_store.hpp>

#include <filesystem>
#include <memory>
#include <utility>

namespace tasker {

/// Keeps everything in one SQLite file, which any number of processes of one machine may share: each owns its tasks by
/// leases, and those of a process that has ended are given out at once. Needs SOCI (`soci_core`, `soci_sqlite3`) and SQLite.
/// Throws `error{store_unavailable}` when the file cannot be opened; a missing file is created.
/// Lifetime: open it after `fork`, never before. Thread safety: as the store contract says.
class sqlite_store : public sql_store<sql::row_access> {
public:
    /// Creates or opens `file` at once.
    explicit sqlite_store(std::filesystem::path const& file, sqlite_options const& options = {})
        : sqlite_store{file, options, std::make_unique<sql::local_presence>()}
    {
    }

    /// With another way to know which workers have ended.
    sqlite_store(std::filesystem::path const& file, sqlite_options const& options,
                 std::unique_ptr<sql::worker_presence const> presence)
        : sql_store{std::make_unique<sql::soci_store<sql::row_access>>(std::make_unique<sql::sqlite_dialect>(file, options), std::move(presence)),
                    sql::analysis_form::plain_statement}
    {
    }
};

static_assert(store<sqlite_store>);

} // namespace tasker
