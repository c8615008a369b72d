#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// A fuzz target is one source that defines the function below; see CMakeLists.txt for who calls it, and with what.

/// Tries one input; returns 0. Whatever does not hold ends the process, so that the fuzzer keeps the input.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace fuzz {

inline std::string_view text_of(std::uint8_t const* data, std::size_t size)
{
    return {reinterpret_cast<char const*>(data), size};
}

/// Ends the process unless `holds`.
inline void require(bool holds, char const* property)
{
    if (holds)
        return;
    std::fprintf(stderr, "This does not hold: %s\n", property);
    std::abort();
}

/// An error says what is wrong in more than a word.
inline void require_sentence(std::string_view what) { require(what.find(' ') != std::string_view::npos, "an error is told in a sentence"); }

} // namespace fuzz
