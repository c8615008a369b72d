#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/fleet.hpp"
#include "support/refusal.hpp"
#include "support/shapes.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::refused;
using testing::scripted_step;
using support::simulation;

namespace {

constexpr step_options patient{.retry = {.backoff = {.initial = 2min}, .jitter = jitter::none}};

wait_reason why(simulation& sim, task_id id, std::string const& step)
{
    for (wait_reason const& one : sim.await(sim.engine().why(id)))
        if (one.step == step)
            return one;
    throw std::out_of_range{"nothing is said about " + step};
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("a running step and the step below it say what they wait for")
{
    simulation sim;
    task_id const id = sim.submit(support::dummy_workflow({.bodies = {{"step-one", scripted_step{}}, {"step-two", scripted_step{}.takes(5s)}}}));
    sim.settle();
    auto const all = sim.await(sim.engine().why(id));
    REQUIRE(all.size() == 3); // step-one is complete
    CHECK(all[0].step == "step-two");
    CHECK(all[0].kind == wait_kind::running);
    CHECK(to_text(all[0]) == "step \"step-two\" is running its attempt 1");
    CHECK(all[1].kind == wait_kind::parents);
    CHECK(all[1].parents == names{"step-two"});
    CHECK(all[1].text == "step \"step-three\" waits for \"step-two\"");
    CHECK(all[2].parents == names{"step-three"});
}

TEST_CASE("a step in back-off says when it is due, resident or parked")
{
    on_each_store([](simulation& sim) {
        for (step_options const& options : {step_options{.retry = {.backoff = {.initial = 8s}, .jitter = jitter::none}}, patient}) {
            workflow_builder flow{"test", options.retry.backoff.initial == 8s ? "resident" : "parked"};
            flow.step("only", scripted_step{}.always_fails(), options);
            task_id const id = sim.submit(std::move(flow).build());
            sim.advance(2s);
            auto const reason = why(sim, id, "only");
            CHECK(reason.kind == wait_kind::due_time);
            CHECK(reason.due == sim.now() + options.retry.backoff.initial - 2s);
            CHECK_THAT(reason.text, support::contains(to_text(*reason.due)) &&
                                        support::contains(to_text(options.retry.backoff.initial - 2s) + " from now"));
        }
    });
}

TEST_CASE("a step that failed for good needs an operator, and those below it can never run")
{
    simulation sim;
    task_id const id = sim.submit(support::dummy_workflow(
        {.bodies = {{"step-one", scripted_step{}.takes(1h)}, {"step-two", scripted_step{}.throws(permanent_error{"no"})}}}));
    sim.settle();
    auto const failed = why(sim, id, "step-two");
    CHECK(failed.kind == wait_kind::nothing_more);
    CHECK(failed.text == "step \"step-two\" is error for good (not_retryable); an operator can reset or resolve it");
    auto const child = why(sim, id, "step-three");
    CHECK(child.kind == wait_kind::dead_parents);
    CHECK(child.parents == names{"step-two"});
    CHECK(child.text == "step \"step-three\" can never run, because of \"step-two\"");
    CHECK(why(sim, id, "step-four").kind == wait_kind::dead_parents);
    CHECK(why(sim, id, "step-four").parents == names{"step-three"});
}

TEST_CASE("a step below a dead and a living parent names the dead one alone")
{
    simulation sim;
    workflow_builder flow{"test", "join"};
    auto const dead = flow.step("dead", scripted_step{}.throws(permanent_error{"no"}));
    auto const living = flow.step("living", scripted_step{}.takes(1h));
    flow.step("child", after(dead, living), [](int, int) {});
    task_id const id = sim.submit(std::move(flow).build());
    sim.settle();
    CHECK(why(sim, id, "child").kind == wait_kind::dead_parents);
    CHECK(why(sim, id, "child").parents == names{"dead"});
}

TEST_CASE("a step below a resolved one waits for its other parents, whatever failed further up")
{
    simulation sim;
    workflow_builder flow{"test", "mended"};
    auto const dead = flow.step("dead", scripted_step{}.throws(permanent_error{"no"}));
    auto const mended = flow.step("mended", after(dead), [](int value) { return value; });
    auto const living = flow.step("living", scripted_step{}.takes(1h));
    flow.step("child", after(mended, living), [](int, int) {});
    task_id const id = sim.submit(std::move(flow).build());
    sim.await(sim.engine().resolve_step(id, "mended", 1));
    CHECK(why(sim, id, "child").kind == wait_kind::parents);
    CHECK(why(sim, id, "child").parents == names{"living"});
}

TEST_CASE("a cancelled step needs an operator, and in a finished task it says so")
{
    simulation sim;
    auto const busy = support::dummy_workflow({.bodies = {{"step-one", scripted_step{}.takes(1h)}, {"step-two", scripted_step{}.takes(2h)}}});
    task_id const id = sim.submit(busy);
    sim.await(sim.engine().cancel_step(id, "step-one"));
    CHECK(why(sim, id, "step-one").kind == wait_kind::nothing_more);
    CHECK_THAT(why(sim, id, "step-one").text, support::contains("is cancelled for good"));
    sim.finish(id);
    CHECK(sim.report(id).state == task_state::error);
    CHECK(why(sim, id, "step-one").kind == wait_kind::task_finished);
    CHECK_THAT(why(sim, id, "step-one").text, support::contains("the task is error"));
}

TEST_CASE("a ready step that finds no free place says so")
{
    simulation sim{support::with_engine([](engine_options& engine) { engine.max_concurrent_steps = 1; })};
    workflow_builder flow{"test", "crowded"};
    flow.step("first", scripted_step{}.takes(5s));
    flow.step("second", scripted_step{}.takes(5s));
    task_id const id = sim.submit(std::move(flow).build());
    sim.settle();
    CHECK(why(sim, id, "first").kind == wait_kind::running);
    CHECK(why(sim, id, "second").kind == wait_kind::concurrency);
    CHECK_THAT(why(sim, id, "second").text, support::contains("ready and waits for a free place"));
}

TEST_CASE("a ready step of a task that nobody has claimed says so, and when it will be looked at")
{
    simulation sim;
    task_id const id = sim.submit(support::dummy_workflow(), {.delay = 1h});
    auto const reason = why(sim, id, "step-one");
    CHECK(reason.kind == wait_kind::not_claimed);
    CHECK(reason.due == sim.now() + 1h);
    CHECK_THAT(reason.text, support::contains("no worker has claimed the task yet"));
}

TEST_CASE("another engine tells that the task has an owner elsewhere")
{
    support::fleet fleet;
    memory_store const data;
    engine_options crowded = testing::patient_options();
    crowded.max_concurrent_steps = 1;
    engine& owner = fleet.launch(data, crowded);
    engine& onlooker = fleet.launch(data);
    workflow_builder flow{"test", "crowded"};
    flow.step("first", scripted_step{}.takes(5s));
    flow.step("second", scripted_step{}.takes(5s));
    workflow const built = std::move(flow).build();
    owner.add(built);
    onlooker.add(built);
    task_id const id = fleet.await(owner.submit("test/crowded")).id();
    fleet.advance(1s);
    auto const seen = fleet.await(onlooker.why(id));
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].kind == wait_kind::running);
    CHECK(seen[1].kind == wait_kind::not_claimed);
    CHECK_THAT(seen[1].text, support::contains("another worker owns the task"));
}

