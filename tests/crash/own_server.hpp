#pragma once

#include "support/pg_session.hpp"
#include "support/postgres.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace crash {

/// Where PostgreSQL's server programs are; nothing, and a warning, where none are installed: the test then ends.
inline std::optional<std::string> server_programs()
{
    auto const found = support::run_postgres_script("find");
    if (found.status == 0)
        return found.output;
    WARN("Skipped: " << found.output);
    return std::nullopt;
}

/// A PostgreSQL server for one test alone, which may stop it, kill it and start it again. Its files are in a temporary
/// folder and it trusts whoever reaches its socket there. It is a child of this process and ends with it.
class own_server {
public:
    explicit own_server(std::string programs) : programs_{std::move(programs)}, folder_{make_folder()} {}
    own_server(own_server const&) = delete;
    own_server& operator=(own_server const&) = delete;
    ~own_server()
    {
        if (process_ > 0)
            stop(SIGQUIT);
        if (std::system(("rm -rf '" + folder_ + "'").c_str()) != 0)
            std::perror("cannot remove the server's folder");
    }

    /// Makes an empty cluster.
    void initialize()
    {
        run(programs_ + "/initdb --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync -D " + data());
        configure("listen_addresses = ''\nport = 5432\nmax_connections = 100\nfsync = off\nshared_buffers = 32MB\n"
                  "max_wal_size = 256MB\ndynamic_shared_memory_type = mmap\nunix_socket_directories = '" +
                  folder_ + "'\n");
    }

    /// Forgets the cluster there was.
    void clear() const { run("rm -rf " + data()); }

    /// Makes a standby of `primary`, which must run.
    void follow(own_server const& primary)
    {
        run(programs_ + "/pg_basebackup --checkpoint=fast --no-sync --wal-method=stream --write-recovery-conf -D " +
            data() + " -d '" + primary.connection() + "'");
        configure("unix_socket_directories = '" + folder_ +
                  "'\nsynchronous_standby_names = ''\n"); // its own, once it is promoted
    }

    /// Adds lines to the settings, for the next start; the last line about a setting counts.
    void configure(std::string const& lines) const
    {
        std::string const file = data() + "/postgresql.auto.conf";
        std::ofstream{file, std::ios::app} << lines;
    }

    /// Returns when it accepts connections.
    void start()
    {
        process_ = ::fork();
        if (process_ == 0)
            become_server();
        for (auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{60};;) {
            if (PQping(connection().c_str()) == PQPING_OK)
                return;
            if (::waitpid(process_, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > until)
                throw std::runtime_error{"PostgreSQL does not start: " + log()};
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
    }

    /// SIGINT: sessions are ended, data are written. SIGQUIT: at once, to be recovered at the next start. SIGKILL: as
    /// in a crash.
    void stop(int signal)
    {
        long const segment = signal == SIGKILL ? shared_memory() : -1;
        ::kill(process_, signal);
        ::waitpid(process_, nullptr, 0);
        process_ = -1;
        if (segment >= 0)
            ::shmctl(static_cast<int>(segment), IPC_RMID, nullptr);
    }

    /// Has a standby become a primary; returns when it is one.
    void promote() const { support::pg_session{connection()}.value("select pg_promote(true, 60)"); }

    std::string const& folder() const noexcept { return folder_; }
    std::string connection() const { return "host=" + folder_ + " port=5432 dbname=postgres user=postgres"; }
    support::pg_session session() const { return support::pg_session{connection()}; }

    /// The last lines that the server wrote.
    std::string log() const
    {
        std::ifstream in{folder_ + "/log"};
        std::ostringstream text;
        text << in.rdbuf();
        std::string const all = text.str();
        return all.size() > 2000 ? all.substr(all.size() - 2000) : all;
    }

private:
    std::string data() const { return folder_ + "/data"; }

    /// Root runs PostgreSQL's programs as their system user: they refuse root.
    static std::vector<std::string> as_server_user()
    {
        if (::geteuid() != 0)
            return {};
        return {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig", "QUIT"};
    }

    static std::string prefix()
    {
        std::string words = "cd / && ";
        for (std::string const& word : as_server_user())
            words += word + " ";
        return words;
    }

    static std::string make_folder()
    {
        std::FILE* const made = ::popen((prefix() + "mktemp -d /tmp/tasker-server.XXXXXX").c_str(), "r");
        char line[256] = {};
        bool const is_made = made != nullptr && std::fgets(line, sizeof line, made) != nullptr;
        if (made == nullptr || ::pclose(made) != 0 || !is_made)
            throw std::runtime_error{"cannot make a folder for a server"};
        std::string folder{line};
        folder.pop_back();
        return folder;
    }

    void run(std::string const& command) const
    {
        if (std::system(("(" + prefix() + command + ") >>'" + folder_ + "/log' 2>&1").c_str()) != 0)
            throw std::runtime_error{command + " fails: " + log()};
    }

    /// In the child.
    [[noreturn]] void become_server() const
    {
        int const log = ::open((folder_ + "/log").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
        ::dup2(::open("/dev/null", O_RDONLY), 0);
        ::dup2(log, 1);
        ::dup2(log, 2);
        for (int other = 3; other < 1024; ++other) // of pipes that this process shares with others
            ::close(other);
#ifdef __linux__
        ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
#endif
        std::vector<std::string> words = as_server_user();
        words.insert(words.end(), {programs_ + "/postgres", "-D", data()});
        std::vector<char*> arguments;
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        if (::chdir("/") == 0)
            ::execvp(arguments.front(), arguments.data());
        ::_exit(127);
    }

    /// The segment that a killed server cannot remove itself: the last number of line 7 of its lock file.
    long shared_memory() const
    {
        std::ifstream in{data() + "/postmaster.pid"};
        std::string line;
        for (int at = 0; at < 7; ++at)
            std::getline(in, line);
        long key = 0;
        long segment = -1;
        std::istringstream{line} >> key >> segment;
        return segment;
    }

    std::string programs_;
    std::string folder_;
    pid_t process_ = -1;
};

} // namespace crash
