#pragma once

#include "order.hpp"
#include "pace.hpp"
#include "payment_client.hpp"

#include <tasker/base/error.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/flow/async.hpp>
#include <tasker/flow/step_context.hpp>
#include <tasker/model/codec.hpp>
#include <tasker/policy/http_retry.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

/// The bodies of the workflow's steps. The charge is a real HTTP request; the other steps stand for a warehouse, a
/// carrier and a mail server, and take their time.
namespace order_service {

using namespace std::chrono_literals;

/// What the steps need besides their arguments.
struct shop {
    payment_client bank;
    order_service::pace pace;
    int batch = 1; ///< which run through the orders file this is; goes into the payments' references
};

inline constexpr std::array<std::string_view, 23> served_countries{"AT", "AU", "BE", "BR", "CA", "CH", "CZ", "DE",
                                                                   "DK", "ES", "FI", "FR", "GB", "IE", "IT", "JP",
                                                                   "NL", "NO", "NZ", "PL", "PT", "SE", "US"};

/// Checks the order and works out its price. What is wrong with an order stays wrong: the failures are permanent.
inline quote validate(order const& placed)
{
    if (std::find(served_countries.begin(), served_countries.end(), placed.country) == served_countries.end())
        throw tasker::permanent_error{"refused: the shop does not send to " + placed.country};
    if (placed.lines.empty())
        throw tasker::permanent_error{"refused: the order has no lines"};
    quote price;
    for (order_line const& line : placed.lines) {
        if (line.quantity < 1)
            throw tasker::permanent_error{"refused: the order wants " + std::to_string(line.quantity) + " of " +
                                          line.sku};
        price.goods_cents += line.quantity * line.unit_cents;
        price.grams += line.quantity * line.grams;
    }
    price.shipping_cents = (placed.express ? 1290 : 490) + 35 * std::int64_t{price.grams / 500};
    price.wrapping_cents = placed.gift_note ? 350 : 0;
    price.total_cents = price.goods_cents + price.shipping_cents + price.wrapping_cents;
    return price;
}

/// Finds a shelf for each line of the order. One order in twelve meets the stock-takers first.
inline tasker::async<reservation> reserve(shop const& at, tasker::step_context& context, order const& placed)
{
    co_await context.sleep_for(at.pace(between(120ms, 480ms, dice(placed.id, "reserve"))));
    if (context.attempt() == 1 && dice(placed.id, "stock-taking") % 12 == 0)
        throw tasker::transient_error{"busy: the shelf is being counted"};
    reservation held{dice(placed.id, "warehouse") % 3 == 0 ? "Rotterdam" : "Leipzig", {}};
    for (order_line const& line : placed.lines)
        held.shelves.push_back(line.sku.substr(0, 3) + "-" + std::to_string(dice(line.sku, held.warehouse) % 90 + 10));
    co_return held;
}

/// Takes the money, once: every attempt carries the same key, and the gateway answers a known key from its ledger.
inline boost::asio::awaitable<receipt> charge(shop const& at, tasker::step_context& context, order const& placed,
                                              quote const& price)
{
    charge_request const wanted{std::to_string(at.batch) + "/" + placed.id, placed.id, placed.card, placed.currency,
                                price.total_cents};
    std::string const key = context.idempotency_key();
    gateway_answer const answer = co_await at.bank.charge(key, wanted);
    std::string const said = answer.body + (answer.retry_after.empty() ? "" : ", Retry-After: " + answer.retry_after);
    tasker::throw_for_status(static_cast<int>(answer.status), answer.retry_after, context.now(), said);
    auto const made = tasker::codec<charge_made>::decode(tasker::payload{answer.body});
    co_return receipt{made.charge, made.cents};
}

/// Hands the parcel to a carrier. One in fifteen parcels misses the first van.
inline tasker::async<parcel> ship(shop const& at, tasker::step_context& context, order const& placed,
                                  receipt const& paid, reservation const& held)
{
    auto const packing = between(150ms, 700ms, dice(placed.id, "ship"));
    co_await context.sleep_for(at.pace(placed.express ? packing / 2 : packing));
    if (context.attempt() == 1 && dice(placed.id, "van") % 15 == 0)
        throw tasker::retry_after{at.pace(1200ms), "busy: the van is full, the next one leaves in a moment"};
    parcel sent{placed.express ? "Falke Express" : "Landpost",
                held.warehouse.substr(0, 1) + placed.id.substr(2) + paid.charge.substr(paid.charge.size() - 6)};
    context.publish("order.shipped", sent);
    co_return sent;
}

/// Writes to the customer. One mail server in ten greylists the first attempt.
inline tasker::async<notice> notify(shop const& at, tasker::step_context& context, order const& placed,
                                    parcel const& sent)
{
    co_await context.sleep_for(at.pace(between(30ms, 120ms, dice(placed.id, "notify"))));
    if (context.attempt() == 1 && dice(placed.email, "greylist") % 10 == 0)
        throw tasker::retry_after{at.pace(1500ms), "busy: 451 greylisted, try again later"};
    co_return notice{placed.email, "Your order " + placed.id + " is on its way, " + sent.carrier + " " + sent.tracking};
}

} // namespace order_service
