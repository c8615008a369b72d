#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/fleet.hpp"
#include "support/refusal.hpp"
#include "support/shapes.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::refused;
using support::unspread;
using testing::scripted_step;
using support::simulation;

namespace {

/// first -> second; second returns what first gave, plus 1.
workflow pair_of(scripted_step const& first, step_options const& options = {.retry = unspread})
{
    workflow_builder flow{"test", "pair"};
    auto const given = flow.step("first", first, options);
    flow.step("second", after(given), [](int value) { return value + 1; });
    return std::move(flow).build();
}

/// Retries after two minutes: such a task is parked in the store meanwhile.
constexpr step_options patient{.retry = {.backoff = {.initial = 2min}, .jitter = jitter::none}};

/// A body that goes on whatever it is asked.
async<int> stubborn(step_context& context)
{
    time_point const end = context.now() + 10s;
    while (context.now() < end) {
        try {
            co_await context.sleep_for(end - context.now());
        } catch (boost::system::system_error const&) {
            context.publish("stubborn.asked-to-stop");
        }
    }
    co_return 7;
}

std::vector<std::string> audit(simulation& sim, task_id id)
{
    std::vector<std::string> lines;
    for (transition_record const& row : sim.await(sim.engine().history(id)))
        lines.push_back((row.step ? "step " + std::to_string(*row.step) : std::string{"task"}) + " " + row.from + " > " + row.to +
                        (row.detail.empty() ? "" : ": " + row.detail));
    return lines;
}

} // namespace

// ---- the whole task

TEST_CASE("cancelling a task stops its running body and starts nothing more [F26]", "[F26]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.submit(pair_of(scripted_step{}.takes(10s)));
        sim.advance(3s);
        sim.await(sim.engine().cancel(id, "changed my mind"));
        auto const report = sim.report(id);
        CHECK(report.state == task_state::cancelled);
        CHECK(report.elapsed == 3s);
        CHECK(report.what == "it was cancelled: changed my mind");
        CHECK(report.step("first").state() == step_state::cancelled);
        CHECK(report.step("second").state() == step_state::pending);
        CHECK(report.count<task_cancelled>() == 1);
        sim.advance(1h);
        CHECK(sim.report(id).step("second").attempts() == 0);
    });
}

TEST_CASE("a body that does not heed the cancel is recorded and revives nothing [F26]", "[F26]")
{
    simulation sim;
    workflow_builder flow{"test", "stubborn"};
    auto const first = flow.step("first", stubborn);
    flow.step("second", after(first), [](int) {});
    task_id const id = sim.submit(std::move(flow).build());
    sim.advance(3s);
    sim.await(sim.engine().cancel(id));
    CHECK(sim.report(id).step("first").state() == step_state::in_progress);
    sim.advance(7s);
    auto const report = sim.report(id);
    CHECK(report.state == task_state::cancelled);
    CHECK(report.elapsed == 3s);
    CHECK(report.step("first").state() == step_state::complete);
    CHECK(report.step("first").result<int>() == 7);
    CHECK(report.step("second").state() == step_state::pending);
    CHECK(report.all<task_cancelled>().size() == 1);
    CHECK(report.count<task_completed>() == 0);
}

TEST_CASE("a task in back-off, resident or parked, can be cancelled")
{
    on_each_store([](simulation& sim) {
        for (step_options const& options : {step_options{.retry = unspread}, patient}) {
            task_id const id = sim.submit(pair_of(scripted_step{}.always_fails(), options));
            sim.settle();
            CHECK(sim.report(id).state == task_state::pending);
            sim.await(sim.engine().cancel(id, "enough"));
            CHECK(sim.report(id).state == task_state::cancelled);
            sim.advance(1h);
            CHECK(sim.report(id).step("first").attempts() == 1);
        }
    });
}

TEST_CASE("a task that waits for its delay can be cancelled")
{
    simulation sim;
    scripted_step body;
    task_id const id = sim.submit(pair_of(body), {.delay = 1h});
    sim.await(sim.engine().cancel(id));
    CHECK(sim.report(id).state == task_state::cancelled);
    sim.advance(2h);
    CHECK(body.calls() == 0);
}

