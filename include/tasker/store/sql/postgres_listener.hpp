#pragma once

#include <tasker/base/error.hpp>
#include <tasker/store/announcements.hpp>

#include <libpq-fe.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker::sql {

/// A connection of its own that hears what is announced (`NOTIFY`) on one channel of a PostgreSQL database.
/// It sends nothing, so a server that vanished silently is found by TCP keep-alives alone: within a minute, unless the
/// connection string sets them otherwise. Announcements do not pass through a PgBouncer that pools by transaction.
/// Lifetime: open it after `fork`, never before.
class postgres_listener final : public announcement_source {
public:
    static constexpr std::size_t longest_channel = 63; ///< bytes; PostgreSQL would cut more off

    /// Connects and listens; blocks, at most as long as the string's `connect_timeout` says (10 s a host when it is silent).
    /// Throws `error{invalid_options}` for an empty or too long channel, `error{store_unavailable}`.
    postgres_listener(std::string const& connection_string, std::string channel)
        : channel_{std::move(channel)}
    {
        if (channel_.empty() || channel_.size() > longest_channel)
            throw error{errc::invalid_options, "the channel '" + channel_ + "' has " + std::to_string(channel_.size()) +
                                                   " bytes; PostgreSQL wants 1 to 63: choose a shorter schema name"};
        connection_ = connect(connection_string);
        if (!connection_)
            throw error{errc::store_unavailable, "out of memory while connecting to PostgreSQL; free some and try again"};
        PQsetNoticeProcessor(connection_.get(), [](void*, char const*) {}, nullptr); // libpq would print on stderr
        if (PQstatus(connection_.get()) != CONNECTION_OK)
            throw unavailable("cannot connect to PostgreSQL to hear announcements",
                              "check the connection string, and that the server runs and has connections to spare");
        listen();
    }

    int descriptor() const override { return PQsocket(connection_.get()); }

    std::vector<announcement> read() override
    {
        std::vector<announcement> heard;
        for (bool may_have_more = true; may_have_more;) { // TLS may hold back what it read beyond libpq's buffer
            if (PQconsumeInput(connection_.get()) == 0 || PQstatus(connection_.get()) != CONNECTION_OK)
                throw unavailable("the PostgreSQL connection that hears announcements broke",
                                  "connect again and look for what was announced in between");
            may_have_more = false;
            while (auto const notification = owned(PQnotifies(connection_.get()))) {
                may_have_more = true;
                if (notification->relname != channel_)
                    continue;
                if (auto const said = parse_announcement(notification->extra))
                    heard.push_back(*said);
            }
        }
        return heard;
    }

private:
    struct finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    struct clear {
        void operator()(PGresult* result) const noexcept { PQclear(result); }
    };
    struct release {
        void operator()(void* memory) const noexcept { PQfreemem(memory); }
    };

    template <class T>
    static std::unique_ptr<T, release> owned(T* memory)
    {
        return std::unique_ptr<T, release>{memory};
    }

    /// What the string or the environment says wins over these: a word's last value that is not empty counts.
    static std::unique_ptr<PGconn, finish> connect(std::string const& connection_string)
    {
        char const* const timeout = std::getenv("PGCONNECT_TIMEOUT") == nullptr ? "10" : "";
        char const* const words[] = {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
                                     "fallback_application_name", "dbname", nullptr};
        char const* const values[] = {timeout, "30", "10", "3", "tasker", connection_string.c_str(), nullptr};
        constexpr int expand_dbname = 1; // it is the whole string
        return std::unique_ptr<PGconn, finish>{PQconnectdbParams(words, values, expand_dbname)};
    }

    void listen()
    {
        auto const name = owned(PQescapeIdentifier(connection_.get(), channel_.data(), channel_.size()));
        std::unique_ptr<PGresult, clear> const answer{
            name ? PQexec(connection_.get(), (std::string{"listen "} + name.get()).c_str()) : nullptr};
        if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK || PQsetnonblocking(connection_.get(), 1) != 0)
            throw unavailable("PostgreSQL refuses to let us hear announcements on channel '" + channel_ + "'",
                              "check that the connection goes to the primary server");
    }

    error unavailable(std::string const& what, std::string const& what_now) const
    {
        return {errc::store_unavailable, what + " (" + in_one_line(PQerrorMessage(connection_.get())) + "); " + what_now};
    }

    static std::string in_one_line(std::string_view text)
    {
        std::string line;
        for (char const c : text) {
            bool const is_blank = c == '\n' || c == '\t' || c == ' ';
            if (!is_blank)
                line += c;
            else if (!line.ends_with(' '))
                line += ' ';
        }
        if (line.ends_with(' '))
            line.pop_back();
        return line;
    }

    std::string channel_;
    std::unique_ptr<PGconn, finish> connection_;
};

} // namespace tasker::sql
