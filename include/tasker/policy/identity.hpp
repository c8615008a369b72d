#pragma once

#include <tasker/base/sha256.hpp>

#include <string>
#include <string_view>

namespace tasker {

/// A task's identity made from what it is asked to do: 64 hexadecimal digits, equal exactly when every argument is.
/// Each field is hashed with its length before it, so that no two different requests spell the same bytes.
/// `input_text` counts as written: the same object with other white space or another order of keys is another input.
inline std::string content_identity(std::string_view name_space, std::string_view name, std::string_view version,
                                    std::string_view input_text, std::string_view reason, std::string_view initiator,
                                    std::string_view source_system)
{
    sha256 hash;
    for (auto const field : {name_space, name, version, input_text, reason, initiator, source_system}) {
        hash.append(std::to_string(field.size()));
        hash.append(":");
        hash.append(field);
    }
    return hash.finish();
}

} // namespace tasker
