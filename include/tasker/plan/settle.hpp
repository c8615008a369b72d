#pragma once

#include <tasker/plan/readiness.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace tasker {

/// How an attempt ended.
struct attempt_outcome {
    enum class kind { completed, failed, cancelled };

    kind how = kind::completed;
    payload result;                      ///< when completed
    failure problem;                     ///< when failed
    std::optional<duration> retry_delay; ///< when it asked for a particular wait
};

/// No wait is longer than a century: so that no sum of a time and a wait overflows.
inline constexpr duration longest_wait = std::chrono::days{36'525};

/// The record of a step whose next attempt starts at `now`. The back-off that led here is kept until the attempt ends
/// (decorrelated jitter looks at it), the explicit request is not: it was for one wait only.
inline void begin_attempt(step_record& record, time_point now)
{
    record.state = step_state::in_progress;
    record.started_at = now;
    record.backoff_request.reset();
    record.last_failure.reset();
}

/// The record of a checkpoint that needs no attempt.
inline void complete_at_once(step_record& record, payload value, time_point now)
{
    record.state = step_state::complete;
    record.result = std::move(value);
    record.started_at = record.finished_at = now;
}

/// The record of a step whose attempt has succeeded.
inline void settle_success(step_record& record, payload&& result, time_point now)
{
    ++record.attempts;
    record.state = step_state::complete;
    record.finished_at = now;
    record.next_retry_at.reset();
    record.backoff_request.reset();
    record.last_failure.reset();
    record.result = std::move(result);
}

/// Turns the record of a running step into its next one. `random` is uniform in [0, 1).
inline void settle(step_record& record, retry_policy const& policy, attempt_outcome&& outcome, time_point now, double random)
{
    if (outcome.how == attempt_outcome::kind::completed) {
        settle_success(record, std::move(outcome.result), now);
        return;
    }
    duration const previous_wait =
        record.next_retry_at && record.finished_at ? *record.next_retry_at - *record.finished_at : duration::zero();
    record.finished_at = now;
    record.next_retry_at.reset();
    record.backoff_request.reset();
    record.last_failure.reset();
    if (outcome.how == attempt_outcome::kind::cancelled) {
        ++record.attempts;
        record.state = step_state::cancelled;
        return;
    }
    if (outcome.problem.what.empty())
        outcome.problem.what = "Unknown error";
    if (outcome.problem.type.empty())
        outcome.problem.type = "unknown";
    bool const abandoned = outcome.problem.kind == failure_kind::abandoned;
    record.attempts += abandoned ? 0 : 1;
    record.state = step_state::error;
    record.last_failure = std::move(outcome.problem);
    if (!may_retry(record, policy))
        return;
    if (outcome.retry_delay)
        record.backoff_request = std::clamp(*outcome.retry_delay, duration::zero(), longest_wait);
    duration const wait = abandoned                ? duration::zero()
                          : record.backoff_request ? *record.backoff_request
                                                   : backoff_delay(policy.backoff, policy.jitter, record.attempts,
                                                                   previous_wait, random);
    record.next_retry_at = now + std::min(wait, longest_wait);
}

} // namespace tasker
