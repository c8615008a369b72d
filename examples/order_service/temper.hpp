#pragma once

#include "pace.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace order_service {

/// What the gateway does with one request.
enum class reply {
    ok,                ///< 200: charged
    declined,          ///< 402: this card will never pay
    wait_seconds,      ///< 429, Retry-After in seconds
    wait_until,        ///< 429, Retry-After as an HTTP date
    broken,            ///< 500
    silent,            ///< nothing is charged and nothing answered
    charged_in_silence ///< charged, but the answer never arrives: what idempotency keys are for
};

/// One way for the gateway to treat an order: its replies in turn, the last one again and again.
struct temper {
    int orders_of_1000;
    std::array<reply, 5> replies;
};

inline constexpr std::array<temper, 9> tempers{{
    {580, {reply::ok, reply::ok, reply::ok, reply::ok, reply::ok}},
    {110, {reply::wait_seconds, reply::ok, reply::ok, reply::ok, reply::ok}},
    {60, {reply::wait_until, reply::ok, reply::ok, reply::ok, reply::ok}},
    {90, {reply::broken, reply::broken, reply::ok, reply::ok, reply::ok}},
    {60, {reply::silent, reply::ok, reply::ok, reply::ok, reply::ok}},
    {50, {reply::charged_in_silence, reply::ok, reply::ok, reply::ok, reply::ok}},
    {20, {reply::broken, reply::wait_seconds, reply::silent, reply::ok, reply::ok}},
    {15, {reply::wait_until, reply::broken, reply::charged_in_silence, reply::wait_seconds, reply::ok}},
    {15, {reply::broken, reply::broken, reply::broken, reply::broken, reply::broken}},
}};

constexpr bool is_a_bad_card(std::string_view card)
{
    return card == "tok_no_funds" || card == "tok_expired" || card == "tok_stolen" || card == "tok_limit_reached";
}

/// The gateway's reply to the `request`-th request (from 1) for `order`: the same in every run.
inline reply reply_to(std::string_view order, std::string_view card, std::size_t request)
{
    auto left = static_cast<int>(dice(order, "temper") % 1000);
    std::size_t at = 0;
    while (left >= tempers[at].orders_of_1000)
        left -= tempers[at++].orders_of_1000;
    auto const& replies = tempers[at].replies;
    reply const chosen = replies[std::min(request, replies.size()) - 1];
    bool const charges = chosen == reply::ok || chosen == reply::charged_in_silence;
    return charges && is_a_bad_card(card) ? reply::declined : chosen;
}

} // namespace order_service
