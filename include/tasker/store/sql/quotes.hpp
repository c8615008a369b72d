#pragma once

#include <string>
#include <string_view>

namespace tasker::sql {

/// `name` as SQL writes it between `quote` marks.
inline std::string in_quotes(std::string_view name, char quote)
{
    std::string text{quote};
    for (char const one : name)
        text.append(one == quote ? 2 : 1, one);
    return text + quote;
}

} // namespace tasker::sql