TEST_CASE("a complete task and one in error can be cancelled, a cancelled one cannot [B07][C07]", "[B07][C07]")
{
    on_each_store([](simulation& sim) {
        task_id const done = sim.run(pair_of(scripted_step{})).id;
        sim.await(sim.engine().cancel(done, "recalled"));
        CHECK(sim.report(done).state == task_state::cancelled);
        auto const again = refused([&] { sim.await(sim.engine().cancel(done)); });
        CHECK(again.code == errc::illegal_transition);
        CHECK_THAT(again.what, support::contains(to_text(done)) && support::contains("the task is cancelled"));
        CHECK(sim.report(done).count<command_refused>() == 1);
    });
    simulation sim;
    task_id const broken = sim.run(pair_of(scripted_step{}.throws(permanent_error{"no"}))).id;
    sim.await(sim.engine().cancel(broken));
    CHECK(sim.report(broken).state == task_state::cancelled);
}

TEST_CASE("a task in error that is retried starts its failed steps anew, and only those")
{
    on_each_store([](simulation& sim) {
        scripted_step good;
        scripted_step bad = scripted_step{}.throws(permanent_error{"no"}, 1);
        workflow_builder flow{"test", "retried"};
        auto const first = flow.step("first", good);
        auto const tries = std::make_shared<int>(0);
        auto const second = flow.step("second", after(first), [tries](int) {
            if (++*tries <= 2)
                throw permanent_error{"not yet"};
            return *tries;
        });
        flow.step("third", after(second), [](int value) { return value * 10; });
        workflow const built = std::move(flow).build();
        task_id const id = sim.run(built).id;
        CHECK(sim.report(id).state == task_state::error);
        sim.await(sim.engine().retry(id, "once more"));
        CHECK(sim.report(id).state == task_state::error); // fails at once, the second time
        sim.await(sim.engine().retry(id));
        auto const report = sim.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(report.result<int>() == 30);
        CHECK(report.step("second").attempts() == 1);
        CHECK(good.calls() == 1);
        CHECK(report.count<task_retry_requested>() == 2);
    });
}

TEST_CASE("retrying a task that failed by a cancelled step fails again at once")
{
    simulation sim;
    task_id const id = sim.submit(pair_of(scripted_step{}.takes(1s)));
    sim.await(sim.engine().cancel_step(id, "second"));
    sim.advance(1s);
    CHECK(sim.report(id).state == task_state::error);
    sim.await(sim.engine().retry(id));
    CHECK(sim.report(id).state == task_state::error);
    CHECK_THAT(sim.report(id).what, support::contains("\"second\" was cancelled"));
}

TEST_CASE("a task in error can be declared done by hand, and then only cancelled [B06][B08]", "[B06][B08]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.run(pair_of(scripted_step{}.throws(permanent_error{"no"}))).id;
        sim.await(sim.engine().resolve(id, "done on paper"));
        auto const report = sim.report(id);
        CHECK(report.state == task_state::resolved_manually);
        CHECK(report.count<task_resolved_manually>() == 1);
        CHECK(audit(sim, id).back() == "task error > resolved_manually: done on paper");
        CHECK_THAT(refused([&] { sim.await(sim.engine().retry(id)); }).what, support::contains("only a task in error can be retried"));
        CHECK(refused([&] { sim.await(sim.engine().reset_step(id, "first")); }).code == errc::illegal_transition);
        sim.await(sim.engine().cancel(id));
        CHECK(sim.report(id).state == task_state::cancelled);
    });
}

