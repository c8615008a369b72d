#pragma once

#include <tasker/engine_options.hpp>

#include "support/played_step.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// What happens to an engine and its tasks, and when.
struct happening {
    enum class kind { submit, cancel, cancel_step, retry, resolve, reset_step, resolve_step, crash, restart, drain }; ///< restart: a crash whose leases are not over yet
    kind what = kind::submit;
    tasker::duration at{};
    std::size_t which = 0; ///< of the workflows (submit), or of the tasks there are by then
    std::size_t step = 0;
    int priority = 0;
    tasker::duration delay = {};
};

struct random_workflow {
    std::string name;
    std::vector<played_step> steps;
    std::size_t limit = 0; ///< bodies at once
};

/// Workflows, limits, and a list of happenings, all from one seed, the same on every standard library.
class random_program {
public:
    explicit random_program(std::uint64_t seed) : random_{seed}
    {
        using namespace std::chrono_literals;
        engine.lease = pick<tasker::duration>({10s, 1h});
        engine.safety_poll = std::chrono::hours{1};
        engine.max_concurrent_steps = pick<std::size_t>({1, 2, 5, 1000});
        engine.max_resident_tasks = pick<std::size_t>({1, 2, 1000});
        engine.max_journal_records = pick<std::size_t>({1, 4, 65'536});
        engine.record_start_within = pick<tasker::duration>({0s, 50ms});
        engine.delays.wake_on = chance(50) ? tasker::wake_on::longest : tasker::wake_on::earliest;
        engine.delays.resident_limit = pick<tasker::duration>({0s, 2s, 60s});
        std::size_t const count = 1 + below(3);
        for (std::size_t at = 0; at < count; ++at)
            workflows.push_back({"random-" + std::to_string(at), make_steps(), chance(50) ? 0 : 1 + below(4)});
        make_happenings();
        watched_closely = chance(10);
    }

    std::vector<random_workflow> workflows;
    std::vector<happening> happenings; ///< in order
    tasker::engine_options engine;
    bool watched_closely = false; ///< whoever plays it looks at every instant

private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
    bool chance(std::size_t percent) { return below(100) < percent; }
    template <class Value>
    Value pick(std::initializer_list<Value> values)
    {
        return *(values.begin() + static_cast<std::ptrdiff_t>(below(values.size())));
    }

    tasker::step_options make_options()
    {
        using namespace std::chrono_literals;
        tasker::step_options options;
        options.retry.max_attempts = 1 + static_cast<int>(below(4));
        options.retry.retryable = chance(90);
        options.retry.backoff = {pick<tasker::duration>({1ms, 250ms, 1s, 20s, 90s}), pick({1.0, 2.0, 3.0}), 5min};
        options.retry.jitter = pick({tasker::jitter::none, tasker::jitter::ten_percent, tasker::jitter::full, tasker::jitter::decorrelated});
        options.timeout = pick<tasker::duration>({0s, 0s, 500ms, 5s});
        options.priority = static_cast<int>(below(3)) - 1;
        return options;
    }

    std::vector<played_attempt> make_attempts()
    {
        using namespace std::chrono_literals;
        std::vector<played_attempt> attempts;
        std::size_t const bad = chance(60) ? 0 : 1 + below(4);
        for (std::size_t at = 0; at < bad; ++at) {
            auto const how = pick({ending::transient, ending::transient, ending::retry_after, ending::foreign, ending::permanent, ending::success});
            attempts.push_back({how, pick<tasker::duration>({0s, 0s, 250ms, 1s, 40s}), pick<tasker::duration>({0s, 1s, 30s, 3min})});
        }
        attempts.push_back({ending::success, pick<tasker::duration>({0s, 0s, 1ms, 250ms, 3s}), {}});
        return attempts;
    }

    std::vector<played_step> make_steps()
    {
        std::size_t const count = 1 + (chance(75) ? below(10) : chance(90) ? below(40) : below(200));
        std::vector<played_step> steps;
        for (std::size_t at = 0; at < count; ++at) {
            played_step step{"s" + std::to_string(at), {}, pick({body_kind::plain, body_kind::blocking, body_kind::async, body_kind::async, body_kind::awaitable}),
                             make_attempts(), make_options(), chance(15)};
            for (std::size_t tries = at == 0 ? 0 : below(4); tries > 0; --tries)
                step.parents.push_back("s" + std::to_string(below(at)));
            std::sort(step.parents.begin(), step.parents.end());
            step.parents.erase(std::unique(step.parents.begin(), step.parents.end()), step.parents.end());
            steps.push_back(std::move(step));
        }
        for (std::size_t at = count; at > 1; --at) // declared in any order
            std::swap(steps[at - 1], steps[below(at)]);
        return steps;
    }

    tasker::duration moment()
    {
        using namespace std::chrono_literals;
        auto const more = below(3) * 1ms; // not within the sum: compilers differ in which operand they ask first
        return pick<tasker::duration>({0s, 1ms, 250ms, 1s, 2s, 5s, 20s, 60s, 100s, 200s, 301s}) + more;
    }

    void make_happenings()
    {
        using enum happening::kind;
        std::size_t const tasks = 1 + below(4);
        for (std::size_t at = 0; at < tasks; ++at)
            insert({submit, chance(60) ? tasker::duration{} : moment(), below(workflows.size()), 0, static_cast<int>(below(3)) - 1,
                    chance(80) ? tasker::duration{} : moment()});
        for (std::size_t others = below(10); others > 0; --others)
            insert({pick({cancel, cancel_step, cancel_step, retry, retry, resolve, reset_step, reset_step, resolve_step, resolve_step,
                          crash, restart, drain}),
                    moment(), below(4), below(40), 0, {}});
    }

    /// Keeps the happenings in order; of those at one time, the one inserted first comes first.
    void insert(happening const& next)
    {
        happenings.insert(std::upper_bound(happenings.begin(), happenings.end(), next, [](auto const& a, auto const& b) { return a.at < b.at; }),
                          next);
    }

    std::mt19937_64 random_;
};

} // namespace support
