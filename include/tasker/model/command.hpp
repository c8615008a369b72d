#pragma once

#include <tasker/base/payload.hpp>
#include <tasker/model/states.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tasker {

/// What an operator (or another process) asks of a task.
enum class command_kind {
    cancel,       ///< stop the task; running bodies are cancelled, their outcomes still recorded
    retry,        ///< a task in error runs again: its failed steps start anew with no attempts
    resolve,      ///< a task in error is declared done by hand
    cancel_step,  ///< stop one step; its descendants can never run
    reset_step,   ///< a failed step starts anew with no attempts
    resolve_step, ///< a pending or failed step is declared done by hand, with a result
};

/// The kinds as the stores and the events spell them, by the value of `command_kind`.
inline constexpr std::array<std::string_view, 6> command_names{"cancel",      "retry",      "resolve",
                                                               "cancel_step", "reset_step", "resolve_step"};

/// The kind as the stores and the events spell it.
constexpr std::string_view name(command_kind kind) { return command_names[static_cast<std::size_t>(kind)]; }

/// A command on its way to a task.
struct command {
    command_kind kind = command_kind::cancel; ///< what is asked
    std::string step;                         ///< for the three step commands
    payload result;                           ///< for resolve_step
    std::string reason;                       ///< for the audit trail

    friend bool operator==(command const&, command const&) = default;
};

} // namespace tasker
