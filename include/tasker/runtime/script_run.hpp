#pragma once

#include <tasker/flow/workflow.hpp>
#include <tasker/flow/workflow_context.hpp>
#include <tasker/runtime/script_loop.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

/// One run of a workflow's coroutine, with what it has to undo should it fail: its frames, its handlers, its end.
/// Belongs to the strand. Destroying it destroys the frames, once nothing outside holds a handler of theirs.
template <class Lazy>
class basic_script_run {
public:
    basic_script_run(boost::asio::any_io_executor strand, workflow_services& services, std::function<void()> on_news)
        : services_{services}, loop_{std::make_shared<script_loop>(std::move(strand), std::move(on_news))}
    {
    }
    basic_script_run(basic_script_run const&) = delete;
    basic_script_run& operator=(basic_script_run const&) = delete;
    ~basic_script_run()
    {
        loop_->forget_owner();
        loop_->drop();
    }

    script_loop& loop() noexcept { return *loop_; }
    script_loop const& loop() const noexcept { return *loop_; }

    /// Called once, within the loop. `coroutine` and `input` must outlive the run.
    void start(workflow_body const& coroutine, payload const& input)
    {
        boost::asio::any_io_executor const executor{script_executor{loop_}};
        boost::asio::co_spawn(executor, run(coroutine, input),
                              boost::asio::bind_cancellation_slot(
                                  cancel_.slot(), boost::asio::bind_executor(executor, [this](std::exception_ptr problem, payload result) {
                                      end(problem, std::move(result));
                                  })));
    }

    /// Stops what the coroutine waits for, and whatever it awaits from then on, but for what it undoes.
    void cancel() { cancel_.emit(boost::asio::cancellation_type::terminal); }

    void compensate(checkpoint_request undo) { undo_.push_back(std::move(undo)); }
    /// Whether a cancel has to wait: there is something to undo, or being undone.
    bool has_to_undo() const noexcept { return is_undoing_ || !undo_.empty(); }
    /// Whether something was undone, once the run is over.
    bool has_undone() const noexcept { return is_undoing_; }
    /// The coroutine asks to start anew; an exception will end it, which branches side by side may hide.
    void renew(payload input) { renewed_ = std::move(input); }

    bool is_over() const noexcept { return is_over_; }
    std::optional<payload> const& returned() const noexcept { return returned_; }
    std::optional<payload> const& renewed() const noexcept { return renewed_; }
    std::optional<std::string> const& thrown() const noexcept { return thrown_; }
    /// How it ended, after the words "the code now". Preconditions: it has.
    std::string end_in_words() const { return thrown_ ? "fails, \"" + *thrown_ + '"' : "ends"; }

private:
    boost::asio::awaitable<payload> run(workflow_body const& coroutine, payload const& input)
    {
        std::exception_ptr problem;
        try {
            co_return co_await coroutine(context_, input);
        } catch (...) {
            problem = std::current_exception();
        }
        if (renewed_)
            std::rethrow_exception(problem);
        co_await boost::asio::this_coro::throw_if_cancelled(false);
        co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
        is_undoing_ = !undo_.empty();
        while (!undo_.empty()) {
            checkpoint_request next = std::move(undo_.back());
            undo_.pop_back();
            step_no const no = services_.ask(std::move(next));
            if (!services_.is_told(no))
                co_await detail::await_checkpoint(services_, no);
            step_record const& ended = services_.record(no);
            if (!satisfies_children(ended.state))
                not_undone_ += "; \"" + ended.name + "\" was not done: " + (ended.last_failure ? ended.last_failure->what : "it was cancelled");
        }
        std::rethrow_exception(problem);
    }

    void end(std::exception_ptr const& problem, payload result)
    {
        is_over_ = true;
        if (!problem) {
            renewed_.reset(); // it went on after all
            returned_ = std::move(result);
        } else if (!renewed_) {
            thrown_ = text_of(problem) + not_undone_;
        }
    }

    std::string text_of(std::exception_ptr const& problem) const
    {
        try {
            std::rethrow_exception(problem);
        } catch (boost::asio::multiple_exceptions const& several) { // of branches side by side: of the left one alone, as Asio has it
            return text_of_branch(several.first_exception());
        } catch (std::exception const& thrown) {
            return thrown.what();
        } catch (...) {
            return "Unknown error";
        }
    }

    /// Perhaps it was stopped because of one to the right of it.
    std::string text_of_branch(std::exception_ptr const& problem) const
    {
        try {
            std::rethrow_exception(problem);
        } catch (detail::step_stopped const& stopped) {
            std::string const cause = services_.cause_of_stop(stopped.step());
            return cause.empty() ? std::string{stopped.what()} + " because a branch beside it ended by an exception of its own" : cause;
        } catch (...) {
            return text_of(problem);
        }
    }

    workflow_services& services_;
    workflow_context context_{services_};
    boost::asio::cancellation_signal cancel_;
    std::shared_ptr<script_loop> const loop_;
    std::vector<checkpoint_request> undo_;
    std::string not_undone_;
    bool is_undoing_ = false;
    bool is_over_ = false;
    std::optional<payload> returned_;
    std::optional<payload> renewed_;
    std::optional<std::string> thrown_;
};
using script_run = basic_script_run<void>;

} // namespace tasker
