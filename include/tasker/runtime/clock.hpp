#pragma once

#include <tasker/base/time.hpp>
#include <tasker/base/unique_function.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

namespace tasker {

/// One resettable alarm of a clock.
class alarm {
public:
    virtual ~alarm() = default;
    /// Calls `ring` once on the alarm's executor at `due` or soon after; an earlier setting is forgotten.
    virtual void set(time_point due, unique_function<void()> ring) = 0;
    /// Forgets the setting; a call that is under way already may still come.
    virtual void cancel() = 0;
};

/// The engine's only source of time.
class clock {
public:
    virtual ~clock() = default;
    /// Never goes back. Thread-safe.
    virtual time_point now() const = 0;
    /// Compares with the store's clock, which rules over leases and due times; nothing: the store has none of its own.
    virtual void synchronize(std::optional<time_point> store_now) = 0;
    /// Takes over the store's clock, forward or back; called before anything waits.
    virtual void start_from(std::optional<time_point> store_now) = 0;
    /// An alarm of its own for the caller, which rings on `executor`. Lifetime: must not outlive the clock.
    virtual std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor executor) = 0;
};

/// UTC, read once (from the store, if it has a clock) and carried on by the steady clock. At each heartbeat it is moved forward to the store's clock when it
/// lags (the machine was suspended, the wall clock was set forward), never back: what waits may then be due at once.
template <class Lazy>
class basic_system_clock final : public clock {
public:
    basic_system_clock() : offset_{wall() - steady()} {}

    time_point now() const override
    {
        return time_point{steady() + offset_.load(std::memory_order_relaxed)};
    }

    void synchronize(std::optional<time_point> store_now) override
    {
        if (!store_now)
            return;
        duration const offset = store_now->time_since_epoch() - steady();
        if (offset > offset_.load(std::memory_order_relaxed)) // called on one strand: no race between the two
            offset_.store(offset, std::memory_order_relaxed);
    }

    void start_from(std::optional<time_point> store_now) override
    {
        if (store_now)
            offset_.store(store_now->time_since_epoch() - steady(), std::memory_order_relaxed);
    }

    /// A steady timer on `executor`.
    std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor executor) override
    {
        return std::make_unique<timer_alarm>(*this, std::move(executor));
    }

private:
    static duration steady()
    {
        return std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch());
    }
    static duration wall()
    {
        return std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch());
    }

    class timer_alarm final : public alarm {
    public:
        timer_alarm(basic_system_clock const& owner, boost::asio::any_io_executor executor)
            : owner_{owner}, timer_{std::move(executor)}
        {
        }

        void set(time_point due, unique_function<void()> ring) override
        {
            timer_.expires_after(due - owner_.now());
            timer_.async_wait([ring = std::move(ring)](boost::system::error_code problem) mutable {
                if (!problem)
                    ring();
            });
        }

        void cancel() override { timer_.cancel(); }

    private:
        basic_system_clock const& owner_;
        boost::asio::steady_timer timer_;
    };

    std::atomic<duration> offset_;
};
using system_clock = basic_system_clock<void>;

} // namespace tasker
