#pragma once

#include <tasker/flow/step_body.hpp>
#include <tasker/model/records.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tasker {

/// The checkpoint of a coroutine that has undone what it did: a retry is to do all of it again.
inline constexpr std::string_view undone_name = "~undone";

/// Where a coroutine workflow has come to.
enum class script_progress {
    busy,     ///< it waits for a commit, or for an operation that is none of the library's
    waits,    ///< it waits for checkpoints
    returned, ///< it has ended, and its result is recorded
    failed,   ///< it has thrown, or does not fit its records
    cancelled, ///< it has undone what it did, because its task was to be cancelled
    renewed,   ///< it is to start anew
};

/// The coroutine of a live task, as the rest of the runtime sees it. Belongs to the strand.
class task_script {
public:
    virtual ~task_script() = default;

    /// Runs the coroutine as far as it gets.
    virtual void advance() = 0;
    virtual script_progress progress() const = 0;
    /// Why it failed, or was cancelled.
    virtual std::string const& failure() const = 0;
    /// With what it is to start anew.
    virtual payload const& renewed_input() const = 0;
    /// Whether a cancel must wait until it has undone what it did. If so it undoes that.
    virtual bool undo(std::string const& reason) = 0;
    /// Its children that are to be cancelled with it.
    virtual std::vector<task_id> children() const = 0;
    /// Whether a child is being started, so that nobody knows yet whom a cancel has to reach.
    virtual bool is_starting() const = 0;
    /// What an attempt of the checkpoint runs; valid until the checkpoint is over.
    virtual step_body const& body(step_no no) const = 0;
    /// The checkpoint's name; valid as long as the script.
    virtual std::string_view name(step_no no) const = 0;
    /// The checkpoint is over; it hears of it in its turn, once that is durable, or at once when the step is volatile.
    virtual void ended(step_no no) = 0;
    /// It is not over after all, though it was said to be: that could not be stored.
    virtual void did_not_end(step_no no) = 0;
    /// Messages came for the task.
    virtual void take_mail(std::vector<message> mail) = 0;
};

} // namespace tasker
