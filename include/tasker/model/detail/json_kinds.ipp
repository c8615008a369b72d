#pragma once

#include <tasker/model/detail/json_kinds.hpp>

#include <algorithm>
#include <cmath>

namespace tasker::detail {

TASKER_INLINE bool is_finite(boost::json::value const& value)
{
    if (auto const* number = value.if_double())
        return std::isfinite(*number);
    if (auto const* array = value.if_array())
        return std::all_of(array->begin(), array->end(), [](auto const& item) { return is_finite(item); });
    if (auto const* object = value.if_object())
        return std::all_of(object->begin(), object->end(), [](auto const& member) { return is_finite(member.value()); });
    return true;
}

} // namespace tasker::detail
