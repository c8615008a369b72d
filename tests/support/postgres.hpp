#pragma once

#include "support/catch.hpp"
#include "support/pg_session.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace support {

/// What cmake/postgres.sh said, and the status it ended with.
struct script_result {
    int status = -1;
    std::string output;
};

inline script_result run_postgres_script(std::string const& arguments)
{
    std::string const command = "bash '" TASKER_SOURCE_DIRECTORY "/cmake/postgres.sh' " + arguments + " 2>&1";
    std::FILE* const running = ::popen(command.c_str(), "r");
    if (running == nullptr)
        throw std::runtime_error{"cannot run " + command};
    script_result result;
    std::array<char, 1024> text{};
    while (auto const length = std::fread(text.data(), 1, text.size(), running))
        result.output.append(text.data(), length);
    int const status = ::pclose(running);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    while (result.output.ends_with('\n'))
        result.output.pop_back();
    return result;
}

/// Starts a server with its files in `folder`, which ends with this process, and returns how to connect to it.
inline std::string start_postgres(std::string const& folder)
{
    auto const started = run_postgres_script("start --for " + std::to_string(::getpid()) + " '" + folder + "'");
    if (started.status != 0)
        throw std::runtime_error{started.output};
    return started.output;
}

/// The server that this machine's tests share, if there is one.
inline std::optional<std::string> find_postgres()
{
    if (char const* given = std::getenv("TASKER_POSTGRES"); given != nullptr && *given != '\0')
        return given;
    std::string connection;
    std::getline(std::ifstream{TASKER_POSTGRES_FOLDER "/connection"}, connection);
    if (!connection.empty() && PQping(connection.c_str()) == PQPING_OK)
        return connection;
    if (run_postgres_script("find").status != 0)
        return std::nullopt;
    return start_postgres(TASKER_POSTGRES_FOLDER "." + std::to_string(::getpid()));
}

/// How to connect to a PostgreSQL that this process may use: the one that the environment variable TASKER_POSTGRES
/// names, else the one that ctest started, else one of its own. Nothing, and a warning, where no server is installed:
/// the test then ends.
inline std::optional<std::string> const& postgres_connection()
{
    static std::optional<std::string> const connection = find_postgres();
    static bool warned = false;
    if (!connection && !std::exchange(warned, true))
        WARN("Skipped: there is no PostgreSQL server. Install one, or name one with TASKER_POSTGRES.");
    return connection;
}

/// An empty schema of the test's own, gone with all that is in it at the end of its scope.
class scratch_schema {
public:
    /// On the server of `postgres_connection()`, which must be there.
    scratch_schema() : scratch_schema{postgres_connection().value()} {}
    explicit scratch_schema(std::string connection) : connection_{std::move(connection)}
    {
        std::random_device random;
        name_ = "test_" + std::to_string((std::uint64_t{random()} << 32) | random());
        pg_session{connection_}.exec("create schema " + name_);
    }
    scratch_schema(scratch_schema const&) = delete;
    scratch_schema& operator=(scratch_schema const&) = delete;
    ~scratch_schema()
    {
        try {
            pg_session{connection_}.exec("set client_min_messages = warning; set lock_timeout = '20s';"
                                         "drop schema if exists " +
                                         name_ + " cascade");
        } catch (std::exception const& problem) {
            std::cerr << "The schema " << name_ << " stays behind: " << problem.what() << std::endl;
        }
    }

    std::string const& name() const noexcept { return name_; }
    std::string const& connection() const noexcept { return connection_; }

    /// A connection whose unqualified names are those of this schema.
    pg_session session() const
    {
        pg_session opened{connection_};
        opened.exec("set search_path = " + name_);
        return opened;
    }

private:
    std::string connection_;
    std::string name_;
};

} // namespace support
