#pragma once

#include <tasker/policy/retry_policy.hpp>

#include <optional>
#include <string>
#include <type_traits>

namespace tasker {

/// Where a step's body runs: on the engine's own executor, on its pool for calls that block, or on a context of the
/// user's. Made by `tasker::blocking` and `tasker::on(context)`.
class place {
public:
    enum class kind { engine, blocking, context };

    constexpr place() = default;
    constexpr explicit place(kind where) : kind_{where} {}
    constexpr place(void* context, struct execution_context_access const& access)
        : kind_{kind::context}, context_{context}, access_{&access}
    {
    }

    constexpr kind where() const { return kind_; }
    constexpr void* context() const { return context_; }
    constexpr struct execution_context_access const& access() const { return *access_; }

private:
    kind kind_ = kind::engine;
    void* context_ = nullptr;
    struct execution_context_access const* access_ = nullptr;
};

/// For bodies that block a thread (files, legacy clients): they run on the engine's own small pool.
inline constexpr place blocking{place::kind::blocking};

/// What a step promises and asks for. Trivially destructible, so that it may be written inside a co_await expression.
struct step_options {
    retry_policy retry = {};
    duration timeout = duration::zero(); ///< of one attempt, the wait for a thread included; zero: none. Running out is a retryable failure
    int priority = 0;                    ///< higher starts first among ready steps
    place run_on = {};
};
static_assert(std::is_trivially_destructible_v<step_options>);

/// What is wrong with `options`, in a sentence, or nothing.
inline std::optional<std::string> problem_of(step_options const& options)
{
    if (options.timeout < duration::zero())
        return "timeout must not be negative; zero means none";
    return problem_of(options.retry);
}

} // namespace tasker
