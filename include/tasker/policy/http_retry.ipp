#pragma once

#include <tasker/base/error.hpp>
#include <tasker/policy/http_date.hpp>
#include <tasker/policy/http_retry.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tasker {

TASKER_INLINE std::string_view name(http_class kind)
{
    switch (kind) {
    case http_class::success: return "success";
    case http_class::retryable: return "retryable";
    case http_class::permanent: return "permanent";
    }
    return "unknown";
}

TASKER_INLINE http_class classify_http_status(int status)
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

TASKER_INLINE std::optional<duration> parse_retry_after(std::string_view header, time_point now)
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

TASKER_INLINE bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char one, char other) { return lower(one) == lower(other); });
}

} // namespace detail

TASKER_INLINE void throw_for_status(int status, std::optional<std::string_view> retry_after_header, time_point now,
                             std::string_view what, duration cap)
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
