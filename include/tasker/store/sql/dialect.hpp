#pragma once

#include <tasker/base/error.hpp>

#include <soci/soci.h>

#include <string>
#include <string_view>

namespace tasker::sql {

/// The column types and table endings in which databases differ.
struct schema_words {
    std::string_view id;            ///< of a UUID in its canonical text
    std::string_view text;
    std::string_view integer;       ///< 64 bits
    std::string_view serial_key;    ///< a primary key that counts up by itself
    std::string_view clustered;     ///< ends a table that is stored in the order of its key
};

/// Everything in which one database differs from another, but for the texts in `statements`.
/// Thread safety: constant after construction.
class dialect {
public:
    virtual ~dialect() = default;

    /// Connects `session` and sets what every session needs. Throws `error{store_unavailable}`.
    virtual void open(soci::session& session) const = 0;
    /// Sets what the database remembers by itself; called before each migration.
    virtual void found(soci::session& session) const = 0;
    virtual schema_words words() const = 0;
    virtual std::string_view begin_write() const = 0;
    virtual std::string_view begin_read() const = 0;
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
