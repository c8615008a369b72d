#pragma once

#include <tasker/flow/edges.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

TASKER_INLINE named_edges after_named(std::vector<std::string> parents) { return {std::move(parents)}; }

TASKER_INLINE named_edges after_named(std::initializer_list<std::string_view> parents)
{
    return {std::vector<std::string>(parents.begin(), parents.end())};
}

} // namespace tasker
