#pragma once

#include <tasker/base/time.hpp>
#include <tasker/policy/http_date.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace tasker {

namespace detail {

/// Reads an HTTP date from left to right; the first thing that does not fit makes it bad, and it stays so.
class http_date_reader {
public:
    explicit http_date_reader(std::string_view text) : rest_{text} {}

    /// Everything fitted, and nothing is left.
    bool done() const { return good_ && rest_.empty(); }

    void skip(std::string_view literal)
    {
        good_ = good_ && rest_.starts_with(literal);
        if (good_)
            rest_.remove_prefix(literal.size());
    }

    /// Position of the name that comes next. Preconditions: no name begins with another.
    unsigned one_of(std::span<std::string_view const> names)
    {
        for (std::size_t at = 0; good_ && at < names.size(); ++at)
            if (rest_.starts_with(names[at])) {
                rest_.remove_prefix(names[at].size());
                return static_cast<unsigned>(at);
            }
        good_ = false;
        return 0;
    }

    int digits(std::size_t count)
    {
        int value = 0;
        for (std::size_t at = 0; at < count; ++at) {
            good_ = good_ && !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
            if (!good_)
                return 0;
            value = value * 10 + (rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        return value;
    }

    /// Two digits, or a space and one: the day of an asctime date.
    int padded_day()
    {
        if (!rest_.starts_with(' '))
            return digits(2);
        skip(" ");
        return digits(1);
    }

    std::chrono::month month() { return std::chrono::month{one_of(month_names) + 1}; }

    std::chrono::seconds time_of_day()
    {
        int const hour = digits(2);
        skip(":");
        int const minute = digits(2);
        skip(":");
        int const second = digits(2);
        good_ = good_ && hour < 24 && minute < 60 && second <= 60; // 60: a leap second
        return std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second};
    }

private:
    std::string_view rest_;
    bool good_ = true;
};

inline std::optional<time_point> point_in_time(std::chrono::year_month_day date, std::chrono::seconds time_of_day)
{
    if (!date.ok())
        return std::nullopt;
    return time_point{std::chrono::sys_days{date}} + time_of_day;
}

inline std::chrono::day day_of(int number) { return std::chrono::day{static_cast<unsigned>(number)}; }

/// `Sun, 06 Nov 1994 08:49:37 GMT`
inline std::optional<time_point> parse_imf_fixdate(std::string_view text)
{
    http_date_reader read{text};
    read.one_of(day_names);
    read.skip(", ");
    int const day = read.digits(2);
    read.skip(" ");
    auto const month = read.month();
    read.skip(" ");
    int const year = read.digits(4);
    read.skip(" ");
    auto const time_of_day = read.time_of_day();
    read.skip(" GMT");
    if (!read.done())
        return std::nullopt;
    return point_in_time({std::chrono::year{year}, month, day_of(day)}, time_of_day);
}

/// The latest point with these two last digits of the year that is at most 50 years ahead of `now`.
inline std::optional<time_point> nearest_century(int two_digits, std::chrono::month month, std::chrono::day day,
                                                 std::chrono::seconds time_of_day, time_point now)
{
    auto const today = std::chrono::floor<std::chrono::days>(now);
    std::chrono::year_month_day const date{today};
    auto const limit = std::chrono::sys_days{date + std::chrono::years{50}} + (now - today);
    int const century = static_cast<int>(date.year()) / 100 * 100;
    for (int const year : {century + 100 + two_digits, century + two_digits, century - 100 + two_digits})
        if (auto const at = point_in_time({std::chrono::year{year}, month, day}, time_of_day); at && *at <= limit)
            return at;
    return std::nullopt;
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
inline std::optional<time_point> parse_rfc850_date(std::string_view text, time_point now)
{
    http_date_reader read{text};
    read.one_of(long_day_names);
    read.skip(", ");
    int const day = read.digits(2);
    read.skip("-");
    auto const month = read.month();
    read.skip("-");
    int const year = read.digits(2);
    read.skip(" ");
    auto const time_of_day = read.time_of_day();
    read.skip(" GMT");
    if (!read.done())
        return std::nullopt;
    return nearest_century(year, month, day_of(day), time_of_day, now);
}

/// `Sun Nov  6 08:49:37 1994`
inline std::optional<time_point> parse_asctime_date(std::string_view text)
{
    http_date_reader read{text};
    read.one_of(day_names);
    read.skip(" ");
    auto const month = read.month();
    read.skip(" ");
    int const day = read.padded_day();
    read.skip(" ");
    auto const time_of_day = read.time_of_day();
    read.skip(" ");
    int const year = read.digits(4);
    if (!read.done())
        return std::nullopt;
    return point_in_time({std::chrono::year{year}, month, day_of(day)}, time_of_day);
}

} // namespace detail

TASKER_INLINE std::optional<time_point> parse_http_date(std::string_view text, time_point now)
{
    if (auto const date = detail::parse_imf_fixdate(text))
        return date;
    if (auto const date = detail::parse_rfc850_date(text, now))
        return date;
    return detail::parse_asctime_date(text);
}

} // namespace tasker
