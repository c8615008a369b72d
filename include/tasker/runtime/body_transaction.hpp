#pragma once

#include <tasker/base/error.hpp>
#include <tasker/store/any_store.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>

namespace tasker {

/// Where bodies begin their transactions; shut when the engine ends, which bodies on executors of the user's may outlive.
/// Thread safety: any thread.
template <class Lazy>
class basic_transaction_gate {
public:
    explicit basic_transaction_gate(any_store& store) : store_{&store} {}

    /// Throws `error{engine_stopped}` when it is shut.
    std::unique_ptr<store_transaction> begin()
    {
        stay const inside{*this};
        auto begun = inside.store->begin();
        if (!begun)
            throw permanent_error{"the store began no transaction; use sqlite_store or postgres_store"};
        return begun;
    }

    /// Waits for transactions that are just being begun; no other will be.
    void shut()
    {
        std::unique_lock lock{mutex_};
        store_ = nullptr;
        left_.wait(lock, [this] { return inside_ == 0; });
    }

private:
    struct stay {
        explicit stay(basic_transaction_gate& through) : gate{through}
        {
            std::scoped_lock const lock{gate.mutex_};
            store = gate.store_;
            if (store == nullptr)
                throw error{errc::engine_stopped, "the engine ended before the step could begin its transaction"};
            ++gate.inside_;
        }
        stay(stay const&) = delete;
        stay& operator=(stay const&) = delete;
        ~stay()
        {
            std::scoped_lock const lock{gate.mutex_};
            --gate.inside_;
            gate.left_.notify_all();
        }

        basic_transaction_gate& gate;
        any_store* store = nullptr;
    };

    std::mutex mutex_;
    std::condition_variable left_;
    any_store* store_;
    int inside_ = 0;
};
using transaction_gate = basic_transaction_gate<void>;

/// The transaction of one attempt: begun and written in by its body, on the body's thread, and taken or revoked on the strand.
template <class Lazy>
class basic_body_transaction {
public:
    explicit basic_body_transaction(std::shared_ptr<transaction_gate> gate) : gate_{std::move(gate)} {}

    // On the body's thread.

    bool is_open() const { return open_ != nullptr; }

    /// Waits for leave to begin; throws why there is none.
    void await_leave()
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return may_begin_ || refusal_ || revoked_; });
        check();
    }

    /// The session of the transaction, which begins now if leave was given and it has not begun before.
    void* session()
    {
        if (!open_) {
            check_leave();
            auto begun = gate_->begin();
            std::scoped_lock const lock{mutex_};
            check();
            open_ = std::move(begun);
        }
        return open_->session();
    }

    /// The body has ended. What it wrote stays only for somebody to take who will commit it.
    void body_ended(std::exception_ptr const& problem)
    {
        std::unique_ptr<store_transaction> dropped;
        std::scoped_lock const lock{mutex_};
        has_ended_ = true;
        if (problem || revoked_)
            dropped = std::move(open_);
    }

    // On the strand.

    void give_leave() { change([this] { may_begin_ = true; }); }

    /// Has the body wait no longer, now or later; what is open stays.
    void refuse(std::exception_ptr const& why) { change([this, &why] { refusal_ = why; }); }

    /// The attempt no longer counts: what it wrote is rolled back, by the body itself while it runs.
    void revoke()
    {
        std::unique_ptr<store_transaction> dropped;
        change([&] {
            revoked_ = true;
            if (has_ended_)
                dropped = std::move(open_);
        });
    }

    /// Whether a body that has ended left something to be committed.
    bool is_open()
    {
        std::scoped_lock const lock{mutex_};
        return open_ != nullptr;
    }

    /// What a body that has ended left to be committed, if anything.
    std::unique_ptr<store_transaction> take()
    {
        std::scoped_lock const lock{mutex_};
        return std::move(open_);
    }

private:
    template <class Change>
    void change(Change change)
    {
        std::scoped_lock const lock{mutex_};
        change();
        changed_.notify_all();
    }

    void check_leave()
    {
        std::scoped_lock const lock{mutex_};
        check();
    }

    void check() const
    {
        if (revoked_)
            throw boost::system::system_error{boost::asio::error::operation_aborted, "the attempt no longer counts"};
        if (refusal_)
            std::rethrow_exception(refusal_);
        if (!may_begin_)
            throw transient_error{"the store did not take the record that the step runs, so its transaction cannot begin yet"};
    }

    std::shared_ptr<transaction_gate> const gate_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::unique_ptr<store_transaction> open_; ///< the body's until it has ended
    std::exception_ptr refusal_;
    bool may_begin_ = false;
    bool revoked_ = false;
    bool has_ended_ = false;
};
using body_transaction = basic_body_transaction<void>;

} // namespace tasker
