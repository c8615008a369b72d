#pragma once

#include <tasker/base/payload.hpp>

#include <memory>
#include <string>
#include <utility>

namespace tasker {

TASKER_INLINE payload::payload(std::string text)
{
    if (text != null_text)
        text_ = std::make_shared<std::string const>(std::move(text));
}

} // namespace tasker
