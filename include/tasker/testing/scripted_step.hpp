#pragma once

#include <tasker/flow/async.hpp>
#include <tasker/flow/step_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace tasker::testing {

/// A step body that does as it is told: fails its first attempts, takes its time, counts its calls.
/// `flow.step("charge", scripted_step{}.fails(2).takes(1s))`. Copies share the count. For simulations: one thread.
class scripted_step {
public:
    /// Each task's first `times` attempts fail with `what`, transiently.
    scripted_step& fails(int times, std::string what = "scripted failure")
    {
        failures_ = times;
        fail_ = [what = std::move(what)] { throw transient_error{what}; };
        return *this;
    }
    /// Each task's first `times` attempts end in `thrown`.
    template <class Exception>
    scripted_step& throws(Exception thrown, int times = 1)
    {
        failures_ = times;
        fail_ = [thrown = std::move(thrown)] { throw thrown; };
        return *this;
    }
    /// Every attempt fails.
    scripted_step& always_fails(std::string what = "scripted failure") { return fails(1 << 30, std::move(what)); }
    /// Every attempt lasts this long, on the engine's clock, before it succeeds or fails.
    scripted_step& takes(duration length)
    {
        length_ = length;
        return *this;
    }

    /// How often a body was entered, over all tasks.
    int calls() const noexcept { return *calls_; }

    /// The body: plays the attempt, and returns its number.
    async<int> operator()(step_context& context) const { return perform(*this, context); }

private:
    static async<int> perform(scripted_step self, step_context& context)
    {
        ++*self.calls_;
        if (self.length_ > duration::zero())
            co_await context.sleep_for(self.length_);
        if (context.attempt() <= self.failures_)
            self.fail_();
        co_return context.attempt();
    }

    int failures_ = 0;
    std::function<void()> fail_;
    duration length_{};
    std::shared_ptr<int> calls_ = std::make_shared<int>(0);
};

} // namespace tasker::testing
