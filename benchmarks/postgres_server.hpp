#pragma once

#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include <unistd.h>

namespace benchmark {

/// The server to measure on: the one that the environment variable TASKER_POSTGRES names, or one of our own whose commits
/// reach the disk, started by cmake/postgres.sh and removed afterwards.
class postgres_server {
public:
    /// Our own has its files in a new folder in `parent`.
    explicit postgres_server(std::filesystem::path const& parent)
    {
        if (char const* const given = std::getenv("TASKER_POSTGRES"); given != nullptr && *given != '\0') {
            connection_ = given;
            return;
        }
        std::string const process = std::to_string(::getpid());
        folder_ = (parent / ("tasker-benchmark-" + process)).string();
        connection_ = script("start --durable --for " + process);
    }
    ~postgres_server()
    {
        if (is_ours())
            script("stop");
    }
    postgres_server(postgres_server const&) = delete;
    postgres_server& operator=(postgres_server const&) = delete;

    bool is_ours() const { return !folder_.empty(); }
    std::string const& connection() const { return connection_; }

private:
    /// Runs the script on our folder; what it prints, but for the end of the line.
    std::string script(std::string const& command) const
    {
        std::string const line = "bash '" TASKER_SOURCE_DIRECTORY "/cmake/postgres.sh' " + command + " '" + folder_ + "'";
        std::unique_ptr<FILE, int (*)(FILE*)> pipe{::popen(line.c_str(), "r"), &::pclose};
        std::string printed;
        for (int one = 0; pipe && (one = std::fgetc(pipe.get())) != EOF;)
            printed += static_cast<char>(one);
        if (!pipe || ::pclose(pipe.release()) != 0)
            throw std::runtime_error{"this did not succeed: " + line};
        return printed.substr(0, printed.find('\n'));
    }

    std::string folder_;
    std::string connection_;
};

/// A connection that looks at the server, and that has prepared statements of its own.
class observer {
public:
    explicit observer(std::string const& connection) : connection_{PQconnectdb(connection.c_str()), &PQfinish}
    {
        if (PQstatus(connection_.get()) != CONNECTION_OK)
            throw std::runtime_error{PQerrorMessage(connection_.get())};
        PQsetNoticeProcessor(connection_.get(), [](void*, char const*) {}, nullptr);
    }

    using answer = std::unique_ptr<PGresult, void (*)(PGresult*)>;

    answer ask(std::string const& sql) { return checked(PQexec(connection_.get(), sql.c_str())); }

    /// The first column of the first row.
    std::string value(std::string const& sql) { return PQgetvalue(ask(sql).get(), 0, 0); }

    void prepare(std::string const& name, std::string const& sql)
    {
        checked(PQprepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr));
    }

    void execute(std::string const& name, std::string const& parameter)
    {
        char const* const values[] = {parameter.c_str()};
        checked(PQexecPrepared(connection_.get(), name.c_str(), 1, values, nullptr, nullptr, 0));
    }

    /// CPU seconds of each of the server's processes, by their numbers; empty when it runs on another machine.
    std::map<std::string, double> server_cpu()
    {
        std::map<std::string, double> used;
        answer const processes = ask("select pid from pg_stat_activity");
        for (int row = 0; row < PQntuples(processes.get()); ++row) {
            std::string const process = PQgetvalue(processes.get(), row, 0);
            if (auto const seconds = cpu_of(process))
                used.emplace(process, *seconds);
        }
        return used;
    }

private:
    static std::optional<double> cpu_of(std::string const& process)
    {
        std::ifstream file{"/proc/" + process + "/stat"};
        std::string text;
        if (!std::getline(file, text) || text.find("(postgres)") == std::string::npos)
            return std::nullopt;
        std::istringstream fields{text.substr(text.rfind(')') + 1)};
        std::string skipped;
        for (int field = 3; field < 14; ++field)
            fields >> skipped;
        double user = 0;
        double system = 0;
        fields >> user >> system;
        return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }

    answer checked(PGresult* result)
    {
        answer held{result, &PQclear};
        auto const status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            throw std::runtime_error{PQerrorMessage(connection_.get())};
        return held;
    }

    std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

/// What the server's processes used between two looks; one that began in between counts from its beginning.
inline double used_between(std::map<std::string, double> const& before, std::map<std::string, double> const& after)
{
    double used = 0;
    for (auto const& [process, seconds] : after) {
        auto const then = before.find(process);
        used += seconds - (then == before.end() ? 0 : then->second);
    }
    return used;
}

} // namespace benchmark
