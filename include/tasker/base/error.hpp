#pragma once

#include <tasker/base/time.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tasker {

/// What went wrong, for programs; `error::what()` says it for people, with what to do about it.
enum class errc {
    invalid_definition,  ///< a workflow that cannot be built: cycle, duplicate or unknown step, bad option
    already_registered,  ///< the same namespace, name and version is registered in this engine already
    shape_conflict,      ///< the store knows this workflow version with other steps or edges
    unknown_workflow,    ///< no workflow of that namespace, name and version is registered
    unknown_task,        ///< the store has no such task
    unknown_step,        ///< the task's workflow has no such step
    invalid_input,       ///< the input does not fit the workflow
    invalid_options,     ///< an option is out of its range
    duplicate_task,      ///< a task with the same identity key exists
    illegal_transition,  ///< the state table has no such arrow from the present state
    bad_payload,         ///< stored or given JSON cannot be decoded into the type asked for
    task_failed,         ///< the awaited task ended in error
    task_cancelled,      ///< the awaited task was cancelled
    command_pending,     ///< an earlier command for the same task is still to be carried out by the worker that owns it
    lease_lost,          ///< another worker owns the task now
    store_unavailable,   ///< the store cannot be read or written
    schema_mismatch,     ///< the database was written by a newer version of the library
    engine_stopped,      ///< the engine is draining or was destroyed
};

/// The code's own spelling, as logs and error texts have it.
inline std::string_view name(errc code)
{
    switch (code) {
    case errc::invalid_definition: return "invalid_definition";
    case errc::already_registered: return "already_registered";
    case errc::shape_conflict: return "shape_conflict";
    case errc::unknown_workflow: return "unknown_workflow";
    case errc::unknown_task: return "unknown_task";
    case errc::unknown_step: return "unknown_step";
    case errc::invalid_input: return "invalid_input";
    case errc::invalid_options: return "invalid_options";
    case errc::duplicate_task: return "duplicate_task";
    case errc::illegal_transition: return "illegal_transition";
    case errc::bad_payload: return "bad_payload";
    case errc::task_failed: return "task_failed";
    case errc::task_cancelled: return "task_cancelled";
    case errc::command_pending: return "command_pending";
    case errc::lease_lost: return "lease_lost";
    case errc::store_unavailable: return "store_unavailable";
    case errc::schema_mismatch: return "schema_mismatch";
    case errc::engine_stopped: return "engine_stopped";
    }
    return "unknown";
}

/// Every error the library itself throws.
class error : public std::runtime_error {
public:
    /// `what` is a whole sentence that says what to do now.
    error(errc code, std::string const& what) : std::runtime_error{without_nul(what)}, code_{code} {}
    /// What to branch on.
    errc code() const noexcept { return code_; }

private:
    /// What it quotes may hold a NUL byte, at which `what()` would end.
    static std::string without_nul(std::string text)
    {
        for (auto at = text.find('\0'); at != std::string::npos; at = text.find('\0', at))
            text.replace(at, 1, "\\0");
        return text;
    }

    errc code_;
};

/// Thrown by a step's body: failed for now; retried by the step's own back-off.
/// Any exception that is not one of these three types counts as this one.
class transient_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Thrown by a step's body: failed for now; the next attempt starts after exactly `delay`, instead of the back-off.
class retry_after : public std::runtime_error {
public:
    /// `delay` is counted from the end of the attempt; zero or less: at once.
    explicit retry_after(duration delay, std::string const& what = "asked to try again later")
        : std::runtime_error{what}, delay_{delay}
    {
    }
    /// The wait that was asked for.
    duration delay() const noexcept { return delay_; }

private:
    duration delay_;
};

/// Thrown into a workflow's coroutine: a step of it failed for good, or was cancelled. It may catch it and go on.
class step_error : public std::runtime_error {
public:
    /// `step` is the name under which it is recorded.
    step_error(std::string step, std::string const& what) : std::runtime_error{what}, step_{std::move(step)} {}
    /// The name under which it is recorded.
    std::string const& step() const noexcept { return step_; }

private:
    std::string step_;
};

/// Thrown into a workflow's coroutine: no message came in time.
class receive_timeout : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Thrown by a step's body: failed for good; never retried.
class permanent_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace tasker
