#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/states.hpp>

#include <soci/soci.h>

#include <string>
#include <string_view>
#include <vector>

namespace tasker::sql {

/// The column types and table endings in which databases differ.
struct schema_words {
    std::string_view id;            ///< of a UUID in its canonical text
    std::string_view text;
    std::string_view integer;       ///< 64 bits
    std::string_view serial_key;    ///< a primary key that counts up by itself
    std::string_view clustered;     ///< ends a table that is stored in the order of its key
    bool has_domains = false;       ///< types of one's own with a condition
};

/// How tasks in some state are listed, newest first, by the index that holds them.
struct state_listing {
    std::string condition;
    std::string order;
};

/// Whether statements are prepared once and kept, or sent whole each time.
enum class statement_keeping { prepared, sent_each_time };

/// Everything in which one database differs from another, but for the texts in `statements`.
/// Thread safety: constant after construction.
class dialect {
public:
    virtual ~dialect() = default;

    /// Connects `session` and sets what every session needs. Throws `error{store_unavailable}`.
    virtual void open(soci::session& session) const = 0;
    /// Whether the other end is still there, as far as can be told without asking it.
    virtual bool is_alive(soci::session& session) const = 0;
    /// Whether writers must wait for each other here, since the database would make them fail.
    virtual bool has_one_writer() const = 0;
    virtual statement_keeping kept_statements() const = 0;
    /// Sets what the database remembers by itself; called before migrations.
    virtual void found(soci::session& session) const = 0;
    /// Begins each migration's transaction: any other process that wants to migrate waits.
    virtual std::vector<std::string> begin_migration() const = 0;
    virtual schema_words words() const = 0;
    /// What a version of the schema, from the second on, holds besides what all databases have.
    virtual std::vector<std::string> own_schema(int version) const = 0;
    /// Called after migrations: sees to what must be made anew as time goes by. Throws `error{invalid_options}` when the
    /// schema was made with other options.
    virtual void look_after(soci::session& session) const = 0;
    virtual state_listing in_state(task_state state) const = 0;
    virtual std::string_view begin_write() const = 0;
    virtual std::string_view begin_read() const = 0;
    /// Begins, in one text of several statements perhaps, a transaction in which a step's body writes, too: it finds its own
    /// tables as it does in any session.
    virtual std::string begin_step() const = 0;
    virtual bool is_in_transaction(soci::session& session) const = 0;
    /// Whether a commit that failed like this may have arrived all the same.
    virtual bool may_have_committed(soci::session& session, soci::soci_error const& problem) const = 0;
    /// Tells the time of the database's machine: microseconds since 1970, UTC.
    virtual std::string_view wall_clock() const = 0;
    /// Counts the tables there are, whoever made them.
    virtual std::string_view count_tables() const = 0;
    /// Counts the tables named `schema_version`.
    virtual std::string_view count_version_tables() const = 0;
    /// The database in words for an error: `SQLite file orders.db`.
    virtual std::string place() const = 0;
    /// What `problem` means and what to do about it.
    virtual error explain(soci::soci_error const& problem) const = 0;
};

} // namespace tasker::sql
