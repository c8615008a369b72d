// How to test a workflow of your own: the real engine on a clock that jumps, with scripted steps for the outside world.
// Nothing sleeps, so durations are compared with ==; and a crash is one call.

#include <tasker/tasker.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include <chrono>
#include <iostream>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;
using tasker::testing::scripted_step;
using tasker::testing::simulation;

/// The workflow under test. Its bodies are arguments, so that a test can put others in their place.
template <class Charge, class Reserve, class Ship>
tasker::workflow fulfil_order(Charge charge, Reserve reserve, Ship ship)
{
    constexpr tasker::retry_policy patient{
        .max_attempts = 3, .backoff = {.initial = 200ms, .factor = 2.0, .cap = 30s}, .jitter = tasker::jitter::none};
    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    auto const paid = flow.step("charge", charge, {.retry = patient, .timeout = 10s});
    auto const held = flow.step("reserve", reserve);
    flow.step("ship", after(ordering(paid), ordering(held)), ship);
    return std::move(flow).build();
}

/// The example needs no test framework; in yours, this is CHECK or EXPECT_TRUE.
class checks {
public:
    void that(std::string_view sentence, bool holds)
    {
        std::cout << (holds ? "  ok      " : "  FAILED  ") << sentence << '\n';
        failures_ += holds ? 0 : 1;
    }
    int failures() const { return failures_; }

private:
    int failures_ = 0;
};

void failures_are_waited_out(checks& check)
{
    std::cout << "charge fails twice\n";
    simulation sim;
    auto const report = sim.run(fulfil_order(scripted_step{}.fails(2), scripted_step{}, scripted_step{}));
    check.that("the order is fulfilled", report.state == tasker::task_state::complete);
    check.that("by the third attempt", report.step("charge").attempts() == 3);
    check.that("after exactly the two waits", report.elapsed == 200ms + 400ms);
}

void a_declined_card_ships_nothing(checks& check)
{
    std::cout << "charge is declined\n";
    scripted_step const charge = scripted_step{}.throws(tasker::permanent_error{"declined"});
    scripted_step const ship;
    simulation sim;
    auto const report = sim.run(fulfil_order(charge, scripted_step{}.takes(1h), ship));
    check.that("the order is in error", report.state == tasker::task_state::error);
    check.that("and says why", report.what == "step \"charge\" failed after 1 attempt: declined");
    check.that("what could still be done was done", report.step("reserve").state() == tasker::step_state::complete);
    check.that("but nothing was shipped", ship.calls() == 0);
}

void branches_overlap(checks& check)
{
    std::cout << "charge hangs, reserve is slow\n";
    simulation sim;
    auto const hangs_once = [](tasker::step_context& context) -> tasker::async<void> {
        if (context.attempt() == 1)
            co_await context.sleep_for(1h);
    };
    auto const report = sim.run(fulfil_order(hangs_once, scripted_step{}.takes(12s), scripted_step{}.takes(3s)));
    check.that("the timeout of 10 s ended the first attempt", report.all<tasker::step_failed>().front().elapsed == 10s);
    check.that("reserve ran meanwhile, and ship when the later of both was done", report.elapsed == 12s + 3s);
}

void a_crash_repeats_nothing_that_is_done(checks& check)
{
    std::cout << "the process dies while it ships\n";
    scripted_step charge;
    scripted_step ship = scripted_step{}.takes(1min);
    simulation sim{{.engine = {.lease = 10s}}};
    tasker::task_id const id = sim.submit(fulfil_order(charge, scripted_step{}, ship));
    sim.advance(30s);
    sim.crash(1min); // a minute later a new engine starts on the same store
    sim.finish(id);
    check.that("the order is fulfilled", sim.report(id).state == tasker::task_state::complete);
    check.that("charge ran once", charge.calls() == 1);
    check.that("ship ran again, because its first attempt left no outcome", ship.calls() == 2);
}

int main()
{
    checks check;
    failures_are_waited_out(check);
    a_declined_card_ships_nothing(check);
    branches_overlap(check);
    a_crash_repeats_nothing_that_is_done(check);
    return check.failures();
}
