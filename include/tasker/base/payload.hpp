#pragma once

#include <tasker/base/config.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace tasker {

/// Immutable JSON text: an input or a result on its way between steps and store. The default is `null`.
/// Copies share the text. Thread safety: distinct copies may be used from distinct threads.
class payload {
public:
    payload() = default;

    /// `text` must be JSON; nobody but the codec ever looks inside.
    explicit payload(std::string text);

    /// The JSON; valid as long as any copy of the payload.
    std::string_view text() const noexcept { return text_ ? std::string_view{*text_} : null_text; }
    /// Whether it is the JSON value null.
    bool is_null() const noexcept { return !text_; }

    /// Compares the texts, letter by letter.
    friend bool operator==(payload const& a, payload const& b) noexcept { return a.text() == b.text(); }

private:
    static constexpr std::string_view null_text = "null";
    std::shared_ptr<std::string const> text_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/base/payload.ipp>
#endif
