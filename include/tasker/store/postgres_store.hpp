#pragma once

#include <tasker/store/sql/array_access.hpp>
#include <tasker/store/sql/postgres_dialect.hpp>
#include <tasker/store/sql/postgres_line.hpp>
#include <tasker/store/sql/postgres_listener.hpp>
#include <tasker/store/sql_store.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

/// Keeps everything in one schema of a PostgreSQL database (15 or newer), which any number of processes on any number of
/// machines may share: each owns its tasks by leases. Needs SOCI (`soci_core`, `soci_postgresql`) and libpq.
/// Throws `error{invalid_options}` for a connection string that cannot be read, `error{store_unavailable}` when the
/// server cannot be reached. Later on a lost connection fails the operation under way, and the next one connects anew.
/// Lifetime: open it after `fork`, never before. Thread safety: as the store contract says; every call that runs at the same
/// time as another uses a connection of its own, which are five for an engine, one of them for LISTEN, and up to 16 more where
/// steps write in transactions of their own.
class postgres_store : public sql_store<sql::array_access> {
public:
    /// `connection` is a connection string of libpq, keywords or URI; name several hosts and
    /// `target_session_attrs=read-write` to follow a failover.
    explicit postgres_store(std::string const& connection, postgres_options const& options = {})
        : postgres_store{connection, options, std::make_unique<sql::local_presence>()}
    {
    }

    /// With another way to know which workers of this machine have ended.
    postgres_store(std::string const& connection, postgres_options const& options,
                   std::unique_ptr<sql::worker_presence const> presence)
        : postgres_store{std::make_unique<sql::postgres_dialect>(connection, options), std::move(presence),
                         listen_address(connection, options), line_address(connection, options), options.schema}
    {
    }

    /// As the concept `store` says.
    std::vector<task_record> find(task_filter filter, page const& page)
    {
        std::string const key = sql::storable(filter.identity_key.value_or("")); // as it was stored
        if (filter.identity_key)
            filter.identity_key = key;
        return sql_store::find(filter, page);
    }

    /// Connects to commit small batches without blocking; nothing where the schema is not named, as behind a pooler that
    /// keeps no session's settings, and where such batches cannot be committed by one statement.
    std::unique_ptr<commit_line> open_line()
    {
        if (line_on_.empty())
            return nullptr;
        auto line = std::make_unique<sql::postgres_line>(line_on_, schema_, access().channel());
        return line->is_open() ? std::move(line) : nullptr;
    }

    /// Connects to hear what other processes announce; nothing when the options say to poll.
    std::unique_ptr<announcement_source> listen()
    {
        if (listen_on_.empty())
            return nullptr;
        return std::make_unique<sql::postgres_listener>(listen_on_, access().channel());
    }

private:
    postgres_store(std::unique_ptr<sql::postgres_dialect> of, std::unique_ptr<sql::worker_presence const> presence,
                   std::string listen_on, std::string line_on, std::string schema)
        : sql_store{open(std::move(of), std::move(presence)), sql::analysis_form::stored_function}, listen_on_{std::move(listen_on)},
          line_on_{std::move(line_on)}, schema_{std::move(schema)}
    {
    }

    static std::unique_ptr<sql::soci_store<sql::array_access>> open(std::unique_ptr<sql::postgres_dialect> of,
                                                                    std::unique_ptr<sql::worker_presence const> presence)
    {
        std::string channel = of->channel();
        return std::make_unique<sql::soci_store<sql::array_access>>(std::move(of), std::move(presence), std::move(channel));
    }

    static std::string listen_address(std::string const& connection, postgres_options const& options)
    {
        if (options.listen_connection == "none")
            return {};
        std::string const& address = options.listen_connection.empty() ? connection : options.listen_connection;
        return sql::postgres_connection::parse(address).text();
    }

    static std::string line_address(std::string const& connection, postgres_options const& options)
    {
        return options.schema.empty() ? std::string{} : sql::postgres_connection::parse(connection).text();
    }

    std::string listen_on_;
    std::string line_on_;
    std::string schema_;
};

static_assert(store<postgres_store>);
static_assert(announcing_store<postgres_store>);
static_assert(lined_store<postgres_store>);

} // namespace tasker
