#pragma once

#include <tasker/base/error.hpp>

#include <stdexcept>
#include <string>

namespace support {

/// How the library refused something.
struct refusal {
    tasker::errc code{};
    std::string what;
};

/// Calls `ask`, which must be refused.
template <class Ask>
refusal refused(Ask ask)
{
    try {
        ask();
    } catch (tasker::error const& problem) {
        return {problem.code(), problem.what()};
    }
    throw std::logic_error{"nothing was refused"};
}

} // namespace support
