#pragma once

#include <tasker/base/error.hpp>
#include <tasker/flow/workflow.hpp>

#include <string>
#include <string_view>

namespace tasker::detail {

/// The input of a submission as it will be stored. Throws `error{invalid_input}`, which names the workflow.
inline payload accept_input(workflow const& flow, payload const& input)
{
    if (!flow.takes_input() && !input.is_null())
        throw error{errc::invalid_input, "workflow " + std::string{flow.full_name()} + " takes no input, but one was given"};
    bool const is_empty = input.is_null() || input.text().find_first_not_of(" \t\r\n{}") == std::string_view::npos;
    if (flow.takes_input() && is_empty)
        throw error{errc::invalid_input, "workflow " + std::string{flow.full_name()} + " takes an input, but none was given"};
    try {
        return flow.accept_input(input);
    } catch (error const& problem) {
        throw error{errc::invalid_input, "workflow " + std::string{flow.full_name()} + ": " + problem.what()};
    }
}

} // namespace tasker::detail
