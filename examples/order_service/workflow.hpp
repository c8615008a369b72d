#pragma once

#include "steps.hpp"

#include <tasker/flow/workflow.hpp>
#include <tasker/flow/workflow_builder.hpp>
#include <tasker/model/step_options.hpp>

#include <algorithm>
#include <functional>
#include <utility>

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

    auto const here = [&at](auto step) { return std::bind_front(step, std::cref(at)); };

    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    flow.event("order.shipped", "The parcel is with the carrier.");
    auto const placed = flow.input<order>();
    auto const quoted = flow.step("validate", after(placed), validate);
    auto const held =
        flow.step("reserve", after(placed, ordering(quoted)), here(reserve), {.retry = patient, .priority = 1});
    auto const paid = flow.step("charge", after(placed, quoted), here(charge),
                                {.retry = patient, .timeout = time_limit, .priority = 1});
    auto const sent = flow.step("ship", after(placed, paid, held), here(ship), {.retry = patient, .priority = 2});
    flow.step("notify", after(placed, sent), here(notify), {.retry = patient, .priority = 3});
    return std::move(flow).build();
}

} // namespace order_service
