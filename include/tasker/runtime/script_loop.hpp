#pragma once

#include <tasker/base/unique_function.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

namespace tasker {

template <class>
class basic_script_loop;
using script_loop = basic_script_loop<void>;

/// The handlers of one coroutine workflow, run one after another by whoever owns the coroutine, so that he knows when
/// nothing of it can go on. Belongs to the strand, but for `add`.
template <class Lazy>
class basic_script_loop : public std::enable_shared_from_this<script_loop> {
public:
    basic_script_loop(boost::asio::any_io_executor strand, std::function<void()> on_news) : strand_{std::move(strand)}, on_news_{std::move(on_news)} {}

    /// Any thread: an operation that is none of the library's may end anywhere.
    template <class Function>
    void add(Function&& function)
    {
        if (is_inside()) {
            handlers_.emplace_back(std::forward<Function>(function));
            return;
        }
        boost::asio::post(strand_, [self = shared_from_this(), function = std::forward<Function>(function)]() mutable {
            if (!self->on_news_)
                return; // its owner is gone, and the coroutine with it
            self->handlers_.emplace_back(std::move(function));
            self->on_news_();
        });
    }

    /// Nobody is told of handlers that come later: they are dropped.
    void forget_owner() { on_news_ = nullptr; }

    /// Runs what there is and what that adds. What a handler throws goes on to the caller, the rest stays.
    void run()
    {
        stay const inside{user_};
        while (!handlers_.empty()) {
            auto next = std::move(handlers_.front());
            handlers_.pop_front();
            next();
        }
    }

    /// Drops what there is, and what is left behind by that.
    void drop()
    {
        within([this] {
            while (!handlers_.empty()) {
                auto const last = std::move(handlers_.front());
                handlers_.pop_front();
            }
        });
    }

    /// Runs `work`, whose handlers wait for `run`.
    template <class Work>
    void within(Work work)
    {
        stay const inside{user_};
        work();
    }

    /// Does `work`, which is none of the coroutine's, amid a run.
    template <class Work>
    auto without(Work work)
    {
        stay const outside{user_, std::thread::id{}};
        return work();
    }

    /// Whether this thread runs the coroutine.
    bool is_inside() const noexcept { return user_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }
    bool empty() const noexcept { return handlers_.empty(); }
    boost::asio::execution_context& context() const { return boost::asio::query(strand_, boost::asio::execution::context); }

private:
    /// While it lives, this thread runs the coroutine, or the one that is given.
    class stay {
    public:
        explicit stay(std::atomic<std::thread::id>& user, std::thread::id now = std::this_thread::get_id()) : user_{user}, before_{user.exchange(now)} {}
        stay(stay const&) = delete;
        stay& operator=(stay const&) = delete;
        ~stay() { user_ = before_; }

    private:
        std::atomic<std::thread::id>& user_;
        std::thread::id before_;
    };

    boost::asio::any_io_executor strand_;
    std::function<void()> on_news_;
    std::deque<unique_function<void()>> handlers_;
    std::atomic<std::thread::id> user_{};
};

/// Adds to a loop; never runs anything in place.
template <class Lazy>
class basic_script_executor {
public:
    explicit basic_script_executor(std::shared_ptr<script_loop> loop) : loop_{std::move(loop)} {}

    boost::asio::execution_context& query(boost::asio::execution::context_t) const { return loop_->context(); }
    static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) { return boost::asio::execution::blocking.never; }
    basic_script_executor require(boost::asio::execution::blocking_t::never_t) const { return *this; }

    template <class Function>
    void execute(Function&& function) const
    {
        loop_->add(std::forward<Function>(function));
    }

    friend bool operator==(basic_script_executor const&, basic_script_executor const&) noexcept = default;

private:
    std::shared_ptr<script_loop> loop_;
};
using script_executor = basic_script_executor<void>;

} // namespace tasker
