#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/base/time.hpp>

#include <chrono>
#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tasker {

/// What a response says about trying the request again.
enum class http_class {
    success,   ///< 2xx
    retryable, ///< 408, 425, 429 and every 5xx except 501 and 505
    permanent, ///< every other 3xx, 4xx and 5xx: the same request would get the same answer
};

/// The word for logs.
TASKER_INLINE std::string_view name(http_class kind);

/// The class of a final HTTP status (RFC 9110, section 15).
/// Throws `error{invalid_options}` for an interim status (1xx) and for anything that is no HTTP status.
TASKER_INLINE http_class classify_http_status(int status);

/// The longest wait `parse_retry_after` returns, a century: whatever is longer counts as this.
inline constexpr duration longest_retry_after = std::chrono::days{36'525};

/// The longest wait `throw_for_status` takes from a server, unless told otherwise.
inline constexpr duration default_retry_after_cap = std::chrono::minutes{5};

/// The wait that a Retry-After field asks for (RFC 9110, section 10.2.3): a number of seconds, or the time from `now`
/// to an HTTP date; a date in the past means zero. Nothing when `header` is blank or neither of both.
TASKER_INLINE std::optional<duration> parse_retry_after(std::string_view header, time_point now);

namespace detail {

TASKER_INLINE bool equal_ignoring_case(std::string_view a, std::string_view b);

} // namespace detail

/// The value of the first of `headers` (name and value pairs) called `name`, whatever the case of either, or nothing.
/// Lifetime: the result looks into `headers`.
template <class Headers>
    requires std::is_lvalue_reference_v<decltype(*std::begin(std::declval<Headers const&>()))>
std::optional<std::string_view> find_header(Headers const& headers, std::string_view name)
{
    for (auto const& [field, value] : headers)
        if (detail::equal_ignoring_case(field, name))
            return std::string_view{value};
    return std::nullopt;
}

/// Turns a response's status into the exception that a step's body should end with; returns when the status is 2xx.
/// `retry_after_header` is honoured on every retryable status, up to `cap` (>= 0; zero: retry at once); without one, or
/// with one that makes no sense, the step's own back-off decides. The message is `HTTP_<status>: ` and `what`.
/// Throws: `retry_after`, `transient_error` or `permanent_error`; `error{invalid_options}` for what is no final status.
TASKER_INLINE void throw_for_status(int status, std::optional<std::string_view> retry_after_header, time_point now,
                                    std::string_view what, duration cap = default_retry_after_cap);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/policy/http_retry.ipp>
#endif
