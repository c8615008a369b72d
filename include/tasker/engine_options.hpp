#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/time.hpp>
#include <tasker/policy/delay_policy.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace tasker {

/// How an engine works. Trivially destructible; checked once, by the engine's constructor.
struct engine_options {
    std::size_t max_concurrent_steps = 1'000;   ///< bodies running at once, over all workflows; >= 1
    std::size_t max_resident_tasks = 100'000;   ///< live tasks in memory; further ones wait in the store; >= 1
    std::size_t max_journal_records = 65'536;   ///< rows waiting to be committed before submitters and steps wait; >= 1
    std::size_t max_journal_bytes = 64U << 20U; ///< the same in bytes of payload; >= 1
    std::size_t blocking_threads = 2;           ///< of the pool for `tasker::blocking` bodies; >= 1. A body that ignores that its time is over keeps its thread
    duration lease = std::chrono::seconds{10};  ///< how long tasks stay ours without a heartbeat (sent every third of it); >= 30 ms
    duration safety_poll = std::chrono::seconds{30}; ///< looks into the store even when nothing announced work; > 0
    duration record_start_within = std::chrono::milliseconds{50}; ///< a running step is recorded so soon, if no commit comes earlier
    int max_recoveries = 10;                    ///< claims from dead workers without progress before a task ends in error; >= 0
    delay_policy delays = {}; ///< where tasks wait, and how long
};
static_assert(std::is_trivially_destructible_v<engine_options>);

/// No interval in the options may be longer.
inline constexpr duration longest_interval = std::chrono::days{3'650};

/// What is wrong with `options`, in a sentence, or nothing.
TASKER_INLINE std::optional<std::string> problem_of(engine_options const& options);

/// How one workflow is registered.
struct add_options {
    bool replace = false;                 ///< take the place of the same version registered earlier in this engine
    std::size_t max_concurrent_steps = 0; ///< bodies of this workflow running at once; 0: only the engine's limit
};

/// What makes two submissions the same task.
enum class identity {
    unique,     ///< nothing: every submission is a task of its own
    by_content, ///< equal workflow (namespace, name, version), input, reason, initiator and source system
    custom,     ///< what the engine's identity strategy says (`engine::identity_strategy`)
};

/// What to do with a submission whose identity a stored task has already.
enum class on_duplicate {
    reject, ///< throw `error{duplicate_task}`
    join,   ///< return the handle of the task that exists
};

/// How one task is submitted. Trivially destructible: the views must live until the submission is awaited.
struct submit_options {
    std::string_view key = {};              ///< identity chosen by the caller, at most 512 bytes; not empty: it alone counts
    tasker::identity identity = tasker::identity::unique; ///< what makes this submission the same task as another; counts when `key` is empty
    tasker::on_duplicate on_duplicate = tasker::on_duplicate::reject; ///< what to do when that task exists
    int priority = 0;                       ///< higher first, added to its steps' own
    duration delay = duration::zero();      ///< not before this much later; >= 0
    std::string_view initiator = {}; ///< who asked, for the audit; empty: nobody in particular
    std::string_view source_system = {}; ///< which system asked, for the audit
    std::string_view reason = {}; ///< why, for the audit
};
static_assert(std::is_trivially_destructible_v<submit_options>);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/engine_options.ipp>
#endif
