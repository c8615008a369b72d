#pragma once

#include <tasker/base/error.hpp>
#include <tasker/store/sql/quotes.hpp>

#include <libpq-fe.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tasker::sql {

/// libpq writes its messages for terminals, in several lines.
inline std::string one_line(std::string_view message)
{
    std::string line;
    for (char const one : message)
        if (one != '\n' && one != '\t')
            line += one;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

/// What an SQLSTATE means for whoever runs the program (PostgreSQL's manual, appendix A).
inline std::string advice_for(std::string_view state)
{
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> advice{{
        {"28", "refuses this user; check the user, the password and the server's pg_hba.conf"},
        {"3D", "has no such database; create it, or name another"},
        {"3F", "has no such schema; let a role that may create it run the program once"},
        {"42501", "does not give this role the right; grant it usage of the schema and all rights on its tables, or let the owner "
                  "run the migration"},
        {"25006", "takes no writes: it is a standby (name all hosts, with target_session_attrs=read-write), or default_transaction_read_only is on"},
        {"53100", "has no disk space left; free some"},
        {"53300", "has no connection left; raise max_connections, or put a pooler in front of it"},
        {"53", "is out of resources"},
        {"57P03", "is starting up or shutting down; it is asked again"},
        {"57P", "was shut down or ended this connection; it is asked again"},
        {"57014", "stopped a statement that took too long; look at statement_timeout"},
        {"40", "had to give up a transaction for another's sake; it is tried again"},
        {"55P03", "stayed locked by another session"},
        {"42P", "does not have the tables as this library knows them; run the migration"},
    }};
    for (auto const& [prefix, sentence] : advice)
        if (state.starts_with(prefix))
            return std::string{sentence};
    bool const is_known = state.size() == 5 && state.find_first_not_of(' ') != std::string_view::npos && !state.starts_with("08");
    return is_known ? "refused a statement" : "cannot be reached; it is asked again";
}

/// A connection string of libpq, understood: keywords or a URI, several hosts allowed.
class postgres_connection {
public:
    /// Throws `error{invalid_options}` that says what is wrong. A server that has vanished is noticed within some ten
    /// seconds, unless the string says otherwise: libpq itself would wait for hours.
    static postgres_connection parse(std::string const& connection)
    {
        char* problem = nullptr;
        std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> const options{PQconninfoParse(connection.c_str(), &problem),
                                                                                  &PQconninfoFree};
        std::unique_ptr<char, decltype(&PQfreemem)> const message{problem, &PQfreemem};
        if (!options)
            throw error{errc::invalid_options, "the PostgreSQL connection string cannot be read: " +
                                                   one_line(message ? message.get() : "out of memory") +
                                                   "; write it like \"host=localhost dbname=shop user=worker\""};
        postgres_connection parsed;
        for (auto const* option = options.get(); option->keyword != nullptr; ++option)
            if (option->val != nullptr)
                parsed.values_[option->keyword] = option->val;
        for (auto const& [keyword, value] : {std::pair{"connect_timeout", "5"}, std::pair{"keepalives_idle", "5"},
                                             std::pair{"keepalives_interval", "2"}, std::pair{"keepalives_count", "3"},
                                             std::pair{"tcp_user_timeout", "10000"}, std::pair{"application_name", "tasker"}})
            parsed.values_.try_emplace(keyword, value);
        parsed.values_["client_encoding"] = "UTF8";
        return parsed;
    }

    /// The whole of it as keywords.
    std::string text() const
    {
        std::string text;
        for (auto const& [keyword, value] : values_) {
            text.append(text.empty() ? "" : " ").append(keyword).append("='");
            for (char const one : value) {
                if (one == '\'' || one == '\\')
                    text += '\\';
                text += one;
            }
            text += '\'';
        }
        return text;
    }

    /// The whole of it as a URI, which holds no white space whatever its values hold.
    std::string uri() const
    {
        std::string text;
        for (auto const& [keyword, value] : values_) {
            text.append(text.empty() ? "postgresql:///?" : "&").append(keyword).append("=");
            for (char const one : value) {
                auto const byte = static_cast<unsigned char>(one);
                text.append({'%', "0123456789ABCDEF"[byte / 16], "0123456789ABCDEF"[byte % 16]});
            }
        }
        return text;
    }

    /// In words, without the password.
    std::string place() const
    {
        std::string const name = value_of("dbname", "");
        return "PostgreSQL" + (name.empty() ? "" : " database " + name) + " at " + value_of("host", value_of("hostaddr", "the default socket"));
    }

private:
    std::string value_of(std::string const& keyword, std::string fallback) const
    {
        auto const found = values_.find(keyword);
        return found == values_.end() ? std::move(fallback) : found->second;
    }

    std::map<std::string, std::string> values_;
};

} // namespace tasker::sql
