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
    /// Which of the three.
    enum class kind { engine, blocking, context };

    constexpr place() = default;
    /// The engine's own executor, or its pool for bodies that block.
    constexpr explicit place(kind where) : kind_{where} {}
    /// A context of the user's and how to reach its executor; both must outlive the engine.
    constexpr place(void* context, struct execution_context_access const& access)
        : kind_{kind::context}, context_{context}, access_{&access}
    {
    }

    /// Which of the three it is.
    constexpr kind where() const { return kind_; }
    /// The user's context; null for the other two.
    constexpr void* context() const { return context_; }
    /// How to reach its executor. Preconditions: `where()` is `context`.
    constexpr struct execution_context_access const& access() const { return *access_; }

private:
    kind kind_ = kind::engine;
    void* context_ = nullptr;
    struct execution_context_access const* access_ = nullptr;
};

/// For bodies that block a thread (files, legacy clients): they run on the engine's own small pool.
inline constexpr place blocking{place::kind::blocking};

/// What a crash may take from a step.
enum class durability {
    durable,   ///< nothing: what follows waits until its outcome is recorded
    volatile_, ///< its outcome, when it was over but for a moment: what follows does not wait, and it is recorded with the next commit
};

/// What a step promises and asks for. Trivially destructible, so that it may be written inside a co_await expression.
struct step_options {
    retry_policy retry = {};             ///< when a failed attempt is followed by another
    duration timeout = duration::zero(); ///< of one attempt, the wait for a thread included; zero: none. Running out is a retryable failure
    int priority = 0;                    ///< higher starts first among ready steps
    place run_on = {};                   ///< on whose threads the body runs; default: the engine's executor
    tasker::durability durability = tasker::durability::durable; ///< volatile ones are for coroutines: see `workflow_context::step`
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
