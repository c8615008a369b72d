#pragma once

#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace support {

/// A fork of this process that runs `body(child)` and ends with its result; killed at the end of its scope.
/// Numbers go both ways through pipes, so that the two can wait for each other without sleeping.
class child_process {
public:
    template <class Body>
    explicit child_process(Body body)
    {
        if (::pipe(to_parent_) != 0 || ::pipe(to_child_) != 0)
            throw std::runtime_error{"cannot make a pipe"};
        id_ = ::fork();
        if (id_ < 0)
            throw std::runtime_error{"cannot fork"};
        if (id_ != 0) {
            close(to_parent_[1]);
            close(to_child_[0]);
            return;
        }
        close(to_parent_[0]);
        close(to_child_[1]);
        int code = 99;
        try {
            code = body(*this);
        } catch (std::exception const& problem) {
            std::cerr << "child process: " << problem.what() << std::endl;
        }
        ::_exit(code); // no test framework, no destructors of the parent's objects
    }
    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;
    ~child_process()
    {
        if (id_ > 0)
            kill();
        for (int* end : {&to_parent_[0], &to_parent_[1], &to_child_[0], &to_child_[1]})
            close(*end);
    }

    pid_t id() const { return id_; }

    /// To the other side.
    void tell(std::uint64_t number)
    {
        int const end = id_ == 0 ? to_parent_[1] : to_child_[1];
        if (::write(end, &number, sizeof number) != sizeof number)
            throw std::runtime_error{"the other process is gone"};
    }

    /// From the other side; nothing when it has ended.
    std::optional<std::uint64_t> hear()
    {
        std::uint64_t number = 0;
        auto const length = ::read(id_ == 0 ? to_child_[0] : to_parent_[0], &number, sizeof number);
        return length == sizeof number ? std::optional{number} : std::nullopt;
    }

    /// As `kill -9`, but leaves a zombie, as the parent of a killed process finds it.
    void kill_without_waiting() { ::kill(id_, SIGKILL); }

    void kill()
    {
        kill_without_waiting();
        ::waitpid(id_, nullptr, 0);
        id_ = -1;
    }

    /// What `body` returned, 99 when it threw, 98 when a signal ended it.
    int wait()
    {
        int status = 0;
        ::waitpid(id_, &status, 0);
        id_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
    }

private:
    static void close(int& end)
    {
        if (end >= 0)
            ::close(std::exchange(end, -1));
    }

    int to_parent_[2]{-1, -1};
    int to_child_[2]{-1, -1};
    pid_t id_ = -1;
};

} // namespace support