TEST_CASE("what a task's state forbids is refused, and changes nothing [B06][B07]", "[B06][B07]")
{
    simulation sim;
    task_id const running = sim.submit(pair_of(scripted_step{}.takes(10s)));
    sim.settle();
    CHECK(refused([&] { sim.await(sim.engine().retry(running)); }).code == errc::illegal_transition);
    CHECK_THAT(refused([&] { sim.await(sim.engine().resolve(running)); }).what,
               support::contains("is in_progress and cannot become resolved_manually"));
    sim.finish(running);
    CHECK(sim.report(running).state == task_state::complete);
    auto const before = audit(sim, running);
    CHECK(refused([&] { sim.await(sim.engine().retry(running)); }).code == errc::illegal_transition);
    CHECK(refused([&] { sim.await(sim.engine().resolve(running)); }).code == errc::illegal_transition);
    CHECK(audit(sim, running) == before);
    CHECK(sim.report(running).state == task_state::complete);
}

TEST_CASE("a command for a task that does not exist is refused as such")
{
    on_each_store([](simulation& sim) {
        task_id const nobody{1, 2};
        auto const no = refused([&] { sim.await(sim.engine().cancel(nobody)); });
        CHECK(no.code == errc::unknown_task);
        CHECK_THAT(no.what, support::contains(to_text(nobody)));
        CHECK(refused([&] { sim.await(sim.engine().reset_step(nobody, "first")); }).code == errc::unknown_task);
    });
}

// ---- one step

TEST_CASE("a command for a step that does not exist is refused by name, wherever the task is")
{
    on_each_store([](simulation& sim) {
        task_id const resident = sim.submit(pair_of(scripted_step{}.takes(10s)));
        sim.settle();
        task_id const parked = sim.submit(support::dummy_workflow({.bodies = {{"step-one", scripted_step{}.always_fails()}}, .options = patient}));
        sim.settle();
        for (task_id const id : {resident, parked}) {
            auto const no = refused([&] { sim.await(sim.engine().cancel_step(id, "thrid")); });
            CHECK(no.code == errc::unknown_step);
            CHECK_THAT(no.what, support::contains("no step named \"thrid\""));
        }
    });
}

TEST_CASE("cancelling a running step stops its body, and the task can only fail [C07]", "[C07]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.submit(pair_of(scripted_step{}.takes(10s)));
        sim.advance(3s);
        sim.await(sim.engine().cancel_step(id, "first", "wrong door"));
        auto const report = sim.report(id);
        CHECK(report.state == task_state::error);
        CHECK(report.elapsed == 3s);
        CHECK(report.step("first").state() == step_state::cancelled);
        CHECK_THAT(report.what, support::contains("step \"first\" was cancelled"));
    });
}

TEST_CASE("cancelling a pending step lets the others finish, and then the task fails [E10]", "[E10]")
{
    simulation sim;
    task_id const id = sim.submit(support::dummy_workflow({.bodies = {{"step-one", scripted_step{}.takes(5s)}, {"step-two", scripted_step{}.takes(1s)}}}));
    sim.settle();
    sim.await(sim.engine().cancel_step(id, "step-four"));
    sim.finish(id);
    auto const report = sim.report(id);
    CHECK(report.state == task_state::error);
    CHECK(report.elapsed == 5s);
    CHECK(report.step("step-three").state() == step_state::complete);
    CHECK(report.step("step-four").state() == step_state::cancelled);
}

TEST_CASE("cancelling a failed step ends a task that waited for it, resident or parked [C07]", "[C07]")
{
    on_each_store([](simulation& sim) {
        for (step_options const& options : {step_options{.retry = unspread}, patient}) {
            task_id const id = sim.submit(pair_of(scripted_step{}.always_fails(), options));
            sim.settle();
            sim.await(sim.engine().cancel_step(id, "first"));
            CHECK(sim.report(id).state == task_state::error);
            CHECK(sim.report(id).step("first").state() == step_state::cancelled);
        }
    });
}

TEST_CASE("cancelling a failed step of a task in error changes the step alone [C07]", "[C07]")
{
    simulation sim;
    task_id const id = sim.run(pair_of(scripted_step{}.throws(permanent_error{"no"}))).id;
    sim.await(sim.engine().cancel_step(id, "first", "for good"));
    CHECK(sim.report(id).state == task_state::error);
    CHECK(sim.report(id).step("first").state() == step_state::cancelled);
    CHECK(audit(sim, id).back() == "step 0 error > cancelled: for good");
}

