#pragma once

#include <tasker/base/error.hpp>
#include <tasker/store/commit_line.hpp>
#include <tasker/store/sql/postgres_connection.hpp>
#include <tasker/store/sql/postgres_storage.hpp>
#include <tasker/store/sql/quotes.hpp>
#include <tasker/store/sql/small_statements.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <poll.h>

namespace tasker::sql {

/// A connection that commits small batches of one schema, each by one prepared statement.
/// Lifetime: open it after `fork`, never before.
class postgres_line final : public commit_line {
public:
    /// Connects and has the statements planned; blocks. `channel` is where workers hear each other. Not open when the server,
    /// or what stands in its place, does not take such statements. Throws `error{store_unavailable}`.
    postgres_line(std::string const& connection_string, std::string const& schema, std::string channel)
        : channel_{std::move(channel)}, connection_{PQconnectdb(connection_string.c_str())}
    {
        PQsetNoticeProcessor(connection_.get(), [](void*, char const*) {}, nullptr); // libpq would print on stderr
        is_open_ = set("search_path = " + in_quotes(schema, '"') + ", pg_temp") &&
                   set("default_transaction_isolation = 'read committed'") && // a lease is looked at as it is when its row is locked
                   set("lock_timeout = '2s'") &&                              // as in `commit_batch`
                   std::all_of(std::begin(planned_by_index), std::end(planned_by_index), [this](auto setting) { return set(setting); }) &&
                   plan(small_statement::creation, creation_text()) &&
                   plan(small_statement::task, known_task_text(small_statement::task)) &&
                   plan(small_statement::step, known_task_text(small_statement::step)) && PQsetnonblocking(connection_.get(), 1) == 0;
        if (PQstatus(connection_.get()) != CONNECTION_OK)
            throw error{errc::store_unavailable, "PostgreSQL cannot be connected to (" + one_line(PQerrorMessage(connection_.get())) + ")"};
    }

    int descriptor() const override { return PQsocket(connection_.get()); }
    bool is_open() const override { return is_open_; }

    /// Sees a server's farewell that has arrived already. A batch of which the socket does not take all at once is taken back
    /// with the connection and committed by `commit` under its number, whether or not the rest of it still arrives.
    bool send(commit_batch const& batch) override
    {
        sent_ = small_batch{batch, channel_}.parameters();
        if (!sent_)
            return false;
        auto const values = sent_->parameters.pointers();
        is_open_ = is_alive() &&
                   PQsendQueryPrepared(connection_.get(), name_of(sent_->statement), static_cast<int>(values.size()), values.data(),
                                       nullptr, nullptr, 0) == 1 &&
                   PQflush(connection_.get()) == 0;
        return is_open_;
    }

    /// A server that refuses the statement, read-only since, or with other tables, may refuse it for good: the line ends.
    line_answer read() override
    {
        is_open_ = PQconsumeInput(connection_.get()) == 1;
        if (!is_open_)
            return {line_answer::kind::unknown};
        while (PQisBusy(connection_.get()) == 0) {
            rows const next{PQgetResult(connection_.get())};
            if (!next)
                return std::exchange(answer_, line_answer{line_answer::kind::unknown});
            answer_ = answer_in(next.get());
            is_open_ = PQresultStatus(next.get()) == PGRES_TUPLES_OK && PQstatus(connection_.get()) == CONNECTION_OK;
        }
        return {};
    }

private:
    struct finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
        void operator()(PGresult* result) const noexcept { PQclear(result); }
    };
    using rows = std::unique_ptr<PGresult, finish>;

    static char const* name_of(small_statement which)
    {
        switch (which) {
        case small_statement::creation: return "small_creation";
        case small_statement::task: return "small_task";
        case small_statement::step: return "small_step";
        }
        return "";
    }

    bool set(std::string_view setting) { return takes("set " + std::string{setting}); }

    /// Prepares a statement, and has its plan made, which all that follow use.
    bool plan(small_statement which, std::string const& text)
    {
        rows const prepared{PQprepare(connection_.get(), name_of(which), text.c_str(), 0, nullptr)};
        rows const described{PQdescribePrepared(connection_.get(), name_of(which))};
        std::string nulls;
        for (int left = PQnparams(described.get()); left > 0; --left)
            nulls += nulls.empty() ? "null" : ", null";
        return takes(std::string{"explain execute "} + name_of(which) + '(' + nulls + ')');
    }

    bool takes(std::string const& sql)
    {
        rows const answer{PQexec(connection_.get(), sql.c_str())};
        auto const status = PQresultStatus(answer.get());
        return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    }

    /// What has arrived since the last batch can only be bad news.
    bool is_alive() const
    {
        pollfd arrived{PQsocket(connection_.get()), POLLIN, 0};
        while (PQstatus(connection_.get()) == CONNECTION_OK && ::poll(&arrived, 1, 0) > 0)
            if (PQconsumeInput(connection_.get()) != 1)
                return false;
        return PQstatus(connection_.get()) == CONNECTION_OK;
    }

    /// A creation of which nothing was written has an identity that is there already, and a refused statement wrote nothing:
    /// `commit` finds out more. A batch that is not a new one had arrived before.
    line_answer answer_in(PGresult const* result) const
    {
        if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
            return {line_answer::kind::unknown};
        if (sent_->statement == small_statement::creation)
            return {line_answer::kind::known};
        bool const is_new = std::string_view{PQgetvalue(result, 0, 0)} == "1";
        bool const was_held = std::string_view{PQgetvalue(result, 0, 1)} == "1";
        line_answer answer{is_new ? line_answer::kind::known : line_answer::kind::unknown};
        if (is_new && !was_held)
            answer.result.lease_lost.push_back(sent_->under);
        return answer;
    }

    std::string channel_;
    std::unique_ptr<PGconn, finish> connection_;
    std::optional<small_commit> sent_;
    line_answer answer_{line_answer::kind::unknown};
    bool is_open_ = false;
};

} // namespace tasker::sql
