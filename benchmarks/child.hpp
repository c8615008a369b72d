#pragma once

#include <csignal>
#include <functional>
#include <stdexcept>
#include <utility>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace benchmark {

/// A process that does its work and ends, unless it is killed. Made while this one has a single thread.
class child {
public:
    explicit child(std::function<void(child&)> const& work)
    {
        if (::pipe(to_parent_) != 0 || ::pipe(to_child_) != 0)
            throw std::runtime_error{"no pipes are left"};
        process_ = ::fork();
        if (process_ < 0)
            throw std::runtime_error{"cannot fork"};
        if (process_ != 0)
            return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(*this); // whoever throws here ends by std::terminate, with its words
        ::_exit(0);
    }
    ~child()
    {
        kill();
        for (int const end : {to_parent_[0], to_parent_[1], to_child_[0], to_child_[1]})
            ::close(end);
    }
    child(child const&) = delete;
    child& operator=(child const&) = delete;

    /// In the child: says that it is ready, and waits for `go`.
    void be_ready()
    {
        write(to_parent_[1]);
        read(to_child_[0]);
    }
    void wait_until_ready() { read(to_parent_[0]); }
    void go() { write(to_child_[1]); }

    void kill()
    {
        if (process_ <= 0)
            return;
        ::kill(process_, SIGKILL);
        ::waitpid(std::exchange(process_, 0), nullptr, 0);
    }

    /// Until it has ended, which must be well.
    void wait()
    {
        int status = 0;
        if (::waitpid(std::exchange(process_, 0), &status, 0) < 0 || status != 0)
            throw std::runtime_error{"a process of the benchmark failed"};
    }

private:
    static void write(int to)
    {
        if (::write(to, "!", 1) != 1)
            throw std::runtime_error{"the other process is gone"};
    }
    static void read(int from)
    {
        char one = 0;
        if (::read(from, &one, 1) != 1)
            throw std::runtime_error{"the other process is gone"};
    }

    pid_t process_ = 0;
    int to_parent_[2] = {};
    int to_child_[2] = {};
};

} // namespace benchmark
