#pragma once

#include <cstddef>
#include <memory>
#include <semaphore>
#include <utility>

namespace tasker::sql {

/// The right to one of a few sessions that a store lends to users at one time. Like a turn it may end on another thread than
/// it began on, and after the store.
class loan {
public:
    using desk = std::counting_semaphore<>;
    static constexpr std::ptrdiff_t most = 16;

    /// Waits until one is free.
    explicit loan(std::shared_ptr<desk> of) : of_{std::move(of)} { of_->acquire(); }
    loan(loan const&) = delete;
    loan& operator=(loan const&) = delete;
    ~loan() { end(); }

    void end() noexcept
    {
        if (auto const of = std::exchange(of_, nullptr))
            of->release();
    }

private:
    std::shared_ptr<desk> of_;
};

} // namespace tasker::sql
