#pragma once

#include <tasker/engine.hpp>
#include <tasker/store/any_store.hpp>
#include <tasker/testing/simulation.hpp>
#include <tasker/testing/virtual_clock.hpp>

#include "support/abandonment.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

namespace support {

/// An operation that was started and may take its time.
template <class Result>
class pending_result {
public:
    bool ended() const noexcept { return state_->ended; }
    /// The result of an operation that has ended; throws what it threw.
    Result get() const
    {
        if (!state_->ended)
            throw std::logic_error{"the operation has not ended yet"};
        if (state_->problem)
            std::rethrow_exception(state_->problem);
        if constexpr (!std::is_void_v<Result>)
            return *state_->result;
    }

    struct state {
        bool ended = false;
        std::exception_ptr problem;
        std::optional<std::conditional_t<std::is_void_v<Result>, std::monostate, Result>> result;
    };
    explicit pending_result(std::shared_ptr<state> shared) : state_{std::move(shared)} {}

private:
    std::shared_ptr<state> state_;
};

/// Starts `operation` on `context`; it goes on whenever the context runs.
template <class Result>
pending_result<Result> start(boost::asio::io_context& context, boost::asio::awaitable<Result> operation)
{
    auto const shared = std::make_shared<typename pending_result<Result>::state>();
    if constexpr (std::is_void_v<Result>)
        boost::asio::co_spawn(context, std::move(operation), [shared](std::exception_ptr thrown) {
            shared->ended = true;
            shared->problem = thrown;
        });
    else
        boost::asio::co_spawn(context, std::move(operation), [shared](std::exception_ptr thrown, Result value) {
            shared->ended = true;
            shared->problem = thrown;
            shared->result.emplace(std::move(value));
        });
    return pending_result<Result>{shared};
}

/// Several engines in one process, on one virtual clock, each with the store it is given.
class fleet {
public:
    fleet() = default;
    fleet(fleet const&) = delete;
    fleet& operator=(fleet const&) = delete;

    /// An engine more; dies with the fleet or by `kill`.
    tasker::engine& launch(tasker::any_store store, tasker::engine_options const& options = tasker::testing::patient_options())
    {
        tasker::engine_environment around;
        around.time = clock_;
        around.calls = tasker::store_calls::in_place;
        around.blocking = context_.get_executor();
        around.seed = ++seed_;
        engines_.push_back(std::make_unique<tasker::engine>(context_, std::move(store), options, std::move(around)));
        return *engines_.back();
    }

    /// Ends an engine as a crash would.
    void kill(tasker::engine& victim)
    {
        std::erase_if(engines_, [&](auto const& one) { return one.get() == &victim; });
    }

    tasker::time_point now() const { return clock_->now(); }
    boost::asio::io_context& context() { return context_; }

    void settle()
    {
        do
            context_.restart();
        while (run_handlers() > 0);
    }

    /// Executes one handler or, when there is none, lets time pass to the next deadline, at most to `limit`; false when
    /// neither is left.
    bool step(tasker::time_point limit)
    {
        context_.restart();
        if (run_handler() > 0)
            return true;
        auto const due = clock_->next_due();
        if (!due || *due > limit)
            return false;
        clock_->advance_to(*due);
        return true;
    }

    void advance(tasker::duration length)
    {
        tasker::time_point const goal = now() + length;
        settle();
        for (auto due = clock_->next_due(); due && *due <= goal; due = clock_->next_due()) {
            clock_->advance_to(*due);
            settle();
        }
        clock_->advance_to(goal);
        settle();
    }

    template <class Result>
    pending_result<Result> start(boost::asio::awaitable<Result> operation)
    {
        return support::start(context_, std::move(operation));
    }

    /// Runs an operation that ends without time passing.
    template <class Result>
    Result await(boost::asio::awaitable<Result> operation)
    {
        auto const started = start(std::move(operation));
        settle();
        return started.get();
    }

private:
    std::size_t run_handlers() { return abandonment::present() == nullptr ? context_.poll() : run_handler(); }

    std::size_t run_handler()
    {
        std::size_t const ran = context_.poll_one();
        abandonment* const now = abandonment::present();
        if (ran == 0 || now == nullptr || !now->is_due())
            return ran;
        now->happened = true;
        engines_.clear();
        abandonment::leave_scenario();
    }

    std::shared_ptr<tasker::testing::virtual_clock> clock_ = std::make_shared<tasker::testing::virtual_clock>();
    boost::asio::io_context context_{1};
    std::uint64_t seed_ = 0;
    std::vector<std::unique_ptr<tasker::engine>> engines_;
};

} // namespace support
