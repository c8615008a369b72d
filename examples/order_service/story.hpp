#pragma once

#include "order.hpp"

#include <tasker/base/time.hpp>
#include <tasker/model/graph.hpp>
#include <tasker/model/records.hpp>
#include <tasker/model/states.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace order_service {

/// How an attempt ended, as a person tells it.
enum class ending {
    done,
    asked_to_wait, ///< 429
    server_error,  ///< 500
    timed_out,
    refused, ///< for good
    busy,    ///< the warehouse, the carrier or the mail server asked for patience
    killed,  ///< the process died under it
    failed,  ///< anything else, such as a gateway that cannot be reached
    running
};
inline constexpr std::array<std::string_view, 9> ending_names{
    "done", "429: asked to wait", "500: server error", "timed out", "refused for good",
    "busy", "process killed",     "failed otherwise",  "running"};

constexpr std::string_view name(ending how) { return ending_names[static_cast<std::size_t>(how)]; }

/// One attempt of one step.
struct attempt_story {
    std::string step;
    int attempt = 0; ///< from 1
    tasker::time_point from{};
    tasker::time_point to{};
    ending how = ending::running;
    std::string detail; ///< the failure's message

    tasker::duration length() const { return to - from; }
};

/// All that happened to one order, read from its audit trail.
struct order_story {
    order placed;
    tasker::task_state state = tasker::task_state::pending;
    std::vector<attempt_story> attempts; ///< by start

    /// From the first attempt's start to the last one's end: the time in the queue does not count.
    tasker::duration elapsed() const
    {
        tasker::duration longest{};
        for (auto const& one : attempts)
            longest = std::max(longest, one.to - attempts.front().from);
        return longest;
    }
};

inline ending ending_of(tasker::step_state state, std::string_view detail)
{
    auto const says = [&](std::string_view text) { return detail.find(text) != std::string_view::npos; };
    if (state == tasker::step_state::complete)
        return ending::done;
    if (says("HTTP_429"))
        return ending::asked_to_wait;
    if (says("HTTP_5"))
        return ending::server_error;
    if (says("HTTP_4") || says("refused:"))
        return ending::refused;
    if (says("the worker that ran this attempt is gone"))
        return ending::killed;
    if (says("ran out of its time"))
        return ending::timed_out;
    return says("busy:") ? ending::busy : ending::failed;
}

/// An attempt and the one that followed it.
struct retry {
    attempt_story const* failed;
    attempt_story const* next;

    tasker::duration wait() const { return next->from - failed->to; }
};

/// Every retry of the order, by the start of the new attempt. Lifetime: the result looks into `story`.
inline std::vector<retry> retries_in(order_story const& story)
{
    std::vector<retry> retries;
    std::map<std::string_view, attempt_story const*> latest;
    for (auto const& one : story.attempts) {
        auto& before = latest[one.step];
        if (before != nullptr)
            retries.push_back({before, &one});
        before = &one;
    }
    return retries;
}

/// How an order ended.
enum class outcome { shipped, refused_by_bank, refused_by_shop, given_up, unfinished };
inline constexpr std::array<std::string_view, 5> outcome_names{"shipped", "refused by the bank (402)",
                                                               "refused by the shop", "given up", "unfinished"};

constexpr std::string_view name(outcome how) { return outcome_names[static_cast<std::size_t>(how)]; }

inline outcome outcome_of(order_story const& story)
{
    if (!tasker::is_finished(story.state))
        return outcome::unfinished;
    if (story.state == tasker::task_state::complete)
        return outcome::shipped;
    for (auto const& one : story.attempts)
        if (one.how == ending::refused)
            return one.detail.find("HTTP_402") != std::string::npos ? outcome::refused_by_bank
                                                                    : outcome::refused_by_shop;
    return outcome::given_up;
}

/// The attempts that `history` (one task's audit trail, in order) tells of, by their start.
inline std::vector<attempt_story> attempts_in(tasker::graph const& steps,
                                              std::vector<tasker::transition_record> const& history)
{
    std::vector<attempt_story> attempts;
    std::map<tasker::step_no, std::size_t> latest;
    for (auto const& row : history) {
        if (!row.step)
            continue;
        auto const to = tasker::parse_state<tasker::step_state>(row.to);
        auto const known = latest.find(*row.step);
        if (to == tasker::step_state::in_progress) {
            latest[*row.step] = attempts.size();
            attempts.push_back({steps.step(*row.step).name, row.attempt, row.at, row.at, ending::running, {}});
        } else if (to != tasker::step_state::pending && to && known != latest.end()) {
            auto& ended = attempts[known->second];
            if (ended.how != ending::running)
                continue;
            ended.to = row.at;
            ended.how = ending_of(*to, row.detail);
            ended.detail = row.detail;
        }
    }
    std::sort(attempts.begin(), attempts.end(),
              [](auto const& a, auto const& b) { return std::tie(a.from, a.step) < std::tie(b.from, b.step); });
    return attempts;
}

} // namespace order_service
