#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace tasker::sql {

/// Lets one in at a time, in the order of arrival.
class turnstile {
public:
    /// The right to be inside, until it is destroyed. Unlike the lock of a mutex it may end on another thread than it
    /// began on, and after whoever gave it out. A default one is no right, and stands in nobody's way.
    class turn {
    public:
        turn() = default;
        turn(turn&&) noexcept = default;
        turn& operator=(turn&& other) noexcept
        {
            end();
            of_ = std::move(other.of_);
            return *this;
        }
        ~turn() { end(); }

        void end() noexcept
        {
            if (auto const of = std::exchange(of_, nullptr))
                of->leave();
        }

    private:
        friend class turnstile;
        explicit turn(std::shared_ptr<turnstile> of) : of_{std::move(of)} {}
        std::shared_ptr<turnstile> of_;
    };

    /// Waits for its turn.
    static turn enter(std::shared_ptr<turnstile> const& through)
    {
        std::unique_lock lock{through->mutex_};
        auto const number = through->arrived_++;
        through->changed_.wait(lock, [&] { return through->left_ == number; });
        return turn{through};
    }

private:
    void leave() noexcept
    {
        {
            std::scoped_lock const lock{mutex_};
            ++left_;
        }
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t arrived_ = 0;
    std::uint64_t left_ = 0;
};

} // namespace tasker::sql
