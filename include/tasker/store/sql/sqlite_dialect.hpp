#pragma once

#include <tasker/base/time.hpp>
#include <tasker/store/sql/dialect.hpp>
#include <tasker/store/sql/query.hpp>
#include <tasker/store/sql/statements.hpp>

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace tasker {

/// What a power cut may cost. A mere crash of the process costs nothing in any of them.
enum class sqlite_synchronous {
    full,   ///< nothing: every commit is on the disk before anybody is told
    normal, ///< the last commits
    off,    ///< the file itself; for tests
};

/// How an SQLite store writes its file.
struct sqlite_options {
    sqlite_synchronous synchronous = sqlite_synchronous::full;
    /// Longest wait for another process's commit; zero: no wait. The default is less than a third of the default lease, so
    /// that a heartbeat that waits in vain is over before the next is due; keep it so under a shorter lease.
    duration busy_timeout = std::chrono::seconds{3};
    std::uint64_t size_limit = 0; ///< of the file, in bytes, a whole page at least; zero: none
};

namespace sql {

/// SQLite: write-ahead log, so that readers and the writer do not wait for each other.
class sqlite_dialect final : public dialect {
public:
    /// Throws `error{invalid_options}`.
    sqlite_dialect(std::filesystem::path file, sqlite_options const& options) : file_{std::move(file)}, options_{options}
    {
        auto const name = file_.string();
        if (name.empty() || name.starts_with(":memory:") || name.find('"') != std::string::npos)
            throw error{errc::invalid_options, "an SQLite store needs the path of a file, without quotation marks, but \"" + name +
                                                   "\" was given; use memory_store to store nothing"};
        if (options_.busy_timeout < duration::zero())
            throw error{errc::invalid_options, "sqlite_options.busy_timeout must not be negative; zero means no wait"};
    }

    void open(soci::session& session) const override
    {
        try {
            session.open(soci::sqlite3, connection_text());
            auto const wait = std::chrono::duration_cast<std::chrono::milliseconds>(options_.busy_timeout);
            execute(session, "pragma busy_timeout = " + std::to_string(wait.count()));
            execute(session, "pragma synchronous = " + std::string{synchronous_words[static_cast<int>(options_.synchronous)]});
            execute(session, "select count(*) from sqlite_master"); // the first to read the file: it may be no database at all
            if (options_.size_limit != 0)
                limit_size(session);
        } catch (soci::soci_error const& problem) {
            throw explain(problem);
        }
    }

    /// A file keeps its journal mode. Switching needs the file for oneself and does not wait for it, so that of two
    /// processes that start at once one may be refused; it waits in `begin immediate` and looks again.
    void found(soci::session& session) const override
    {
        for (int attempt = 0; attempt < 100; ++attempt)
            try {
                if (journal_mode(session, "pragma journal_mode") == "wal" ||
                    journal_mode(session, "pragma journal_mode = wal") == "wal")
                    return;
            } catch (soci::sqlite3_soci_error const& problem) {
                if (problem.result() != SQLITE_BUSY)
                    throw;
                execute(session, "begin immediate");
                execute(session, "rollback");
            }
        throw error{errc::store_unavailable, place() + " cannot keep a write-ahead log; put it on a local file system, and "
                                                       "end programs that hold it open in another journal mode"};
    }

    schema_words words() const override
    {
        return {.id = "text", .text = "text", .integer = "bigint", .serial_key = "integer primary key autoincrement",
                .clustered = " without rowid"};
    }
    bool is_alive(soci::session&) const override { return true; }
    bool has_one_writer() const override { return true; }
    statement_keeping kept_statements() const override { return statement_keeping::prepared; }
    std::vector<std::string> begin_migration() const override { return {"begin immediate"}; }
    std::vector<std::string> own_schema(int version) const override
    {
        if (version != 3)
            return {};
        return {"drop view present_steps", "create view present_steps as select task_id, step_no, state, name from steps"};
    }
    void look_after(soci::session&) const override {}
    state_listing in_state(task_state state) const override
    {
        std::string const condition = one_of("state", {&state_names[static_cast<std::size_t>(state)], 1});
        return {state == task_state::complete ? condition : condition + " and " + std::string{is_unusual}, "id desc"};
    }
    std::string_view begin_write() const override { return "begin immediate"; }
    std::string_view begin_read() const override { return "begin"; }
    std::string begin_step() const override { return "begin immediate"; }
    bool is_in_transaction(soci::session& session) const override { return sqlite3_get_autocommit(handle(session)) == 0; }
    /// A refused commit leaves its transaction open, to be rolled back.
    bool may_have_committed(soci::session& session, soci::soci_error const&) const override { return !is_in_transaction(session); }
    std::string_view wall_clock() const override { return sqlite_clock; }
    std::string_view count_tables() const override { return "select count(*) from sqlite_master where type = 'table'"; }
    std::string_view count_version_tables() const override
    {
        return "select count(*) from sqlite_master where type = 'table' and name = 'schema_version'";
    }
    std::string place() const override { return "SQLite file " + file_.string(); }

    error explain(soci::soci_error const& problem) const override
    {
        auto const* from_sqlite = dynamic_cast<soci::sqlite3_soci_error const*>(&problem);
        int const code = from_sqlite != nullptr ? from_sqlite->result() & 0xff : SQLITE_OK;
        return {errc::store_unavailable, place() + ' ' + advice(code) + " (" + problem.get_error_message() + ")"};
    }

private:
    static constexpr std::string_view synchronous_words[] = {"full", "normal", "off"};

    static std::string journal_mode(soci::session& session, std::string const& pragma)
    {
        query mode{session, {pragma, "", "t"}};
        return mode.run_once() ? mode.text() : std::string{};
    }

    /// SOCI's libraries keep the type information to themselves that -fsanitize=vptr would look at.
    __attribute__((no_sanitize("vptr")))
    static sqlite_api::sqlite3* handle(soci::session& session)
    {
        return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
    }

    std::string connection_text() const { return "db=\"" + file_.string() + '"'; }

    void limit_size(soci::session& session) const
    {
        query page{session, {"pragma page_size", "", "i"}};
        page.run_once();
        auto const pages = options_.size_limit / page.integer_as<std::uint64_t>();
        execute(session, "pragma max_page_count = " + std::to_string(pages));
    }

    std::string advice(int code) const
    {
        switch (code) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return "stayed locked by another process for " + to_text(options_.busy_timeout) +
                   "; end that process's transaction, or raise sqlite_options.busy_timeout";
        case SQLITE_NOTADB: return "is not an SQLite database; name another file, or move this one away";
        case SQLITE_CORRUPT: return "is damaged; restore it from a backup, or save what `sqlite3 FILE .recover` can read";
        case SQLITE_CANTOPEN:
            return "cannot be opened; " + remedy("check that its directory exists and that this user may write there");
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return "cannot be written; " + remedy("give this user the right to write the file, those beside it named -wal and -shm, "
                                                  "and its directory");
        case SQLITE_FULL: return "cannot grow; free space on its disk, or raise sqlite_options.size_limit";
        case SQLITE_IOERR: return "cannot be read or written; check its disk, its quota and its file-size limit";
        default: return "cannot be used";
        }
    }

    /// What to do about the first of the files and folders needed that may not be written; none is found: `otherwise`.
    std::string remedy(std::string otherwise) const
    {
        std::string const name = file_.string();
        std::string const folder = file_.has_parent_path() ? file_.parent_path().string() : ".";
        for (std::string const& needed : {name, name + "-wal", name + "-shm", folder}) {
            if (::faccessat(AT_FDCWD, needed.c_str(), W_OK, AT_EACCESS) == 0)
                continue;
            if (errno == EROFS)
                return "its file system is mounted read-only: mount it writable, or name a file elsewhere";
            if (errno == EACCES)
                return "give this user the right to write " + needed;
        }
        return otherwise;
    }

    std::filesystem::path file_;
    sqlite_options options_;
};

} // namespace sql
} // namespace tasker
