#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// What PostgreSQL refused, in its own words.
struct pg_error : std::runtime_error {
    pg_error(std::string const& what, std::string state) : std::runtime_error{what}, sqlstate{std::move(state)} {}
    std::string sqlstate; ///< five characters; empty when the connection is to blame
};

/// A connection that owes nothing to the library, for tests to look at a server behind the library's back.
class pg_session {
public:
    explicit pg_session(std::string const& connection) : connection_{PQconnectdb(connection.c_str())}
    {
        if (PQstatus(connection_.get()) != CONNECTION_OK)
            throw pg_error{PQerrorMessage(connection_.get()), {}};
    }

    /// One statement or several, which then are one transaction.
    void exec(std::string const& statements) { checked(result{PQexec(connection_.get(), statements.c_str())}); }

    /// The first column of the first row; nothing when that is null, or there is no row.
    std::optional<std::string> value(std::string const& statement, std::vector<std::string> const& parameters = {})
    {
        std::vector<char const*> texts;
        for (std::string const& text : parameters)
            texts.push_back(text.c_str());
        auto const rows =
            checked(result{PQexecParams(connection_.get(), statement.c_str(), static_cast<int>(texts.size()), nullptr,
                                        texts.data(), nullptr, nullptr, 0)});
        if (PQntuples(rows.get()) == 0 || PQnfields(rows.get()) == 0 || PQgetisnull(rows.get(), 0, 0) == 1)
            return std::nullopt;
        return PQgetvalue(rows.get(), 0, 0);
    }

    PGconn* native() noexcept { return connection_.get(); }

private:
    struct release {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
        void operator()(PGresult* rows) const noexcept { PQclear(rows); }
    };
    using result = std::unique_ptr<PGresult, release>;

    result checked(result rows)
    {
        auto const status = PQresultStatus(rows.get());
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
            return rows;
        char const* state = PQresultErrorField(rows.get(), PG_DIAG_SQLSTATE);
        throw pg_error{PQerrorMessage(connection_.get()), state == nullptr ? "" : state};
    }

    std::unique_ptr<PGconn, release> connection_;
};

} // namespace support