TEST_CASE("the steps of a finished task say that it is over, and a complete one has none to tell of")
{
    simulation sim;
    task_id const id = sim.run(support::linear_workflow({.bodies = {{"process_data", scripted_step{}.throws(permanent_error{"no"})}}})).id;
    CHECK(why(sim, id, "process_data").kind == wait_kind::task_finished);
    CHECK(why(sim, id, "finalize_workflow").kind == wait_kind::task_finished);
    task_id const done = sim.run(support::dummy_workflow()).id;
    CHECK(sim.await(sim.engine().why(done)).empty());
}

TEST_CASE("a task or a workflow that is not known is refused as such [E12]", "[E12]")
{
    on_each_store([](support::store_opener const& open) {
        support::fleet fleet;
        engine& owner = fleet.launch(open());
        engine& stranger = fleet.launch(open());
        owner.add(support::dummy_workflow());
        task_id const id = fleet.await(owner.submit("shapes/dummy")).id();
        CHECK(refused([&] { fleet.await(owner.why({1, 2})); }).code == errc::unknown_task);
        CHECK(refused([&] { fleet.await(owner.context({1, 2})); }).code == errc::unknown_task);
        CHECK_FALSE(fleet.await(owner.load({1, 2})));
        CHECK(fleet.await(owner.history({1, 2})).empty());
        auto const no = refused([&] { fleet.await(stranger.snapshot_json(id)); });
        CHECK(no.code == errc::unknown_workflow);
        CHECK_THAT(no.what, support::contains(to_text(id)) && support::contains("add it first"));
    });
}

