#pragma once

#include <tasker/runtime/clock.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tasker::testing {

/// A clock that stands still until it is moved. Starts at 2030-01-01T00:00:00Z.
class virtual_clock final : public clock, public std::enable_shared_from_this<virtual_clock> {
public:
    time_point now() const override { return now_.load(); }
    void synchronize(std::optional<time_point>) override {}
    void start_from(std::optional<time_point>) override {}

    /// Rings when `advance_to` reaches its time, by a handler posted to `executor`. The clock must be held by a
    /// `std::shared_ptr`.
    std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor executor) override
    {
        return std::make_unique<virtual_alarm>(shared_from_this(), std::move(executor));
    }

    /// When the earliest alarm rings, or nothing when none is set.
    std::optional<time_point> next_due() const
    {
        std::optional<time_point> first;
        for (virtual_alarm const* one : alarms_)
            if (one->due && (!first || *one->due < *first))
                first = one->due;
        return first;
    }

    /// Moves to `later` (never back) and posts the alarms that are due by then.
    void advance_to(time_point later)
    {
        now_.store(std::max(now_.load(), later));
        for (virtual_alarm* one : std::vector{alarms_})
            if (one->due && *one->due <= now_.load())
                one->post();
    }

private:
    struct virtual_alarm final : alarm {
        virtual_alarm(std::shared_ptr<virtual_clock> of, boost::asio::any_io_executor on)
            : owner{std::move(of)}, executor{std::move(on)}
        {
            owner->alarms_.push_back(this);
        }
        ~virtual_alarm() override { std::erase(owner->alarms_, this); }

        void set(time_point at, unique_function<void()> call) override
        {
            due = at;
            ring = std::move(call);
            if (at <= owner->now())
                post();
        }
        void cancel() override { due.reset(); }

        void post()
        {
            due.reset();
            boost::asio::post(executor, std::move(ring));
        }

        std::shared_ptr<virtual_clock> owner;
        boost::asio::any_io_executor executor;
        std::optional<time_point> due;
        unique_function<void()> ring;
    };

    std::atomic<time_point> now_{time_point{std::chrono::sys_days{std::chrono::year{2030} / 1 / 1}}};
    std::vector<virtual_alarm*> alarms_;
};

} // namespace tasker::testing
