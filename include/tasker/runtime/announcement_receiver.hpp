#pragma once

#include <tasker/base/error.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/lease_keeper.hpp>
#include <tasker/runtime/outcome_waiters.hpp>
#include <tasker/runtime/watched_socket.hpp>
#include <tasker/store/announcements.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace tasker {

/// Hears what other processes announce through the store, so that work submitted or woken elsewhere starts at once.
/// A lost connection is made again for as long as the engine works. Belongs to the strand.
template <class Lazy>
class basic_announcement_receiver {
public:
    basic_announcement_receiver(engine_parts& parts, lease_keeper& leases, outcome_waiters& waiters)
        : parts_{parts}, leases_{leases}, waiters_{waiters}
    {
    }

    /// Starts hearing, where the store has a way to; a store that is called in place announces nothing.
    void serve(std::weak_ptr<engine_parts> owner)
    {
        owner_ = std::move(owner);
        if (!parts_.calls.is_in_place())
            connect();
    }

    /// Hears no more, and leaves nothing for the executor to wait for.
    void stop()
    {
        stopped_ = true;
        parts_.waits.remove(reconnect_);
        disconnect();
    }

private:
    static constexpr duration first_pause = std::chrono::milliseconds{100};
    static constexpr duration longest_pause = std::chrono::seconds{5};

    void connect()
    {
        parts_.calls.run(
            offload::lane::listening, std::weak_ptr<void>{owner_}, [store = &parts_.store] { return store->listen(); },
            [this](std::exception_ptr const& problem, std::optional<std::unique_ptr<announcement_source>> source) {
                if (stopped_)
                    return;
                if (problem)
                    lost(problem);
                else if (source && *source)
                    connected(std::move(*source));
            });
    }

    void connected(std::unique_ptr<announcement_source> source)
    {
        connected_at_ = parts_.now();
        source_ = std::move(source);
        try {
            socket_.emplace(parts_.strand, source_->descriptor());
        } catch (std::exception const&) { // this process has no descriptor left
            lost(std::current_exception());
            return;
        }
        leases_.look(); // for what was announced before
        leases_.beat_now();
        waiters_.look_at_all();
        hear();
    }

    void await_news()
    {
        socket_->when_readable([this, owner = owner_](boost::system::error_code problem) {
            auto const alive = owner.lock();
            if (!alive || !source_ || problem == boost::asio::error::operation_aborted)
                return;
            if (problem)
                lost(std::make_exception_ptr(std::system_error{problem, "cannot watch the connection"}));
            else
                hear();
        });
    }

    void hear()
    {
        std::vector<announcement> heard;
        try {
            heard = source_->read();
        } catch (std::exception const&) {
            lost(std::current_exception());
            return;
        }
        await_news();
        for (announcement const& one : heard)
            obey(one);
        if (!heard.empty())
            parts_.schedule();
    }

    void obey(announcement const& one)
    {
        bool const is_own = one.worker == parts_.worker;
        switch (one.what) {
        case announcement::kind::work_due:
            if (!is_own)
                leases_.expect(std::max(one.due, parts_.now()));
            break;
        case announcement::kind::command_left:
            if (is_own)
                leases_.beat_now();
            break;
        case announcement::kind::tasks_over:
            if (!is_own)
                waiters_.look_at_all();
            break;
        }
    }

    /// A connection that breaks soon after it was made is a failure like one that could not be made.
    void lost(std::exception_ptr const& problem)
    {
        if (source_ && parts_.now() - connected_at_ >= longest_pause)
            failures_ = 0;
        disconnect();
        if (++failures_ == 1)
            complain(problem);
        auto const pause = first_pause * (1 << std::min(failures_ - 1, 6));
        parts_.waits.park(reconnect_, parts_.now() + std::min(pause, longest_pause));
    }

    void complain(std::exception_ptr const& problem)
    {
        try {
            std::rethrow_exception(problem);
        } catch (std::exception const& thrown) {
            parts_.events.publish(store_failing{std::string{"cannot hear what other workers announce: "} + thrown.what() +
                                                    ". The engine tries again by itself; meanwhile its safety poll finds their work",
                                                1, parts_.now()});
        }
    }

    void disconnect()
    {
        socket_.reset();
        source_.reset();
    }

    struct reconnect_node final : wait_node {
        explicit reconnect_node(basic_announcement_receiver& of) : owner{of} {}
        void on_due() override { owner.connect(); }
        basic_announcement_receiver& owner;
    };

    engine_parts& parts_;
    lease_keeper& leases_;
    outcome_waiters& waiters_;
    std::weak_ptr<engine_parts> owner_;
    std::unique_ptr<announcement_source> source_;
    std::optional<watched_socket> socket_; ///< of the source
    time_point connected_at_{};
    int failures_ = 0; ///< in a row
    bool stopped_ = false;
    reconnect_node reconnect_{*this};
};
using announcement_receiver = basic_announcement_receiver<void>;

} // namespace tasker
