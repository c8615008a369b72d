#include <tasker/policy/http_date.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <string_view>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr time_point at(int year, unsigned month, unsigned day, duration time = 0s)
{
    return std::chrono::sys_days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}} + time;
}

constexpr time_point now = at(2026, 11, 23, 6h + 3min + 27s);
constexpr time_point rfc_example = at(1994, 11, 6, 8h + 49min + 37s); // RFC 9110, section 5.6.7

} // namespace

TEST_CASE("the three forms of an HTTP date name the same instant [H11]", "[H11]")
{
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now) == rfc_example);
    CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now) == rfc_example);
    CHECK(parse_http_date("Sun Nov  6 08:49:37 1994", now) == rfc_example);
}

TEST_CASE("every month and every name of a day is understood [H11]", "[H11]")
{
    static constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned month = 1; month <= 12; ++month)
        CHECK(parse_http_date("Mon, 01 " + std::string{months[month - 1]} + " 2027 00:00:00 GMT", now) ==
              at(2027, month, 1));
    static constexpr std::string_view days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
    for (auto const day : days) {
        CHECK(parse_http_date(std::string{day} + ", 06-Nov-94 08:49:37 GMT", now) == rfc_example);
        CHECK(parse_http_date(std::string{day.substr(0, 3)} + ", 06 Nov 1994 08:49:37 GMT", now) == rfc_example);
    }
}

TEST_CASE("a year of two digits is the latest one at most 50 years ahead [H11]", "[H11]")
{
    CHECK(parse_http_date("Monday, 23-Nov-26 06:03:27 GMT", now) == now);
    CHECK(parse_http_date("Monday, 01-Jan-30 00:00:00 GMT", now) == at(2030, 1, 1));
    constexpr time_point in_50_years = at(2076, 11, 23, 6h + 3min + 27s);
    CHECK(parse_http_date("Monday, 23-Nov-76 06:03:27 GMT", now) == in_50_years);
    CHECK(parse_http_date("Monday, 23-Nov-76 06:03:28 GMT", now) == at(1976, 11, 23, 6h + 3min + 28s));
    CHECK(parse_http_date("Monday, 01-Jan-77 00:00:00 GMT", now) == at(1977, 1, 1));
    CHECK(parse_http_date("Monday, 01-Jan-01 00:00:00 GMT", at(2099, 12, 31)) == at(2101, 1, 1));
    CHECK(parse_http_date("Tuesday, 29-Feb-00 00:00:00 GMT", now) == at(2000, 2, 29));
}

TEST_CASE("leap days and leap seconds are dates, days that a month lacks are not [H22]", "[H22]")
{
    CHECK(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT", now) == at(2024, 2, 29));
    CHECK(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", now) == at(2017, 1, 1));
    CHECK_FALSE(parse_http_date("Wed, 29 Feb 2023 00:00:00 GMT", now));
    CHECK_FALSE(parse_http_date("Wed, 31 Apr 2024 00:00:00 GMT", now));
    CHECK_FALSE(parse_http_date("Wed, 00 Apr 2024 00:00:00 GMT", now));
    CHECK_FALSE(parse_http_date("Wednesday, 29-Feb-23 00:00:00 GMT", now));
    CHECK_FALSE(parse_http_date("Wed Feb 30 00:00:00 2024", now));
}

TEST_CASE("an asctime date writes its day with a space or with two digits [H11]", "[H11]")
{
    CHECK(parse_http_date("Wed Nov 16 08:49:37 1994", now) == at(1994, 11, 16, 8h + 49min + 37s));
    CHECK(parse_http_date("Sun Nov 06 08:49:37 1994", now) == rfc_example);
    CHECK_FALSE(parse_http_date("Sun Nov 6 08:49:37 1994", now));
}

TEST_CASE("what only resembles an HTTP date is none [H22]", "[H22]")
{
    auto const text = GENERATE(as<std::string>{}, "", " ", "Sun", "Sun,", "2024-13-45", "2026-11-23T06:03:27Z",
                               "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
                               "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 06 Nov 1994 08:49:37 GMT ",
                               " Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
                               "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 19940 08:49:37 GMT",
                               "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
                               "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
                               "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
                               "Sun, -6 Nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
                               "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT",
                               "Sunday, 06 Nov 94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994 GMT",
                               "Sun Nov   6 08:49:37 1994", "Sun Nov  6 08:49:37 94");
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text, now));
}

TEST_CASE("a date cut short at any place, or with a NUL at any place, is none [H22]", "[H22]")
{
    for (std::string const whole :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
        for (std::size_t cut = 0; cut < whole.size(); ++cut) {
            CAPTURE(whole, cut);
            CHECK_FALSE(parse_http_date(whole.substr(0, cut), now));
            std::string broken = whole;
            broken[cut] = '\0';
            CHECK_FALSE(parse_http_date(broken, now));
        }
}
