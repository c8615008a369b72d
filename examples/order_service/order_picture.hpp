#pragma once

#include "money.hpp"
#include "reading.hpp"
#include "steps.hpp"
#include "story.hpp"
#include "timeline.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace order_service {

/// `shipped after 9.8 s`
inline std::string ending_in_words(order_story const& story)
{
    std::string const after = " after " + reading(story.elapsed());
    switch (outcome_of(story)) {
    case outcome::shipped: return "shipped" + after;
    case outcome::refused_by_bank: return "refused by the bank" + after;
    case outcome::refused_by_shop: return "refused by the shop" + after;
    case outcome::given_up: return "given up" + after;
    case outcome::unfinished: break;
    }
    return "unfinished" + after;
}

/// Everything that was spent between one attempt of a step and its next.
inline tasker::duration waited_in(order_story const& story)
{
    tasker::duration sum{};
    for (auto const& one : retries_in(story))
        sum += one.wait();
    return sum;
}

/// The picture of one order's life.
inline timeline timeline_of(order_story story, std::vector<std::string> steps)
{
    order const& placed = story.placed;
    std::size_t charges = 0;
    for (auto const& one : story.attempts)
        charges += one.step == "charge";
    std::string facts = std::to_string(placed.lines.size()) + (placed.lines.size() == 1 ? " line" : " lines") + " to " +
                        placed.country + (placed.express ? ", express" : "") +
                        (placed.gift_note ? ", gift-wrapped" : "");
    if (charges > 0) // then it passed validation, and has a price
        facts += ", " + money(validate(placed).total_cents, placed.currency) + ". " + std::to_string(charges) +
                 (charges == 1 ? " attempt" : " attempts") + " to charge; " + reading(waited_in(story)) +
                 " spent in waits.";
    std::string title = "Order " + placed.id + ", " + placed.customer + ": " + ending_in_words(story);
    return {std::move(title), std::move(facts), std::move(steps), std::move(story)};
}

} // namespace order_service
