#pragma once

#include <tasker/store/sql/analysis_functions.hpp>
#include <tasker/store/sql/dialect.hpp>
#include <tasker/store/sql/postgres_claim.hpp>
#include <tasker/store/sql/postgres_commit.hpp>
#include <tasker/store/sql/postgres_connection.hpp>
#include <tasker/store/sql/postgres_mail.hpp>
#include <tasker/store/sql/postgres_partitions.hpp>
#include <tasker/store/sql/postgres_presence.hpp>
#include <tasker/store/sql/postgres_storage.hpp>
#include <tasker/store/sql/statements.hpp>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/version.h>

#include <libpq-fe.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>

namespace tasker {

/// How a PostgreSQL store is reached and where in the database it lives.
struct postgres_options {
    /// The schema that holds the tables; made if there is none. Empty: the one that the connection finds first, as it must
    /// be behind a pooler that keeps no session settings (`alter role ... set search_path = ...` says which).
    std::string schema = "tasker";
    /// `sent_each_time` behind a pooler in transaction mode that knows no prepared statements (PgBouncer before 1.21).
    sql::statement_keeping statements = sql::statement_keeping::prepared;
    /// Where to hear what other workers announce (LISTEN): a connection of its own, straight to the server, since
    /// transaction poolers do not pass it on. Empty: the store's own connection string. "none": poll alone.
    std::string listen_connection = {};
    /// Not zero: the rows of steps and of history lie in partitions, each of the tasks created within one such span, at least
    /// a minute. `purge` then drops a partition when the last of its tasks has gone, instead of deleting row by row: for
    /// millions of tasks a day. Choose it so that some tens of partitions hold all; `migrate` and `purge` make the next four.
    /// Counts when the schema is made. Later, zero means as it was made, and another span is refused.
    duration partition_span = duration::zero();
};

namespace sql {

/// PostgreSQL, everything in one schema. Times are numbers, so no session's time zone matters.
class postgres_dialect final : public dialect {
public:
    /// Throws `error{invalid_options}`.
    postgres_dialect(std::string const& connection, postgres_options options)
        : connection_{postgres_connection::parse(connection)}, options_{std::move(options)}
    {
        if (!options_.schema.empty() && options_.statements == statement_keeping::sent_each_time)
            throw error{errc::invalid_options,
                        "behind a transaction pooler a session keeps no search path, so postgres_options.schema must be empty; "
                        "have the role find its tables: alter role ... set search_path = " + options_.schema};
        if (options_.partition_span != duration::zero() &&
            (options_.partition_span < std::chrono::minutes{1} || options_.partition_span > std::chrono::hours{24 * 36'500} ||
             options_.partition_span % std::chrono::milliseconds{1} != duration::zero()))
            throw error{errc::invalid_options, "postgres_options.partition_span must be zero, or whole milliseconds from a minute "
                                               "to a hundred years"};
        constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
        if (options_.schema.size() > 48 || options_.schema.find_first_not_of(letters) != std::string::npos)
            throw error{errc::invalid_options, "postgres_options.schema must be of letters, digits and underscores, at most 48 of them, "
                                               "because the channel on which workers tell each other of work is named after it"};
    }

    void open(soci::session& session) const override
    {
        try {
            session.open(soci::postgresql, connection_for_soci());
            PQsetNoticeProcessor(handle(session), [](void*, char const*) {}, nullptr); // "table exists, skipping" is no news
            for (std::string const& sql : session_settings())
                execute(session, sql);
        } catch (soci::soci_error const& problem) {
            throw explain(problem);
        }
    }

    /// Sees a server's farewell that has arrived already; asks nothing. The end of the connection stands behind its last words.
    bool is_alive(soci::session& session) const override
    {
        PGconn* const connection = handle(session);
        pollfd arrived{PQsocket(connection), POLLIN, 0};
        while (PQstatus(connection) == CONNECTION_OK && ::poll(&arrived, 1, 0) > 0)
            if (PQconsumeInput(connection) != 1)
                return false;
        return PQstatus(connection) == CONNECTION_OK;
    }

    bool has_one_writer() const override { return false; }
    statement_keeping kept_statements() const override { return options_.statements; }
    void found(soci::session&) const override {}

    std::vector<std::string> begin_migration() const override
    {
        std::string const schema = options_.schema.empty() ? "current_schema()" : in_quotes(options_.schema, '\'');
        std::vector<std::string> begin{"begin isolation level read committed", "select pg_advisory_xact_lock(hashtext('tasker ' || " + schema + "))"};
        if (!options_.schema.empty()) { // "if not exists" alone asks for rights that a mere user of the tables need not have
            begin.push_back("do $do$ begin if not exists (select from pg_namespace where nspname = " + schema +
                            ") then create schema " + in_quotes(options_.schema, '"') + "; end if; end $do$");
            begin.push_back("do $do$ begin if current_schema() is distinct from " + schema + " then raise exception "
                            "'permission denied for schema %', " + schema + " using errcode = 'insufficient_privilege'; end if; end $do$");
        }
        return begin;
    }

    schema_words words() const override
    {
        return {.id = "uuid", .text = "text collate \"C\"", .integer = "bigint",
                .serial_key = "bigint generated always as identity primary key", .clustered = "", .has_domains = true};
    }

    /// The functions come with the newest version, and take the place of those of earlier ones.
    std::vector<std::string> own_schema(int version) const override
    {
        switch (version) {
        case 2: return tables();
        case 3: return {set_storage("messages", steps_storage)};
        default: return functions();
        }
    }

    void look_after(soci::session& session) const override
    {
        query span{session, {"select partition_span()", "", "i"}, options_.statements};
        span.run_once();
        std::chrono::milliseconds const made_with{span.integer()};
        if (options_.partition_span != duration::zero() && options_.partition_span != made_with)
            throw error{errc::invalid_options,
                        place() + " was made " + (made_with.count() == 0 ? "without partitions" : "with partitions of " + to_text(made_with)) +
                            ", and postgres_options.partition_span says " + to_text(options_.partition_span) +
                            "; set it to zero to go on with the schema as it is, or name another schema"};
        execute(session, "select keep_partitions(0)");
        check_surroundings(session);
    }
    state_listing in_state(task_state state) const override { return listing_of(state); }

    std::string_view begin_write() const override { return "begin isolation level read committed"; }
    std::string_view begin_read() const override { return "begin isolation level repeatable read read only"; }
    /// Our tables first, then what the connection would find by itself.
    std::string begin_step() const override
    {
        std::string begin = "begin isolation level read committed"; // commit_batch must see what others have just committed
        if (!options_.schema.empty())
            begin += "; select set_config('search_path', concat_ws(', ', " + in_quotes(in_quotes(options_.schema, '"'), '\'') +
                     ", nullif(current_setting('tasker.outer_path'), ''), 'pg_temp'), true)";
        return begin;
    }
    bool is_in_transaction(soci::session& session) const override
    {
        return PQtransactionStatus(handle(session)) != PQTRANS_IDLE;
    }
    /// A server that says why has refused, unless it says that it is going down, or that it does not know.
    bool may_have_committed(soci::session&, soci::soci_error const& problem) const override
    {
        auto const* const known = dynamic_cast<soci::postgresql_soci_error const*>(&problem);
        std::string const state = known != nullptr ? known->sqlstate() : "";
        bool const is_told = state.find_first_not_of(' ') != std::string::npos;
        return !is_told || state.starts_with("08") || state.starts_with("57P") || state == "40003";
    }
    std::string_view wall_clock() const override { return postgres_clock; }
    std::string_view count_tables() const override
    {
        return "select count(*) from pg_class where relkind in ('r', 'p') and relnamespace = "
               "(select oid from pg_namespace where nspname = current_schema())";
    }
    std::string_view count_version_tables() const override
    {
        return "select count(*) from pg_class where relkind = 'r' and relname = 'schema_version' and relnamespace = "
               "(select oid from pg_namespace where nspname = current_schema())";
    }

    std::string place() const override
    {
        return connection_.place() + (options_.schema.empty() ? "" : ", schema " + options_.schema);
    }

    error explain(soci::soci_error const& problem) const override
    {
        auto const* const known = dynamic_cast<soci::postgresql_soci_error const*>(&problem);
        return {errc::store_unavailable,
                place() + ' ' + advice_for(known != nullptr ? known->sqlstate() : "") + " (" + one_line(problem.get_error_message()) + ")"};
    }

    /// Where workers hear each other; empty: it is named after the schema that the connection finds first.
    std::string channel() const { return options_.schema.empty() ? "" : "tasker_" + options_.schema; }

private:
    /// SOCI's libraries keep the type information to themselves that -fsanitize=vptr would look at.
    __attribute__((no_sanitize("vptr")))
    static PGconn* handle(soci::session& session)
    {
        return static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
    }

    /// SOCI 4.0 cuts a connection string at white space, quoted or not.
    std::string connection_for_soci() const
    {
        if constexpr (SOCI_VERSION < 400'100)
            return connection_.uri();
        else
            return connection_.text();
    }

    /// A worker stopped amid a transaction must not keep its locks for ever. Statements here are short: compiling them
    /// would cost more than it gains.
    std::vector<std::string> session_settings() const
    {
        if (options_.schema.empty()) // the session may be a pooler's, which gives it to others
            return {};
        return {"set idle_in_transaction_session_timeout = '30s'", "set jit = off", "set array_nulls = on",
                "set default_transaction_isolation = 'read committed'",
                "select set_config('tasker.outer_path', current_setting('search_path'), false), "
                               "set_config('search_path', " + in_quotes(in_quotes(options_.schema, '"') + ", pg_temp", '\'') + ", false)"};
    }

    /// What the database or the role is set to, and would make commits fail later.
    void check_surroundings(soci::session& session) const
    {
        query settings{session,
                       {"select current_setting('server_encoding'), current_setting('default_transaction_isolation'), "
                        "octet_length('tasker_' || current_schema())", "", "tti"},
                       options_.statements};
        settings.run_once();
        if (std::string const encoding = settings.text(); encoding != "UTF8" && encoding != "SQL_ASCII")
            throw error{errc::invalid_options, place() + " stores texts as " + encoding + ", which has no place for every letter that a "
                                               "payload or a failure may hold; create a database with encoding UTF8"};
        if (std::string const isolation = settings.text(); isolation != "read committed")
            throw error{errc::invalid_options, place() + " begins transactions of this role as " + isolation + ", but a commit must see what "
                                               "others have just committed; alter role ... set default_transaction_isolation = 'read committed'"};
        if (settings.integer() > 63)
            throw error{errc::invalid_options, place() + " keeps the tables in a schema whose name is too long for the channel on which "
                                               "workers tell each other of work; use a schema with a name of at most 56 bytes"};
    }

    std::vector<std::string> tables() const
    {
        std::vector<std::string> sql = postgres_storage();
        for (std::string& one : sql)
            fill_in(one, "$live$", is_live());
        for (std::string& one : lay_out(options_.partition_span))
            sql.push_back(std::move(one));
        return sql;
    }

    std::vector<std::string> functions() const
    {
        std::vector<std::string> sql{std::string{named_present_steps}, std::string{drop_changed_functions}};
        for (std::string_view const script :
             {std::string_view{mail_functions}, std::string_view{commit_function}, std::string_view{claim_functions},
              std::string_view{partition_functions}, std::string_view{presence_functions}})
            for (std::string& one : each_function(script))
                sql.push_back(pinned(std::move(one)));
        for (std::string& one : analysis_functions())
            sql.push_back(std::move(one));
        return sql;
    }

    /// The function with its search path written into it.
    std::string pinned(std::string function) const
    {
        constexpr std::string_view mark = "$pinned$";
        if (!options_.schema.empty())
            fill_in(function, mark, "set search_path = " + in_quotes(options_.schema, '"') + ", pg_temp");
        else if (function.find(mark) != std::string::npos)
            return "do $do$ begin execute replace($text$" + function +
                   "$text$, '$pinned$', format('set search_path = %I, pg_temp', current_schema())); end $do$";
        return function;
    }

    /// The texts of one script, each with what stands for a fragment filled in.
    static std::vector<std::string> each_function(std::string_view script)
    {
        std::vector<std::string> texts;
        constexpr std::string_view start = "create or replace function ";
        for (auto from = script.find(start); from != std::string_view::npos;) {
            auto const to = script.find(start, from + 1);
            std::string text{script.substr(from, to == std::string_view::npos ? to : to - from)};
            text.erase(text.find_last_not_of("; \n") + 1);
            fill_in(text, "$live$", is_live_on_postgres);
            fill_in(text, "$over$", is_over_on_postgres);
            fill_in(text, "$closed$", is_closed());
            fill_in(text, "$by_index$", by_index());
            fill_in(text, "$steps_storage$", steps_storage);
            fill_in(text, "$clock$", clock_expression);
            fill_in(text, "$task_columns$", new_task_columns);
            for (std::string_view const place : {"1", "i"}) {
                fill_in(text, "$task_row(" + std::string{place} + ")$", at_place(task_row, place));
                fill_in(text, "$changes(" + std::string{place} + ")$", at_place(task_changes, place));
                fill_in(text, "$left(" + std::string{place} + ")$", at_place(task_is_left, place));
            }
            texts.push_back(std::move(text));
            from = to;
        }
        return texts;
    }

    static std::string at_place(std::string_view rows, std::string_view place)
    {
        std::string text{rows};
        fill_in(text, "$i$", place);
        return text;
    }

    static void fill_in(std::string& text, std::string_view mark, std::string_view fragment)
    {
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + fragment.size()))
            text.replace(at, mark.size(), fragment);
    }

    postgres_connection connection_;
    postgres_options options_;
};

} // namespace sql
} // namespace tasker
