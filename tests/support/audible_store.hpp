#pragma once

#include <tasker/base/error.hpp>
#include <tasker/store/announcements.hpp>
#include <tasker/store/memory_store.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace support {

/// One end of a socket, closed at the end of its scope.
class socket_end {
public:
    explicit socket_end(int number) : number_{number} {}
    socket_end(socket_end&& from) noexcept : number_{std::exchange(from.number_, -1)} {}
    socket_end& operator=(socket_end&& from) noexcept
    {
        std::swap(number_, from.number_);
        return *this;
    }
    ~socket_end()
    {
        if (number_ >= 0)
            ::close(number_);
    }

    int number() const { return number_; }

    static std::pair<socket_end, socket_end> make_pair()
    {
        int both[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0)
            throw std::runtime_error{"cannot make a pair of sockets"};
        return {socket_end{both[0]}, socket_end{both[1]}};
    }

private:
    int number_;
};

/// Hears announcements as lines of a socket.
class socket_source final : public tasker::announcement_source {
public:
    explicit socket_source(socket_end from) : from_{std::move(from)} {}

    int descriptor() const override { return from_.number(); }

    std::vector<tasker::announcement> read() override
    {
        char some[4096];
        for (;;) {
            auto const length = ::recv(from_.number(), some, sizeof some, MSG_DONTWAIT);
            if (length == 0)
                throw tasker::error{tasker::errc::store_unavailable, "the other side hung up; listen again"};
            if (length < 0)
                break;
            text_.append(some, static_cast<std::size_t>(length));
        }
        std::vector<tasker::announcement> heard;
        for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
            if (auto const said = tasker::parse_announcement(std::string_view{text_}.substr(0, end)))
                heard.push_back(*said);
            text_.erase(0, end + 1);
        }
        return heard;
    }

private:
    socket_end from_;
    std::string text_;
};

/// Speaks to all who listen, and counts what a store is asked. Thread-safe.
class loudspeaker {
public:
    std::unique_ptr<tasker::announcement_source> listen()
    {
        std::scoped_lock const lock{mutex_};
        if (refusals_ > 0) {
            --refusals_;
            ++refused_;
            throw tasker::error{tasker::errc::store_unavailable, "nobody listens today; try again tomorrow"};
        }
        ++listened_;
        auto [here, there] = socket_end::make_pair();
        lines_.push_back(std::move(here));
        return std::make_unique<socket_source>(std::move(there));
    }

    void say(std::string const& text)
    {
        std::scoped_lock const lock{mutex_};
        for (socket_end const& line : lines_)
            if (::send(line.number(), (text + '\n').data(), text.size() + 1, MSG_NOSIGNAL) < 0)
                throw std::runtime_error{"nobody is on the line"};
    }
    void say(tasker::announcement const& what) { say(to_text(what)); }

    /// Breaks all connections; the next `refusals` that are tried fail, too.
    void hang_up(int refusals = 0)
    {
        std::scoped_lock const lock{mutex_};
        refusals_ = refusals;
        lines_.clear();
    }

    void asked_for_work() { count(claims_); }
    void asked_for_task() { count(loads_); }
    void heard_of(tasker::worker_id worker)
    {
        std::scoped_lock const lock{mutex_};
        ++heartbeats_;
        worker_ = worker;
    }

    /// Has `act` called by the store when a worker retires, before it is heard of. Set before there is an engine.
    void when_retiring(std::function<void()> act) { when_retiring_ = std::move(act); }
    void retiring()
    {
        if (when_retiring_)
            when_retiring_();
    }

    /// Blocks until the store was asked for a task that often.
    void await_loads(int count)
    {
        std::unique_lock lock{mutex_};
        counted_.wait(lock, [&] { return loads_ >= count; });
    }

    int claims() const { return read(claims_); }
    int loads() const { return read(loads_); }
    int heartbeats() const { return read(heartbeats_); }
    int listened() const { return read(listened_); }
    int refused() const { return read(refused_); }
    tasker::worker_id worker() const
    {
        std::scoped_lock const lock{mutex_};
        return worker_;
    }

private:
    void count(int& what)
    {
        std::scoped_lock const lock{mutex_};
        ++what;
        counted_.notify_all();
    }
    int read(int const& what) const
    {
        std::scoped_lock const lock{mutex_};
        return what;
    }

    std::mutex mutable mutex_;
    std::condition_variable counted_;
    std::vector<socket_end> lines_;
    int refusals_ = 0;
    int refused_ = 0;
    int listened_ = 0;
    int claims_ = 0;
    int loads_ = 0;
    int heartbeats_ = 0;
    tasker::worker_id worker_{};
    std::function<void()> when_retiring_;
};

/// The memory store as one that blocks and through which a loudspeaker is heard.
class audible_store : public tasker::memory_store {
public:
    audible_store(tasker::memory_store data, std::shared_ptr<loudspeaker> from)
        : memory_store{std::move(data)}, from_{std::move(from)}
    {
    }

    bool blocks() const noexcept { return true; }
    std::unique_ptr<tasker::announcement_source> listen() { return from_->listen(); }

    std::vector<tasker::claimed_task> claim(tasker::claim_request const& request)
    {
        from_->asked_for_work();
        return memory_store::claim(request);
    }
    std::optional<tasker::task_snapshot> load(tasker::task_id task)
    {
        from_->asked_for_task();
        return memory_store::load(task);
    }
    tasker::heartbeat_result heartbeat(tasker::heartbeat_request const& beat)
    {
        if (beat.lease == tasker::duration::zero())
            from_->retiring();
        from_->heard_of(beat.worker);
        return memory_store::heartbeat(beat);
    }

private:
    std::shared_ptr<loudspeaker> from_;
};

static_assert(tasker::store<audible_store>);
static_assert(tasker::announcing_store<audible_store>);

} // namespace support
