#pragma once

#include <tasker/event/event_table.hpp>

#include <string_view>
#include <variant>

namespace tasker {

TASKER_INLINE std::string_view name_of(event const& one)
{
    if (auto const* const custom = std::get_if<custom_event>(&one); custom != nullptr && !custom->name.empty())
        return custom->name;
    return event_table[one.index()].name;
}

} // namespace tasker
