#pragma once

#include <tasker/flow/detail/frame_pool.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution/relationship.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace tasker {

/// Runs functions one after another, in order, on whatever executor lies beneath: an Asio executor, as `asio::strand` is.
/// It is one pointer wide, so that an `any_io_executor` holds it without memory of its own, and asking for a property costs
/// nothing: with `asio::strand`, each post costs four allocations. Thread safety: all members may be called from any thread.
class strand {
public:
    /// What is posted while the strand runs is run in up to `rounds` turns before other handlers beneath have theirs.
    static strand make(boost::asio::any_io_executor beneath, int rounds);

    strand(strand const& other) noexcept : state_{other.state_}, traits_{other.traits_} { hold(); }
    strand(strand&& other) noexcept : state_{std::exchange(other.state_, nullptr)}, traits_{other.traits_} {}
    strand& operator=(strand other) noexcept
    {
        std::swap(state_, other.state_);
        std::swap(traits_, other.traits_);
        return *this;
    }
    ~strand() { let_go(); }

    /// Runs `function` later, never in place.
    template <class Function>
    void post(Function&& function) const;

    /// The turn that runs on this thread is the last before others beneath have theirs.
    static void yield() noexcept;

    ///@{
    /// What Asio asks of an executor.
    template <class Function>
    void execute(Function&& function) const;
    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept;
    strand require(boost::asio::execution::blocking_t::never_t) const noexcept { return with(blocks, 0); }
    strand require(boost::asio::execution::blocking_t::possibly_t) const noexcept { return with(0, blocks); }
    strand require(boost::asio::execution::outstanding_work_t::tracked_t) const noexcept { return with(0, tracks); }
    strand require(boost::asio::execution::outstanding_work_t::untracked_t) const noexcept { return with(tracks, 0); }
    friend bool operator==(strand const& a, strand const& b) noexcept { return a.state_ == b.state_ && a.traits_ == b.traits_; }
    ///@}

private:
    enum trait : std::uint32_t { blocks = 1, tracks = 2 };
    class state;
    class frame;
    struct operation;
    struct invoker;
    template <class Function>
    struct operation_of;

    strand(state* of, std::uint32_t traits) noexcept : state_{of}, traits_{traits} { hold(); }
    strand with(std::uint32_t less, std::uint32_t more) const noexcept { return {state_, (traits_ & ~less) | more}; }
    void hold() const noexcept;
    void let_go() const noexcept;

    state* state_;
    std::uint32_t traits_ = blocks;
};

/// Something to run; it stands in a queue of its strand.
struct strand::operation {
    virtual void run() = 0; ///< frees itself first
    virtual void drop() = 0;
    operation* next = nullptr;

protected:
    ~operation() = default;
};

template <class Function>
struct strand::operation_of final : operation {
    template <class Source>
    explicit operation_of(Source&& source) : function{std::forward<Source>(source)}
    {
    }
    static void* operator new(std::size_t size) { return detail::frame_pool::allocate(size); }
    static void operator delete(void* freed, std::size_t size) noexcept { detail::frame_pool::deallocate(freed, size); }

    void run() override
    {
        Function once{std::move(function)};
        delete this;
        std::move(once)();
    }
    void drop() override { delete this; }

    Function function;
};

/// The strand that runs on this thread, and those around it.
class strand::frame {
public:
    frame(state const* of, int rounds) noexcept : left{rounds}, of_{of}, outer_{std::exchange(innermost(), this)} {}
    frame(frame const&) = delete;
    frame& operator=(frame const&) = delete;
    ~frame() { innermost() = outer_; }

    static bool runs(state const* which) noexcept
    {
        frame const* at = innermost();
        while (at != nullptr && at->of_ != which)
            at = at->outer_;
        return at != nullptr;
    }
    static frame*& innermost() noexcept
    {
        static thread_local frame* here = nullptr;
        return here;
    }

    int left; ///< rounds

private:
    state const* of_;
    frame* outer_;
};

/// What the copies of a strand share.
class strand::state {
public:
    state(boost::asio::any_io_executor beneath, int rounds)
        : beneath_{boost::asio::require(std::move(beneath), boost::asio::execution::blocking.never)},
          context_{&boost::asio::query(beneath_, boost::asio::execution::context)}, rounds_{rounds}
    {
    }

    void hold() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void let_go() noexcept
    {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            delete this;
    }

