#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/base/time.hpp>
#include <tasker/base/unique_function.hpp>
#include <tasker/base/utf8.hpp>
#include <tasker/flow/step_body.hpp>
#include <tasker/model/records.hpp>
#include <tasker/model/step_options.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tasker {

namespace detail {
/// The message by which a task is cancelled with its parent; users cannot send it.
inline constexpr std::string_view cancel_order = "~cancel";
/// The message that tells a task of the end of one that it has started.
inline constexpr std::string_view end_kind = "~end ";
inline std::string end_of(task_id child) { return std::string{end_kind} + to_text(child); }
/// Throws `error{invalid_input}` when users cannot send or receive a message of this name.
template <class = void>
inline void require_message_name(std::string_view name)
{
    if (!is_utf8(name) || name.find('\0') != name.npos)
        throw error{errc::invalid_input, "a message's name is UTF-8 without a NUL, for some store would not find another again"};
    if (name.starts_with('~'))
        throw error{errc::invalid_input, "a message cannot be named \"" + std::string{name} + "\": names that begin with '~' are the library's own"};
}
} // namespace detail

/// A checkpoint that a coroutine asks for.
struct checkpoint_request {
    std::string_view kind;         ///< what is put before the name, such as `sleep:`; empty for steps
    std::string name;              ///< the author's
    step_options options = {};     ///< of its attempts
    step_body body = {};           ///< what an attempt runs
    std::optional<duration> due{}; ///< it starts by itself after so long
    std::string mail{};            ///< a message of this name completes it, too; empty: none does
};

/// A task that a coroutine starts.
struct child_request {
    std::string workflow;  ///< as `engine::submit` takes it
    payload input;         ///< of the task
    bool detached = false; ///< it goes on when its parent is cancelled
};

/// What a workflow's coroutine can ask of the engine. Implemented by the runtime, called by `workflow_context` alone, from
/// the executor of the coroutine.
class workflow_services {
public:
    /// Makes what is recorded as an instant.
    using maker = unique_function<payload()>;

    /// As `workflow_context::task`.
    virtual task_id task() const = 0;
    /// The engine's clock.
    virtual time_point clock_now() const = 0;
    /// A number that is uniform in [0, 1), and another one each time.
    virtual double draw() = 0;
    /// An id that nobody else has.
    virtual std::string draw_id() = 0;
    /// Finds or makes the checkpoint that the coroutine comes to next under this name.
    virtual step_no ask(checkpoint_request asked) = 0;
    /// Whether the checkpoint is over and it is its turn to be told. Then it counts as told.
    virtual bool is_told(step_no no) = 0;
    /// Calls `then` when the checkpoint is over and it is its turn to be told. `slot` stops the checkpoint.
    virtual void tell(step_no no, boost::asio::cancellation_slot slot, unique_function<void()> then) = 0;
    /// Stops a checkpoint that is not over; whoever waits for it hears when it is.
    virtual void stop(step_no no) = 0;
    /// What is recorded.
    virtual step_record const& record(step_no no) const = 0;
    /// Why a checkpoint of this name was stopped; empty when no checkpoint beside it had failed.
    virtual std::string cause_of_stop(std::string_view name) const = 0;
    /// The value that was recorded under this name, or else the one that `make` makes now.
    virtual payload instant(std::string_view kind, std::string name, maker make) = 0;
    /// Whether a record is left that the coroutine has not come to yet.
    virtual bool is_behind() const = 0;
    /// Whether this very name was recorded, when the coroutine comes to it next.
    virtual bool is_recorded(std::string_view kind, std::string_view name) const = 0;
    /// The last value recorded under this name; nothing when there is none.
    virtual std::optional<payload> latest(std::string_view kind, std::string_view name) const = 0;
    /// A body that starts a task, once however often it is run, and returns its id.
    virtual step_body starting(child_request asked) = 0;
    /// The task is to be cancelled with this one; until it is told to have ended.
    virtual void attach(task_id child) = 0;
    /// The task has ended, or need not be cancelled any more.
    virtual void detach(task_id child) = 0;
    /// Asks a task to be cancelled, with the commit that records it.
    virtual void cancel(task_id child, std::string name) = 0;
    /// What is to be run when the coroutine fails or is cancelled, the last one first.
    virtual void compensate(checkpoint_request undo) = 0;
    /// Has the task start anew when the coroutine has ended by the exception that follows.
    virtual void renew(payload input) = 0;
    /// Sends with the commit that makes the checkpoint durable, once.
    virtual void send(task_id to, std::string name, payload body) = 0;

protected:
    ~workflow_services() = default;
};

} // namespace tasker
