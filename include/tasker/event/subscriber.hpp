#pragma once

#include <tasker/base/unique_function.hpp>
#include <tasker/event/event_table.hpp>
#include <tasker/event/heard_event.hpp>
#include <tasker/event/subscribe_options.hpp>
#include <tasker/event/subscriber_error.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tasker::detail {

/// What becomes of events that still wait when a subscriber ends.
enum class backlog { deliver, discard };

/// One subscriber of a bus: its callback, and for queued delivery its queue and thread. Thread-safe. The bus, its
/// subscription and its thread share it, because each may be the last to let go.
class subscriber {
public:
    using callback = unique_function<void(event const&)>;

    subscriber(callback call, event_set heard, subscribe_options options,
               std::shared_ptr<subscriber_error_callback const> on_error)
        : name_{options.name}, heard_{heard}, delivery_{options.delivery}, capacity_{options.capacity},
          on_error_{std::move(on_error)}, call_{std::move(call)}
    {
    }

    /// Starts the thread of a queued subscriber; once, before anything else.
    static void start(std::shared_ptr<subscriber> const& self)
    {
        if (self->delivery_ == delivery::queued)
            self->thread_ = std::thread{[self] { self->deliver(); }};
    }

    bool hears(std::size_t index) const noexcept { return ((heard_ >> index) & 1U) != 0; }
    event_set heard() const noexcept { return heard_; }
    bool is_queued() const noexcept { return delivery_ == delivery::queued; }
    std::size_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
    std::size_t failures() const noexcept { return failures_.load(std::memory_order_relaxed); }

    /// Calls the subscriber on this thread, unless it has ended.
    void tell(event const& one)
    {
        {
            std::lock_guard const lock{mutex_};
            if (closed_)
                return;
            running_.push_back(std::this_thread::get_id());
        }
        call(one);
        leave();
    }

    /// Leaves the event to the subscriber's thread, unless it has ended; drops the oldest one when the queue is full.
    void enqueue(std::shared_ptr<event const> one)
    {
        std::shared_ptr<event const> oldest; // outlives the lock: freeing an event takes time
        std::unique_lock lock{mutex_};
        if (closed_)
            return;
        bool const was_empty = waiting_.empty();
        if (waiting_.size() == capacity_) {
            oldest = std::move(waiting_.front());
            waiting_.pop_front();
            dropped_.fetch_add(1, std::memory_order_relaxed);
        }
        waiting_.push_back(std::move(one));
        ++accepted_;
        lock.unlock();
        if (was_empty) // else the thread is busy, and looks again before it waits
            arrived_.notify_one();
    }

    /// Returns when everything enqueued before the call was delivered, dropped or discarded.
    void flush()
    {
        std::unique_lock lock{mutex_};
        if (is_within())
            return; // it would wait for itself
        settled_.wait(lock, [this, last = accepted_] { return oldest_unsettled() > last; });
    }

    /// Nothing published from now on is heard.
    void close(backlog what)
    {
        std::deque<std::shared_ptr<event const>> discarded;
        std::unique_lock lock{mutex_};
        if (what == backlog::discard)
            discarded.swap(waiting_);
        bool const first = !std::exchange(closed_, true);
        arrived_.notify_all();
        settled_.notify_all();
        if (first && delivery_ == delivery::in_place) {
            running_.push_back(std::this_thread::get_id());
            lock.unlock();
            leave();
        }
    }

    /// Returns when the callback runs no more and is destroyed; at once when called from within it.
    /// Precondition: closed.
    void wait_ended()
    {
        std::unique_lock lock{mutex_};
        bool const within = is_within();
        if (!within)
            settled_.wait(lock, [this] { return running_.empty() && !call_; });
        std::thread thread = std::move(thread_);
        lock.unlock();
        if (!thread.joinable())
            return;
        if (within)
            thread.detach(); // it is this very thread, or waits for it; it owns all that it touches
        else
            thread.join();
    }

private:
    void deliver()
    {
        std::unique_lock lock{mutex_};
        for (;;) {
            arrived_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
            running_.push_back(std::this_thread::get_id());
            if (waiting_.empty())
                break;
            delivering_ = oldest_unsettled();
            std::shared_ptr<event const> one = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            call(*one);
            one.reset();
            lock.lock();
            delivering_ = 0;
            running_.clear();
            settled_.notify_all();
        }
        lock.unlock();
        leave();
    }

    /// Ends a call on this thread; the last one of a closed subscriber destroys the callback, still as a running call,
    /// so that a callback which owns its own subscription does not wait for itself.
    void leave()
    {
        std::unique_lock lock{mutex_};
        if (closed_ && running_.size() == 1 && waiting_.empty()) {
            callback last = std::move(call_);
            lock.unlock();
            last = callback{};
            lock.lock();
        }
        running_.erase(std::find(running_.begin(), running_.end(), std::this_thread::get_id()));
        settled_.notify_all();
    }

    void call(event const& one) noexcept
    {
        try {
            call_(one);
        } catch (std::exception const& problem) {
            report(one, problem.what());
        } catch (...) {
            report(one, "an exception that is not a std::exception");
        }
    }

    void report(event const& one, std::string_view what) noexcept
    {
        subscriber_error const problem{name_, name_of(one), what,
                                       failures_.fetch_add(1, std::memory_order_relaxed) + 1,
                                       std::current_exception()};
        try {
            (*on_error_)(problem);
        } catch (...) { // the callback is broken too: the line is all that is left
            log_subscriber_error(problem);
        }
    }

    bool is_within() const
    {
        return std::find(running_.begin(), running_.end(), std::this_thread::get_id()) != running_.end();
    }

    std::uint64_t oldest_unsettled() const
    {
        return delivering_ != 0 ? delivering_ : accepted_ - waiting_.size() + 1;
    }

    std::string const name_;
    event_set const heard_;
    tasker::delivery const delivery_;
    std::size_t const capacity_;
    std::shared_ptr<subscriber_error_callback const> const on_error_;
    std::atomic<std::size_t> dropped_{0};
    std::atomic<std::size_t> failures_{0};

    std::mutex mutex_; // guards all below
    std::condition_variable arrived_;
    std::condition_variable settled_;
    callback call_; // called without the lock; destroyed only when closed and no call runs
    std::deque<std::shared_ptr<event const>> waiting_;
    std::vector<std::thread::id> running_; // threads inside the callback; a thread that publishes in it stands twice
    std::uint64_t accepted_ = 0;           // events ever enqueued: each has a number, from 1
    std::uint64_t delivering_ = 0;         // number of the event that runs, or 0
    bool closed_ = false;
    std::thread thread_;
};

} // namespace tasker::detail