    /// As long as anybody tracks, what lies beneath is told that there is work to come.
    void track()
    {
        if (is_one_of_many(1))
            return;
        std::scoped_lock const lock{mutex_};
        if (trackers_.load(std::memory_order_relaxed) == 0)
            tracked_.emplace(boost::asio::prefer(beneath_, boost::asio::execution::outstanding_work.tracked));
        trackers_.fetch_add(1, std::memory_order_acq_rel);
    }
    void untrack() noexcept
    {
        if (is_one_of_many(-1))
            return;
        std::optional<boost::asio::any_io_executor> last; // goes after the lock
        std::scoped_lock const lock{mutex_};
        if (trackers_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            last.swap(tracked_);
    }

    void add(operation* one);
    void run();
    void stop() noexcept;

    boost::asio::execution_context& context() const noexcept { return *context_; }

private:
    class turn;
    void schedule();

    /// Counts one more or less, if it is neither the first nor the last: those are counted under the lock.
    bool is_one_of_many(std::ptrdiff_t more) noexcept
    {
        auto now = trackers_.load(std::memory_order_acquire);
        while (now > (more < 0 ? 1 : 0))
            if (trackers_.compare_exchange_weak(now, now + more, std::memory_order_acq_rel))
                return true;
        return false;
    }
    operation* take_all();
    void go_on();

    boost::asio::any_io_executor const beneath_;
    boost::asio::execution_context* const context_;
    int const rounds_;
    std::atomic<std::size_t> references_{0};
    std::mutex mutex_; ///< guards what follows
    operation* first_ = nullptr;
    operation* last_ = nullptr;
    bool scheduled_ = false; ///< an invoker waits beneath, or runs
    bool stopped_ = false;
    std::atomic<std::ptrdiff_t> trackers_{0}; ///< to and from zero under the lock alone
    std::optional<boost::asio::any_io_executor> tracked_;
};

/// Stands in the queue beneath. Destroyed without a call, nobody will ever run what waits.
struct strand::invoker {
    explicit invoker(state* of) noexcept : state_{of} { state_->hold(); }
    invoker(invoker&& other) noexcept : state_{std::exchange(other.state_, nullptr)} {}
    invoker& operator=(invoker&&) = delete;
    ~invoker()
    {
        if (state_ == nullptr)
            return;
        state_->stop();
        state_->let_go();
    }

    void operator()()
    {
        struct releaser {
            state* held;
            ~releaser() { held->let_go(); }
        } const kept{std::exchange(state_, nullptr)};
        kept.held->run();
    }

    state* state_;
};

/// The operations of one round; those that an exception leaves behind go back to the front.
class strand::state::turn {
public:
    turn(state& of, operation* first) noexcept : state_{of}, first_{first} {}
    turn(turn const&) = delete;
    turn& operator=(turn const&) = delete;
    ~turn()
    {
        if (first_ == nullptr)
            return;
        operation* last = first_;
        while (last->next != nullptr)
            last = last->next;
        std::scoped_lock const lock{state_.mutex_};
        last->next = state_.first_;
        if (state_.first_ == nullptr)
            state_.last_ = last;
        state_.first_ = first_;
    }

    void run()
    {
        while (first_ != nullptr)
            std::exchange(first_, first_->next)->run();
    }

private:
    state& state_;
    operation* first_;
};

inline void strand::state::add(operation* one)
{
    {
        std::unique_lock lock{mutex_};
        if (stopped_) {
            lock.unlock();
            one->drop();
            return;
        }
        (first_ == nullptr ? first_ : last_->next) = one;
        last_ = one;
        if (std::exchange(scheduled_, true))
            return;
    }
    schedule();
}

inline void strand::state::schedule()
{
    try {
        beneath_.execute(invoker{this});
    } catch (...) { // the invoker has dropped what waited; what comes later may find more memory
        std::scoped_lock const lock{mutex_};
        scheduled_ = stopped_ = false;
        throw;
    }
}

inline void strand::state::run()
{
    try {
        frame here{this, rounds_};
        for (; here.left > 0; --here.left)
            if (operation* const first = take_all())
                turn{*this, first}.run();
            else
                return;
    } catch (...) { // the others run all the same
        go_on();
        throw;
    }
    go_on();
}

/// What waits, or null: then the next that is added schedules.
inline strand::operation* strand::state::take_all()
{
    std::scoped_lock const lock{mutex_};
    scheduled_ = first_ != nullptr;
    last_ = nullptr;
    return std::exchange(first_, nullptr);
}

inline void strand::state::go_on()
{
    {
        std::scoped_lock const lock{mutex_};
        scheduled_ = first_ != nullptr;
        if (!scheduled_)
            return;
    }
    schedule();
}

inline void strand::state::stop() noexcept
{
    operation* dropped = nullptr;
    {
        std::scoped_lock const lock{mutex_};
        stopped_ = true;
        dropped = std::exchange(first_, nullptr);
    }
    while (dropped != nullptr)
        std::exchange(dropped, dropped->next)->drop();
}

inline strand strand::make(boost::asio::any_io_executor beneath, int rounds)
{
    return {new state{std::move(beneath), rounds}, blocks};
}

inline void strand::yield() noexcept
{
    if (frame* const here = frame::innermost())
        here->left = 0;
}

template <class Function>
void strand::execute(Function&& function) const
{
    if ((traits_ & blocks) != 0 && frame::runs(state_)) {
        auto once = std::forward<Function>(function);
        std::move(once)();
        return;
    }
    post(std::forward<Function>(function));
}

template <class Function>
void strand::post(Function&& function) const
{
    state_->add(new operation_of<std::decay_t<Function>>{std::forward<Function>(function)});
}

inline boost::asio::execution_context& strand::query(boost::asio::execution::context_t) const noexcept
{
    return state_->context();
}

inline void strand::hold() const noexcept
{
    if (state_ == nullptr)
        return;
    state_->hold();
    if ((traits_ & tracks) != 0)
        state_->track();
}

inline void strand::let_go() const noexcept
{
    if (state_ == nullptr)
        return;
    if ((traits_ & tracks) != 0)
        state_->untrack();
    state_->let_go();
}

} // namespace tasker
