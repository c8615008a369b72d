#pragma once

#include <tasker/base/sha256.hpp>

#include <cstddef>
#include <optional>
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

/// Of a task's identity key and of a message's key, in bytes; longer ones do not fit into the index of every database.
inline constexpr std::size_t longest_key = 512;

namespace detail {
inline std::optional<std::string> problem_of_key(std::string_view what, std::string_view key)
{
    if (key.size() <= longest_key)
        return std::nullopt;
    return std::string{what} + " is " + std::to_string(key.size()) + " bytes long, and at most " + std::to_string(longest_key) +
           " are allowed; use a hash of it";
}
} // namespace detail

/// What is wrong with an identity key that a caller or a strategy chose, in a sentence, or nothing.
inline std::optional<std::string> problem_of_identity_key(std::string_view key) { return detail::problem_of_key("the identity key", key); }

/// What is wrong with the key of a message, in a sentence, or nothing.
inline std::optional<std::string> problem_of_message_key(std::string_view key) { return detail::problem_of_key("the message's key", key); }

} // namespace tasker
