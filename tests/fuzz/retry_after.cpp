// Retry-After fields: see parse_retry_after.

#include <tasker/policy/http_date.hpp>
#include <tasker/policy/http_retry.hpp>

#include "fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr std::array<time_point, 4> nows{time_point{}, time_point{std::chrono::sys_days{std::chrono::year{1994} / 11 / 6}},
                                         time_point{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}} + 123'456us,
                                         time_point{std::chrono::sys_days{std::chrono::year{9999} / 12 / 31}} + 24h - 1us};

void check_wait(std::string_view field, time_point now, duration wait)
{
    using fuzz::require;
    require(wait >= 0s && wait <= longest_retry_after, "a wait is between zero and the longest there is");
    require(parse_retry_after("\t " + std::string{field} + " \t", now) == wait, "blanks around a field mean nothing");
    auto const whole = std::chrono::floor<std::chrono::seconds>(wait);
    require(parse_retry_after(std::to_string(whole.count()), now) == whole, "a wait written in seconds is read as the same wait");

    auto const point = parse_http_date(field.substr(std::min(field.find_first_not_of(" \t"), field.size())), now);
    if (point && parse_http_date(field.substr(field.find_first_not_of(" \t")), now + 1h) == point)
        require(parse_retry_after(field, now + 1h) == std::clamp<duration>(*point - now - 1h, 0s, longest_retry_after),
                "the wait until a point in time shrinks as time goes by");
}

void check_status(std::string_view field, time_point now, std::optional<duration> wait)
{
    using fuzz::require;
    for (duration const cap : {duration{}, default_retry_after_cap}) {
        try {
            throw_for_status(429, field, now, "busy", cap);
        } catch (retry_after const& asked) {
            require(wait && asked.delay() == std::min(*wait, cap), "what is thrown asks for the wait, up to the cap");
            continue;
        } catch (transient_error const&) {
            require(!wait, "a field that makes sense is honoured");
            continue;
        }
        require(false, "a status of 429 is no success");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const field = fuzz::text_of(data, size);
    for (time_point const now : nows) {
        auto const wait = parse_retry_after(field, now);
        if (wait)
            check_wait(field, now, *wait);
        check_status(field, now, wait);
    }
    return 0;
}
