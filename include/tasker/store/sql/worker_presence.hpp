#pragma once

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/types.h>
#include <unistd.h>

namespace tasker::sql {

/// Where a worker runs, told well enough to see later, on the same machine, that it has ended.
struct process_identity {
    std::string host;          ///< the machine's boot and its process namespace; empty: unknown
    std::int64_t process = 0;  ///< process id within that namespace
    std::int64_t started = 0;  ///< tells it from a later process with the same id

    friend bool operator==(process_identity const&, process_identity const&) = default;
};

/// Knows which processes have ended, so that their leases need not run out first.
class worker_presence {
public:
    virtual ~worker_presence() = default;

    virtual process_identity self() const = 0;
    /// True only when `other` has certainly ended: never for processes that cannot be seen from here.
    virtual bool is_gone(process_identity const& other) const = 0;
};

/// Sees the processes of this machine (of this container, if in one), through Linux's /proc.
/// Elsewhere it knows nobody, and leases run out in their own time.
class local_presence final : public worker_presence {
public:
    explicit local_presence(std::filesystem::path proc = "/proc") : proc_{std::move(proc)} {}

    process_identity self() const override
    {
        process_identity mine{host(), static_cast<std::int64_t>(::getpid()), 0};
        mine.started = look_up(mine.process).started;
        return mine.started == 0 ? process_identity{} : mine;
    }

    bool is_gone(process_identity const& other) const override
    {
        if (other.host.empty() || other.host != host())
            return false;
        process const found = look_up(other.process);
        if (found.started == 0) // ended, or another user's on a /proc that hides those
            return ::kill(static_cast<pid_t>(other.process), 0) != 0 && errno == ESRCH;
        return found.has_ended || found.started != other.started;
    }

private:
    struct process {
        std::int64_t started = 0; ///< clock ticks after the machine's boot; zero: not to be seen
        bool has_ended = false;
    };

    std::string host() const
    {
        std::string boot;
        std::ifstream{proc_ / "sys/kernel/random/boot_id"} >> boot;
        std::error_code unknown;
        auto const space = std::filesystem::read_symlink(proc_ / "self/ns/pid", unknown);
        return boot.empty() || unknown ? std::string{} : boot + ' ' + space.string();
    }

    /// Fields 3 (state), 20 (threads) and 22 (start time) of /proc/PID/stat; the second field is a name in parentheses and
    /// may hold anything.
    process look_up(std::int64_t id) const
    {
        std::ifstream file{proc_ / std::to_string(id) / "stat"};
        std::ostringstream text;
        text << file.rdbuf();
        std::string const line = text.str();
        auto const name_end = line.rfind(')');
        if (name_end == std::string::npos)
            return {};
        std::istringstream fields{line.substr(name_end + 1)};
        char state = 0;
        fields >> state;
        std::string skipped;
        for (int field = 4; field < 20; ++field)
            fields >> skipped;
        int threads = 0;
        process found;
        fields >> threads >> skipped >> found.started;
        // A zombie only waits to be counted, unless its first thread alone has ended and others go on.
        found.has_ended = state == 'X' || (state == 'Z' && threads <= 1);
        return found;
    }

    std::filesystem::path proc_;
};

} // namespace tasker::sql