TEST_CASE("an exhausted step that is reset has all its attempts again and finishes its task [J21]", "[J21]")
{
    on_each_store([](simulation& sim) {
        auto const tries = std::make_shared<int>(0);
        workflow_builder flow{"test", "reset"};
        auto const first = flow.step("first", [tries] {
            if (++*tries <= 4)
                throw transient_error{"no"};
            return *tries;
        }, {.retry = unspread});
        flow.step("second", after(first), [](int value) { return value; });
        task_id const id = sim.run(std::move(flow).build()).id;
        CHECK(sim.report(id).state == task_state::error);
        CHECK(sim.report(id).step("first").attempts() == 3);
        time_point const reset_at = sim.now();
        sim.await(sim.engine().reset_step(id, "first", "try the other cable"));
        CHECK(sim.report(id).step("first").attempts() == 1); // its first attempt failed already
        sim.finish(id);
        auto const report = sim.report(id);
        CHECK(report.state == task_state::complete);
        CHECK(report.step("first").attempts() == 2);
        CHECK(report.result<int>() == 5);
        CHECK(sim.now() - reset_at == 1s);
    });
}

TEST_CASE("a step in back-off that is reset starts at once, in memory or in the store [J21]", "[J21]")
{
    on_each_store([](simulation& sim) {
        for (step_options const& options : {step_options{.retry = unspread}, patient}) {
            task_id const id = sim.submit(pair_of(scripted_step{}.fails(0), options));
            sim.settle();
            CHECK(sim.report(id).state == task_state::complete);
        }
        auto const tries = std::make_shared<int>(0);
        workflow_builder flow{"test", "parked"};
        flow.step("only", [tries] { return ++*tries == 1 ? throw transient_error{"no"} : *tries; }, patient);
        task_id const id = sim.submit(std::move(flow).build());
        sim.settle();
        CHECK(sim.report(id).state == task_state::pending);
        sim.await(sim.engine().reset_step(id, "only"));
        CHECK(sim.report(id).state == task_state::complete);
        CHECK(sim.report(id).elapsed == 0s);
    });
}

TEST_CASE("a failed step that is resolved hands the given result to its children [J21]", "[J21]")
{
    on_each_store([](simulation& sim) {
        for (step_options const& options : {step_options{.retry = {.max_attempts = 1}}, patient}) { // in error, and parked
            task_id const id = sim.submit(pair_of(scripted_step{}.always_fails(), options));
            sim.settle();
            sim.await(sim.engine().resolve_step(id, "first", 41, "looked it up"));
            auto const report = sim.report(id);
            CHECK(report.state == task_state::complete);
            CHECK(report.result<int>() == 42);
            CHECK(report.step("first").state() == step_state::resolved_manually);
            CHECK(report.count<step_resolved_manually>() == 1);
        }
    });
}

TEST_CASE("a pending step can be resolved before its parents are done [C04]", "[C04]")
{
    simulation sim;
    task_id const id = sim.submit(pair_of(scripted_step{}.takes(5s)));
    sim.settle();
    sim.await(sim.engine().resolve_step(id, "second", 99));
    sim.finish(id);
    CHECK(sim.report(id).result<int>() == 99);
    CHECK(sim.report(id).elapsed == 5s);
}

TEST_CASE("steps that run or are over can neither be reset nor resolved")
{
    simulation sim;
    task_id const id = sim.submit(pair_of(scripted_step{}.takes(5s)));
    sim.settle();
    CHECK_THAT(refused([&] { sim.await(sim.engine().reset_step(id, "first")); }).what,
               support::contains("step \"first\" is in_progress and cannot become pending"));
    CHECK(refused([&] { sim.await(sim.engine().resolve_step(id, "first", 1)); }).code == errc::illegal_transition);
    CHECK(refused([&] { sim.await(sim.engine().reset_step(id, "second")); }).code == errc::illegal_transition);
    sim.finish(id);
    CHECK_THAT(refused([&] { sim.await(sim.engine().cancel_step(id, "first")); }).what,
               support::contains("the task is complete; its steps cannot change any more"));
}

