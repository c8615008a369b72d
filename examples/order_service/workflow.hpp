#pragma once

#include "steps.hpp"

#include <tasker/flow/workflow.hpp>
#include <tasker/flow/workflow_builder.hpp>
#include <tasker/model/step_options.hpp>

#include <algorithm>

namespace order_service {

inline constexpr auto workflow_name = "shop/fulfil-order";

/// validate -> reserve and charge in parallel -> ship -> notify.
/// Later steps have the higher priority: an order that was begun is finished before the next one is.
/// Lifetime: `at` outlives every engine that runs the workflow.
inline tasker::workflow fulfil_order(shop const& at)
{
    tasker::retry_policy const patient{.max_attempts = 6,
                                       .backoff = {.initial = at.pace(300ms), .factor = 2.0, .cap = at.pace(1500ms)}};
    tasker::duration const time_limit = std::max<tasker::duration>(at.pace(1500ms), 400ms);

    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    flow.event("order.shipped", "The parcel is with the carrier.");
    auto const placed = flow.input<order>();
    auto const quoted = flow.step("validate", after(placed), validate);
    auto const held = flow.step(
        "reserve", after(placed, ordering(quoted)),
        [&at](tasker::step_context& context, order const& asked) { return reserve(at, context, asked); },
        {.retry = patient, .priority = 1});
    auto const paid = flow.step(
        "charge", after(placed, quoted),
        [&at](tasker::step_context& context, order const& asked, quote const& price) {
            return charge(at, context, asked, price);
        },
        {.retry = patient, .timeout = time_limit, .priority = 1});
    auto const sent = flow.step(
        "ship", after(placed, paid, held),
        [&at](tasker::step_context& context, order const& asked, receipt const& bill, reservation const& goods) {
            return ship(at, context, asked, bill, goods);
        },
        {.retry = patient, .priority = 2});
    flow.step(
        "notify", after(placed, sent),
        [&at](tasker::step_context& context, order const& asked, parcel const& gone) {
            return notify(at, context, asked, gone);
        },
        {.retry = patient, .priority = 3});
    return std::move(flow).build();
}

} // namespace order_service
