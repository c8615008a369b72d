#include <tasker/policy/http_retry.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

// Mon, 23 Nov 2026 06:03:27 GMT
constexpr time_point now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 6h + 3min + 27s;

struct verdict {
    std::string type; ///< "none" when nothing was thrown
    std::string message;
    std::optional<duration> wait;
};

verdict ask(int status, std::optional<std::string_view> header = std::nullopt, duration cap = default_retry_after_cap)
{
    try {
        throw_for_status(status, header, now, "charging order 7", cap);
    } catch (retry_after const& raised) {
        return {"retry_after", raised.what(), raised.delay()};
    } catch (transient_error const& raised) {
        return {"transient_error", raised.what(), std::nullopt};
    } catch (permanent_error const& raised) {
        return {"permanent_error", raised.what(), std::nullopt};
    }
    return {"none", "", std::nullopt};
}

} // namespace

TEST_CASE("a 429 with `Retry-After: 30` is a retryable failure that waits 30 s [H10]", "[H10]")
{
    auto const said = ask(429, "30");
    CHECK(said.type == "retry_after");
    CHECK(said.wait == 30s);
    CHECK(said.message == "HTTP_429: charging order 7");
}

TEST_CASE("a 429 with an HTTP date in 60 s waits until that date, in all three forms [H11]", "[H11]")
{
    for (auto const date :
         {"Mon, 23 Nov 2026 06:04:27 GMT", "Monday, 23-Nov-26 06:04:27 GMT", "Mon Nov 23 06:04:27 2026"}) {
        CAPTURE(date);
        CHECK(parse_retry_after(date, now) == 60s);
        CHECK(ask(429, date).wait == 60s);
    }
    CHECK(parse_retry_after("Mon, 23 Nov 2026 06:04:27 GMT", now + 500ms) == 59'500ms);
}

TEST_CASE("a retryable status without a header leaves the wait to the step's back-off: 1 s, 4 s [H12] [H13] [H15]",
          "[H12][H13][H15]")
{
    for (int const status : {429, 503}) {
        auto const said = ask(status);
        CHECK(said.type == "transient_error");
        CHECK_FALSE(said.wait);
        CHECK(said.message == "HTTP_" + std::to_string(status) + ": charging order 7");
    }
}

TEST_CASE("a 500 is retryable and asks for no wait of its own [H14]", "[H14]")
{
    CHECK(classify_http_status(500) == http_class::retryable);
    CHECK(ask(500).type == "transient_error");
    CHECK_FALSE(ask(500).wait);
}

TEST_CASE("every 2xx is a success, and nothing is thrown whatever the header [H16]", "[H16]")
{
    for (int status = 200; status < 300; ++status)
        CHECK(classify_http_status(status) == http_class::success);
    for (int const status : {200, 201, 202, 204}) {
        CHECK(ask(status).type == "none");
        CHECK(ask(status, "30").type == "none");
    }
}

TEST_CASE("400, 401, 403, 404 and 422 are permanent, and the message names the code [H17]", "[H17]")
{
    for (int const status : {400, 401, 403, 404, 422}) {
        CHECK(classify_http_status(status) == http_class::permanent);
        CHECK(ask(status).type == "permanent_error");
        CHECK(ask(status).message == "HTTP_" + std::to_string(status) + ": charging order 7");
    }
}

TEST_CASE("408, 425, 429 and 5xx but 501 and 505 are retryable, every other 3xx, 4xx and 5xx is permanent [H18]",
          "[H18]")
{
    for (int status = 300; status <= 599; ++status) {
        bool const retryable = status == 408 || status == 425 || status == 429 ||
                               (status >= 500 && status != 501 && status != 505);
        CAPTURE(status);
        CHECK(classify_http_status(status) == (retryable ? http_class::retryable : http_class::permanent));
        CHECK(ask(status).type == (retryable ? "transient_error" : "permanent_error"));
    }
    for (int const status : {302, 402, 409, 410, 418})
        CHECK(ask(status).type == "permanent_error");
    for (int const status : {408, 502, 504})
        CHECK(ask(status).type == "transient_error");
}

TEST_CASE("Retry-After is honoured on every retryable status, and cannot make a permanent one retryable [H18]", "[H18]")
{
    for (int status = 300; status <= 599; ++status) {
        CAPTURE(status);
        if (classify_http_status(status) == http_class::retryable)
            CHECK(ask(status, "7").wait == 7s);
        else
            CHECK(ask(status, "7").type == "permanent_error");
    }
}

TEST_CASE("a header that is missing, empty or blank falls to the back-off [H19]", "[H19]")
{
    for (auto const header : {""sv, " "sv, "\t \t"sv}) {
        CHECK_FALSE(parse_retry_after(header, now));
        CHECK(ask(503, header).type == "transient_error");
    }
    CHECK(ask(503, std::nullopt).type == "transient_error");
}

TEST_CASE("0, 5 and 86400 seconds are read as they are, and kept up to the cap of 300 s [H20]", "[H20]")
{
    CHECK(parse_retry_after("0", now) == 0s);
    CHECK(parse_retry_after("5", now) == 5s);
    CHECK(parse_retry_after("86400", now) == 24h);
    CHECK(ask(429, "0").wait == 0s);
    CHECK(ask(429, "5").wait == 5s);
    CHECK(ask(429, "300").wait == 300s);
    CHECK(ask(429, "301").wait == 300s);
    CHECK(ask(429, "86400").wait == 300s);
    CHECK(ask(429, "Tue, 24 Nov 2026 06:03:27 GMT").wait == 300s);
}

TEST_CASE("the cap of Retry-After is the caller's: another length, zero for at once, never negative [H20]", "[H20]")
{
    CHECK(ask(429, "86400", 48h).wait == 24h);
    CHECK(ask(429, "86400", 1min).wait == 60s);
    CHECK(ask(429, "86400", 0s).wait == 0s);
    CHECK_THROWS_AS(ask(429, "5", -1us), error);
    CHECK_THROWS_AS(ask(200, "5", -1us), error);
}

TEST_CASE("blanks around a value and zeros before it do not matter [H20]", "[H20]")
{
    CHECK(parse_retry_after("  30\t", now) == 30s);
    CHECK(parse_retry_after("0030", now) == 30s);
    CHECK(parse_retry_after(" Mon, 23 Nov 2026 06:04:27 GMT ", now) == 60s);
}

TEST_CASE("a date in the past or the present means at once [H21]", "[H21]")
{
    CHECK(parse_retry_after("Mon, 23 Nov 2026 06:03:27 GMT", now) == 0s);
    CHECK(parse_retry_after("Mon, 23 Nov 2026 06:03:26 GMT", now) == 0s);
    CHECK(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now) == 0s);
    CHECK(parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", now) == 0s);
    CHECK(ask(503, "Thu, 01 Jan 1970 00:00:00 GMT").wait == 0s);
}

TEST_CASE("a value that makes no sense is ignored, and the failure stays the one of its status [H22]", "[H22]")
{
    for (auto const header : {"abc"sv, "-5"sv, "1.5"sv, "2024-13-45"sv, "+5"sv, "5s"sv, "1 2"sv, "0x10"sv, "1e3"sv,
                              "\xc2\xa0 5"sv, "\0"sv, "30\0"sv, "\0 30"sv, "3\0 0"sv}) {
        CAPTURE(header);
        CHECK_FALSE(parse_retry_after(header, now));
        CHECK(ask(503, header).type == "transient_error");
        CHECK(ask(503, header).message == "HTTP_503: charging order 7");
    }
}

TEST_CASE("no number of seconds and no date overflows: more than a century counts as one [H20] [H22]", "[H20][H22]")
{
    CHECK(parse_retry_after("3155760000", now) == longest_retry_after);
    CHECK(parse_retry_after("3155759999", now) == longest_retry_after - 1s);
    CHECK(parse_retry_after("9223372036854775807", now) == longest_retry_after);
    CHECK(parse_retry_after("18446744073709551616", now) == longest_retry_after);
    CHECK(parse_retry_after(std::string(100'000, '9'), now) == longest_retry_after);
    CHECK(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now) == longest_retry_after);
    CHECK(ask(429, std::string(100, '9')).wait == 300s);
}

TEST_CASE("a response without a final status is refused with a sentence that says what to give [H23]", "[H23]")
{
    for (int const status : {-1, 0, 1, 99, 600, 999, 2'000'000}) {
        CAPTURE(status);
        try {
            classify_http_status(status);
            FAIL("accepted");
        } catch (error const& refused) {
            CHECK(refused.code() == errc::invalid_options);
            CHECK_THAT(refused.what(), support::contains(std::to_string(status) + " is not an HTTP status"));
        }
        CHECK_THROWS_AS(ask(status), error);
    }
    for (int status = 100; status < 200; ++status)
        CHECK_THROWS_WITH(classify_http_status(status), support::contains("interim"));
}

TEST_CASE("a header is found whatever the case of its name [H24]", "[H24]")
{
    for (auto const spelling : {"retry-after", "Retry-After", "RETRY-AFTER", "rEtRy-aFtEr"}) {
        std::vector<std::pair<std::string, std::string>> const headers{{"Content-Type", "text/plain"},
                                                                       {spelling, "30"}};
        CAPTURE(spelling);
        CHECK(find_header(headers, "Retry-After") == "30");
        CHECK(find_header(headers, "retry-after") == "30");
        CHECK(ask(429, find_header(headers, "Retry-After")).wait == 30s);
    }
}

TEST_CASE("the first of several headers counts, and a name must fit whole [H24]", "[H24]")
{
    std::vector<std::pair<std::string_view, std::string_view>> const headers{
        {"Retry-Afterwards", "1"}, {"Retry", "2"}, {"Retry\r"sv, "3"}, {"Retry-After", "4"}, {"retry-after", "5"}};
    CHECK(find_header(headers, "Retry-After") == "4");
    CHECK_FALSE(find_header(headers, "Location"));
    CHECK_FALSE(find_header(headers, ""));
    CHECK_FALSE(find_header(std::map<std::string, std::string>{}, "Retry-After"));
}

TEST_CASE("letters alone are compared without case: `@` is not `` ` `` and `-` is not a carriage return [H24]", "[H24]")
{
    std::vector<std::pair<std::string_view, std::string_view>> const headers{{"x@y", "1"}, {"x[y", "1"}, {"X-Y", "2"}};
    CHECK_FALSE(find_header(headers, "x`y"));
    CHECK_FALSE(find_header(headers, "x{y"));
    CHECK_FALSE(find_header(headers, "x\ry"));
    CHECK(find_header(headers, "x-y") == "2");
    CHECK(find_header(headers, "X@Y") == "1");
}

TEST_CASE("without words of its own a failure's message is the code alone")
{
    CHECK_THROWS_WITH(throw_for_status(404, std::nullopt, now, ""), "HTTP_404");
}

TEST_CASE("every class of status has its name")
{
    CHECK(name(http_class::success) == "success");
    CHECK(name(http_class::retryable) == "retryable");
    CHECK(name(http_class::permanent) == "permanent");
}
