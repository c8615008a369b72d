#pragma once

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace benchmark {

/// A connection of the benchmark's own, beside the store's.
class connection {
public:
    explicit connection(std::string const& address) : connection_{PQconnectdb(address.c_str())}
    {
        if (PQstatus(connection_.get()) != CONNECTION_OK)
            throw std::runtime_error{PQerrorMessage(connection_.get())};
        PQsetNoticeProcessor(connection_.get(), [](void*, char const*) {}, nullptr);
    }

    void run(std::string const& sql) { answer(sql); }

    /// The first column of the first row.
    std::string value(std::string const& sql) { return PQgetvalue(answer(sql).get(), 0, 0); }

private:
    struct release {
        void operator()(PGconn* of) const noexcept { PQfinish(of); }
        void operator()(PGresult* of) const noexcept { PQclear(of); }
    };

    std::unique_ptr<PGresult, release> answer(std::string const& sql)
    {
        std::unique_ptr<PGresult, release> rows{PQexec(connection_.get(), sql.c_str())};
        auto const status = PQresultStatus(rows.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            throw std::runtime_error{PQerrorMessage(connection_.get())};
        return rows;
    }

    std::unique_ptr<PGconn, release> connection_;
};

} // namespace benchmark
