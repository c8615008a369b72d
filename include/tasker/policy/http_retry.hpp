#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/time.hpp>
#include <tasker/policy/http_date.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>

namespace tasker {

/// What a response says about trying the request again.
enum class http_class {
    success,   ///< 2xx
    retryable, ///< 408, 425, 429 and every 5xx except 501 and 505
    permanent, ///< every other 3xx, 4xx and 5xx: the same request would get the same answer
};

/// The word for logs.
inline std::string_view name(http_class kind)
{
    switch (kind) {
    case http_class::success: return "success";
    case http_class::retryable: return "retryable";
    case http_class::permanent: return "permanent";
    }
    return "unknown";
}

/// The class of a final HTTP status (RFC 9110, section 15).
/// Throws `error{invalid_options}` for an interim status (1xx) and for anything that is no HTTP status.
inline http_class classify_http_status(int status)
{
    if (status < 100 || status > 599)
        throw error{errc::invalid_options, std::to_string(status) +
                                               " is not an HTTP status; give the response's status, 200 to 599, and "
                                               "throw transient_error yourself when there was no response"};
    if (status < 200)
        throw error{errc::invalid_options, "HTTP status " + std::to_string(status) +
                                               " is interim; wait for the final response and give its status"};
    if (status < 300)
        return http_class::success;
    switch (status) {
    case 408: // request timeout
    case 425: // too early
    case 429: // too many requests
        return http_class::retryable;
    case 501: // not implemented
    case 505: // version not supported
        return http_class::permanent;
    default: return status >= 500 ? http_class::retryable : http_class::permanent;
    }
}

/// The longest wait `parse_retry_after` returns, a century: whatever is longer counts as this.
inline constexpr duration longest_retry_after = std::chrono::days{36'525};

/// The longest wait `throw_for_status` takes from a server, unless told otherwise.
inline constexpr duration default_retry_after_cap = std::chrono::minutes{5};

/// The wait that a Retry-After field asks for (RFC 9110, section 10.2.3): a number of seconds, or the time from `now`
/// to an HTTP date; a date in the past means zero. Nothing when `header` is blank or neither of both.
inline std::optional<duration> parse_retry_after(std::string_view header, time_point now)
{
    auto const blank = " \t";
    auto const begin = header.find_first_not_of(blank);
    if (begin == std::string_view::npos)
        return std::nullopt;
    header = header.substr(begin, header.find_last_not_of(blank) - begin + 1);

    if (header.find_first_not_of("0123456789") == std::string_view::npos) {
        duration wait = duration::zero();
        for (char const digit : header)
            wait = std::min(wait * 10 + std::chrono::seconds{digit - '0'}, longest_retry_after);
        return wait;
    }
    if (auto const date = parse_http_date(header, now))
        return std::clamp<duration>(*date - now, duration::zero(), longest_retry_after);
    return std::nullopt;
}

namespace detail {

inline bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

} // namespace detail

/// The value of the first of `headers` (name and value pairs) called `name`, whatever the case of either, or nothing.
/// Lifetime: the result looks into `headers`.
template <std::ranges::input_range Headers>
    requires std::is_lvalue_reference_v<std::ranges::range_reference_t<Headers const>>
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
inline void throw_for_status(int status, std::optional<std::string_view> retry_after_header, time_point now,
                             std::string_view what, duration cap = default_retry_after_cap)
{
    if (cap < duration::zero())
        throw error{errc::invalid_options, "the cap of Retry-After must not be negative; zero means to retry at once"};
    auto const kind = classify_http_status(status);
    if (kind == http_class::success)
        return;
    std::string message = "HTTP_" + std::to_string(status);
    if (!what.empty())
        message.append(": ").append(what);
    if (kind == http_class::permanent)
        throw permanent_error{message};
    if (auto const wait = retry_after_header ? parse_retry_after(*retry_after_header, now) : std::nullopt)
        throw retry_after{std::min(*wait, cap), message};
    throw transient_error{message};
}

} // namespace tasker
