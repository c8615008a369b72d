// HTTP dates: see parse_http_date.

#include <tasker/policy/http_date.hpp>

#include "fuzz/target.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr time_point first{std::chrono::sys_days{std::chrono::year{0} / 1 / 1}};
constexpr time_point behind_last{std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1}};

/// A point in time and the words of its date.
class date_words {
public:
    explicit date_words(time_point at)
        : day_{std::chrono::floor<std::chrono::days>(at)}, date_{day_}, time_{std::chrono::floor<std::chrono::seconds>(at - day_)}
    {
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    std::string fixed() const { return short_day() + ", " + number("%02d ", day()) + month() + number(" %04d ", year()) + time() + " GMT"; }
    /// `Sun Nov  6 08:49:37 1994`
    std::string asctime() const { return short_day() + ' ' + month() + number(" %2d ", day()) + time() + number(" %04d", year()); }
    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    std::string rfc850() const
    {
        return std::string{detail::long_day_names[week_day()]} + number(", %02d-", day()) + month() + number("-%02d ", year() % 100) + time() + " GMT";
    }

private:
    static std::string number(char const* form, int value)
    {
        char text[32];
        std::snprintf(text, sizeof text, form, value);
        return text;
    }

    int year() const { return static_cast<int>(date_.year()); }
    int day() const { return static_cast<int>(static_cast<unsigned>(date_.day())); }
    unsigned week_day() const { return std::chrono::weekday{day_}.c_encoding(); }
    std::string short_day() const { return std::string{detail::day_names[week_day()]}; }
    std::string month() const { return std::string{detail::month_names[static_cast<unsigned>(date_.month()) - 1]}; }
    std::string time() const
    {
        return number("%02d:", static_cast<int>(time_.hours().count())) + number("%02d:", static_cast<int>(time_.minutes().count())) +
               number("%02d", static_cast<int>(time_.seconds().count()));
    }

    std::chrono::sys_days day_;
    std::chrono::year_month_day date_;
    std::chrono::hh_mm_ss<std::chrono::seconds> time_;
};

void check(time_point at, time_point now)
{
    using fuzz::require;
    require(at >= first && at <= behind_last, "a date lies in the years 0 to 9999, but for a leap second at the very end");
    require(at == std::chrono::floor<std::chrono::seconds>(at), "a date is a whole second");
    if (at == behind_last)
        return;
    date_words const words{at};
    require(parse_http_date(words.fixed(), now) == at, "a date written in the form of today is read as itself");
    require(parse_http_date(words.asctime(), now) == at, "a date written in asctime's form is read as itself");
    if (at > now - 49 * 365 * 24h && at < now + 49 * 365 * 24h)
        require(parse_http_date(words.rfc850(), now) == at, "a date near by, written with two digits of the year, is read as itself");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text = fuzz::text_of(data, size);
    for (int const year : {1970, 1994, 2026, 2050, 2099}) {
        time_point const now{std::chrono::sys_days{std::chrono::year{year} / 11 / 6} + 8h};
        if (auto const at = parse_http_date(text, now))
            check(*at, now);
    }
    return 0;
}