TEST_CASE("readiness and context of a task are what its steps say, resident or stored [D01][E01]", "[D01][E01]")
{
    on_each_store([](simulation& sim) {
        task_id const stored = sim.submit(support::dummy_workflow(), {.delay = 1h});
        auto const fresh = sim.await(sim.engine().context(stored));
        CHECK(fresh.total_steps == 4);
        CHECK(fresh.ready_steps == 2);
        CHECK(fresh.status == execution_status::has_ready_steps);

        task_id const resident = sim.submit(
            support::diamond_workflow({.bodies = {{"branch_one_process", scripted_step{}.takes(5s)}, {"branch_two_process", scripted_step{}.fails(1)}}}));
        sim.settle();
        auto const rows = sim.await(sim.engine().readiness(resident));
        REQUIRE(rows.size() == 7);
        CHECK(rows[0].state == step_state::complete);
        CHECK(rows[1].state == step_state::in_progress);
        CHECK(rows[2].reason == blocking_reason::backoff_not_elapsed);
        CHECK(rows[2].next_retry_at == sim.now() + 1s);
        CHECK(rows[5].dependency_text() == "0/2_satisfied");
        auto const context = sim.await(sim.engine().context(resident));
        CHECK(context.status == execution_status::processing);
        CHECK(context.waiting_steps == 1);
        CHECK(context.failed_steps == 1);
        CHECK(context.completion_percentage == 14.29);
        CHECK(context.health == health_status::recovering);
    });
}

TEST_CASE("a snapshot is JSON that says everything about the task and its steps")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"test", "shown"};
        auto const given = flow.input<std::string>();
        auto const first = flow.step("first", after(given), [](std::string const& text) { return text + "!"; });
        flow.step("second", after(ordering(first)), scripted_step{}.always_fails("no \"route\""),
                  {.retry = {.max_attempts = 4, .backoff = {.initial = 8s}, .jitter = jitter::none}});
        workflow const shown = std::move(flow).build();
        std::string const input = "hello";
        task_id const id = sim.submit(shown, input, {.key = "order-17", .priority = 3, .reason = "for show"});
        sim.advance(2s);
        auto const json = boost::json::parse(sim.await(sim.engine().snapshot_json(id))).as_object();
        CHECK(json.at("id") == boost::json::value(to_text(id)));
        CHECK(json.at("workflow") == "test/shown@0.1.0");
        CHECK(json.at("state") == "pending");
        CHECK(json.at("status_reason") == "waiting_for_dependencies");
        CHECK(json.at("input") == "hello");
        CHECK(json.at("priority") == 3);
        CHECK(json.at("identity_key") == "order-17");
        CHECK(json.at("finished_at").is_null());
        auto const& execution = json.at("execution").as_object();
        CHECK(execution.at("status") == "waiting_for_dependencies");
        CHECK(execution.at("recommended_action") == "wait_for_dependencies");
        CHECK(execution.at("completion_percentage").as_double() == 50.0);
        auto const& steps = json.at("steps").as_array();
        REQUIRE(steps.size() == 2);
        CHECK(steps[0].at("name") == "first");
        CHECK(steps[0].at("state") == "complete");
        CHECK(steps[0].at("result") == "hello!");
        CHECK(steps[0].at("parents").as_array().empty());
        auto const& second = steps[1].as_object();
        CHECK(second.at("state") == "error");
        CHECK(second.at("attempts") == 1);
        CHECK(second.at("max_attempts") == 4);
        CHECK(second.at("blocking_reason") == "backoff_not_elapsed");
        CHECK(second.at("parents").as_array()[0] == "first");
        CHECK(second.at("next_retry_at") == boost::json::value(to_text(sim.now() + 6s)));
        CHECK(second.at("last_failure").at("what") == "no \"route\"");
        CHECK(second.at("last_failure").at("kind") == "transient");
    });
}

TEST_CASE("a payload that is nested deeply, or is no JSON, is no end of the process")
{
    simulation sim;
    std::string const deep = std::string(200, '[') + std::string(200, ']');
    workflow_builder flow{"test", "odd"};
    flow.step("deep", [deep] { return payload{deep}; });
    auto const report = sim.run(std::move(flow).build());
    CHECK(report.state == task_state::complete);
    CHECK(sim.await(sim.engine().snapshot_json(report.id)).find(deep) != std::string::npos);

    workflow_builder broken{"test", "broken"};
    broken.step("broken", [] { return payload{"{no json"}; });
    task_id const id = sim.run(std::move(broken).build()).id;
    CHECK(refused([&] { sim.await(sim.engine().snapshot_json(id)); }).code == errc::bad_payload);
}