// ---- tasks of other engines

TEST_CASE("a task of another live engine is cancelled at that engine's next heartbeat")
{
    on_each_store([](support::store_opener const& open) {
        engine_options options = testing::patient_options();
        options.lease = 9s; // a heartbeat every 3 s
        support::fleet fleet;
        engine& owner = fleet.launch(open(), options);
        engine& other = fleet.launch(open(), options);
        scripted_step const body = scripted_step{}.takes(1h);
        for (engine* const one : {&owner, &other})
            one->add(pair_of(body));
        task_handle const task = fleet.await(owner.submit("test/pair"));
        fleet.advance(1s);
        fleet.await(other.cancel(task.id(), "from afar"));
        auto const state = [&] { return fleet.await(other.load(task.id()))->task.state; };
        CHECK(state() == task_state::in_progress);
        fleet.advance(2s - 1us);
        CHECK(state() == task_state::in_progress);
        fleet.advance(1us);
        CHECK(state() == task_state::cancelled);
        CHECK_FALSE(fleet.await(other.load(task.id()))->task.request);
        CHECK(body.calls() == 1);
        CHECK(fleet.await(task.outcome()).what == "it was cancelled: from afar");
    });
}

TEST_CASE("a request that the owner cannot obey is told as refused, once")
{
    engine_options options = testing::patient_options();
    options.lease = 9s;
    support::fleet fleet;
    memory_store const data;
    engine& owner = fleet.launch(data, options);
    engine& other = fleet.launch(data, options);
    for (engine* const one : {&owner, &other})
        one->add(pair_of(scripted_step{}.takes(1h)));
    std::vector<std::string> refusals;
    auto const listening = owner.subscribe([&](command_refused const& e) { refusals.push_back(e.what); }, {.delivery = delivery::in_place});
    task_handle const task = fleet.await(owner.submit("test/pair"));
    fleet.await(other.retry(task.id()));
    fleet.advance(30s);
    REQUIRE(refusals.size() == 1);
    CHECK_THAT(refusals[0], support::contains("only a task in error can be retried"));
    CHECK_FALSE(fleet.await(other.load(task.id()))->task.request);
}

TEST_CASE("a step of another live engine's task is resolved at that engine's next heartbeat [J21]", "[J21]")
{
    engine_options options = testing::patient_options();
    options.lease = 9s;
    support::fleet fleet;
    memory_store const data;
    engine& owner = fleet.launch(data, options);
    engine& other = fleet.launch(data, options);
    for (engine* const one : {&owner, &other})
        one->add(pair_of(scripted_step{}.always_fails(), {.retry = {.backoff = {.initial = 30s}, .jitter = jitter::none}}));
    task_handle const task = fleet.await(owner.submit("test/pair"));
    fleet.advance(1s);
    fleet.await(other.resolve_step(task.id(), "first", 41));
    fleet.advance(2s);
    auto const stored = fleet.await(other.load(task.id()));
    CHECK(stored->task.state == task_state::complete);
    CHECK(fleet.await(task.result<int>()) == 42);
}

TEST_CASE("a task of a dead engine obeys the engine that asks, at once")
{
    engine_options options = testing::patient_options();
    options.lease = 9s;
    support::fleet fleet;
    memory_store const data;
    engine& victim = fleet.launch(data, options);
    victim.add(pair_of(scripted_step{}.takes(1h)));
    task_id const id = fleet.await(victim.submit("test/pair")).id();
    fleet.advance(1s);
    fleet.kill(victim);
    fleet.advance(9s);
    engine_options calm = options;
    engine& heir = fleet.launch(data, calm);
    heir.add(pair_of(scripted_step{}.takes(1h)));
    fleet.await(heir.cancel(id, "orphan"));
    CHECK(fleet.await(heir.load(id))->task.state == task_state::cancelled);
}
