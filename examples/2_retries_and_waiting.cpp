// What happens after a failure: the step waits as its policy says, as the failure itself says, or is given up.
// The simulation is the very engine on a clock that jumps: minutes pass in no time, and every wait is exact.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <chrono>
#include <iomanip>
#include <iostream>
#include <string_view>
#include <utility>
#include <variant>

using namespace std::chrono_literals;

constexpr tasker::retry_policy patient{
    .max_attempts = 4, .backoff = {.initial = 200ms, .factor = 2.0, .cap = 30s}, .jitter = tasker::jitter::none};

void loses_its_connection(tasker::step_context& context)
{
    if (context.attempt() < 4)
        throw tasker::transient_error{"connection reset"}; // as any exception that is none of tasker's own
}

void is_told_to_wait(tasker::step_context& context)
{
    if (context.attempt() == 1)
        throw tasker::retry_after{10s, "429 Too Many Requests"};
}

void is_told_to_wait_long(tasker::step_context& context)
{
    if (context.attempt() == 1)
        throw tasker::retry_after{2min, "down for maintenance"};
}

tasker::async<void> hangs_once(tasker::step_context& context)
{
    if (context.attempt() == 1)
        co_await context.sleep_for(1h); // the timeout ends it by cancelling what it awaits
}

void is_refused()
{
    throw tasker::permanent_error{"the card has expired"};
}

/// Tells the story of a task as its events do, each with the time since the task was submitted.
void tell(tasker::testing::task_report const& report)
{
    auto const since_submission = [&](tasker::time_point at) { return tasker::to_text(at - report.record.created_at); };
    auto const line = [&](tasker::step_event const& e) -> std::ostream& {
        return std::cout << std::setw(8) << since_submission(e.at) << "  attempt " << e.attempt;
    };
    for (tasker::event const& one : report.events) {
        if (auto const* failed = std::get_if<tasker::step_failed>(&one))
            line(*failed) << " failed, " << name(failed->kind) << ": " << failed->what << '\n';
        else if (auto const* done = std::get_if<tasker::step_completed>(&one))
            line(*done) << " succeeded\n";
        else if (auto const* waits = std::get_if<tasker::task_waiting>(&one); waits != nullptr && waits->parked)
            std::cout << "          a long wait: the task leaves memory until "
                      << since_submission(waits->until) << '\n';
    }
    std::cout << "          the task is " << name(report.state)
              << (report.what.empty() ? "" : ": ") << report.what << "\n\n";
}

template <class Body>
void show(std::string_view title, Body body, tasker::step_options const& options)
{
    tasker::workflow_builder flow{"course", "waiting", "1.0.0"};
    flow.step("work", body, options);
    std::cout << title << '\n';
    tasker::testing::simulation sim;
    tell(sim.run(std::move(flow).build()));
}

int main()
{
    show("A transient failure: the wait starts at 200 ms and doubles", loses_its_connection, {.retry = patient});
    show("The other side names the wait: it counts, not the policy's", is_told_to_wait, {.retry = patient});
    show("A wait beyond a minute: the store keeps the task, and looks 5 s after it is due", is_told_to_wait_long,
         {.retry = patient});
    show("An attempt that takes longer than its timeout", hangs_once, {.retry = patient, .timeout = 3s});
    show("A permanent failure: no further attempt can help", is_refused, {.retry = patient});
}
