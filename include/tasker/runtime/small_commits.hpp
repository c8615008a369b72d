#pragma once

#include <tasker/base/unique_function.hpp>
#include <tasker/runtime/clock.hpp>
#include <tasker/runtime/offload.hpp>
#include <tasker/runtime/watched_socket.hpp>
#include <tasker/store/any_store.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace tasker {

/// Commits that wake no thread: sent from the strand on a line of the store's, where it has one, and answered there. What a
/// line does not take or does not answer is for a call of the store's `commit`, which knows a batch again by its number; so
/// nothing of this class fails, and a line that broke is opened anew behind the scenes. Belongs to the strand.
template <class Lazy>
class basic_small_commits {
public:
    using answered = unique_function<void(std::optional<commit_result>)>;

    struct parts {
        any_store& store;
        offload& calls;
        clock& time;
        boost::asio::any_io_executor strand;
    };

    explicit basic_small_commits(parts given) : parts_{std::move(given)} {}

    /// Opens a line, where the store has one; a store that is called in place needs none.
    void serve(std::weak_ptr<void> owner)
    {
        owner_ = std::move(owner);
        wants_line_ = !parts_.calls.is_in_place();
        connect();
    }

    /// Commits the batch, which stays as it is meanwhile, and calls `then(result)`, or `then(nothing)` when only `commit` can
    /// tell what became of it; false when this one is for `commit` from the beginning. One at a time.
    bool begin(commit_batch const& batch, answered then)
    {
        if (!line_) {
            connect();
            return false;
        }
        if (!line_->send(batch)) {
            drop_broken();
            return false;
        }
        then_ = std::move(then);
        await_answer();
        return true;
    }

    /// The engine has drained: nothing is committed any more.
    void stop()
    {
        wants_line_ = false;
        socket_.reset();
        line_.reset();
    }

private:
    static constexpr duration pause = std::chrono::seconds{1};       ///< after a line that could not be opened
    static constexpr duration long_pause = std::chrono::seconds{30}; ///< after one that was refused, or broke before it was of use

    void connect()
    {
        if (!wants_line_ || connecting_ || parts_.time.now() < next_try_)
            return;
        connecting_ = true;
        parts_.calls.run(
            offload::lane::listening, owner_, [store = &parts_.store] { return store->open_line(); },
            [this](std::exception_ptr const& problem, std::optional<std::unique_ptr<commit_line>> opened) {
                connecting_ = false;
                if (problem)
                    next_try_ = parts_.time.now() + pause;
                else if (*opened && wants_line_)
                    connected(std::move(*opened));
                else
                    next_try_ = parts_.time.now() + long_pause;
            });
    }

    void connected(std::unique_ptr<commit_line> line)
    {
        try {
            socket_.emplace(parts_.strand, line->descriptor());
            line_ = std::move(line);
            was_of_use_ = false;
        } catch (std::exception const&) { // this process has no descriptor left
            next_try_ = parts_.time.now() + pause;
        }
    }

    void await_answer()
    {
        socket_->when_readable([this, owner = owner_](boost::system::error_code problem) {
            if (auto const alive = owner.lock(); alive && problem != boost::asio::error::operation_aborted)
                on_news();
        });
    }

    void on_news()
    {
        line_answer answer = line_->read();
        if (answer.what == line_answer::kind::awaited) {
            await_answer();
            return;
        }
        bool const is_known = answer.what == line_answer::kind::known;
        was_of_use_ = was_of_use_ || is_known;
        drop_broken();
        auto then = std::exchange(then_, {});
        then(is_known ? std::optional{std::move(answer.result)} : std::nullopt);
    }

    void drop_broken()
    {
        if (line_->is_open())
            return;
        socket_.reset();
        line_.reset();
        if (!was_of_use_)
            next_try_ = parts_.time.now() + long_pause;
        connect();
    }

    parts parts_;
    std::weak_ptr<void> owner_;
    std::unique_ptr<commit_line> line_;
    std::optional<watched_socket> socket_; ///< of the line
    answered then_;
    time_point next_try_{};
    bool was_of_use_ = false; ///< the line that is open, or was last
    bool wants_line_ = false;
    bool connecting_ = false;
};
using small_commits = basic_small_commits<void>;

} // namespace tasker
