#include <tasker/flow/workflow_builder.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/scripted_step.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"
#include "support/refusal.hpp"
#include "support/shapes.hpp"

#include <boost/describe.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::on_each_store;
using support::refused;
using testing::scripted_step;
using support::simulation;

namespace {

struct order {
    std::string sku;
    int quantity = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (sku, quantity))

workflow sell(std::string const& version = "1.0.0", std::string const& name_space = "shop")
{
    workflow_builder flow{name_space, "sell", version};
    auto const placed = flow.input<order>();
    flow.step("label", after(placed), [where = name_space + "/sell@" + version](order const& o) { return where + " " + o.sku; });
    return std::move(flow).build();
}

std::size_t stored(simulation& sim) { return sim.await(sim.engine().find({})).size(); }

std::string identity_key(simulation& sim, task_id id) { return sim.await(sim.engine().load(id))->task.identity_key; }

} // namespace

TEST_CASE("a submitted task is stored pending, with all its steps pending and their edges [A01]", "[A01]")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.submit(support::dummy_workflow(), {.delay = 1h});
        auto const task = sim.await(sim.engine().load(id));
        REQUIRE(task);
        CHECK(task->task.state == task_state::pending);
        CHECK(task->steps.empty());
        auto const rows = sim.await(sim.engine().readiness(id));
        REQUIRE(rows.size() == 4);
        for (step_readiness const& row : rows) {
            CHECK(row.state == step_state::pending);
            CHECK(row.attempts == 0);
        }
        auto const shape = support::dummy_workflow();
        CHECK(shape.shape().parents(0).empty());
        CHECK(shape.shape().parents(1).empty());
        CHECK(shape.shape().parents(2).front() == 1);
        CHECK(shape.shape().parents(3).front() == 2);
        CHECK(rows[2].total_parents == 1);
        CHECK(rows[3].total_parents == 1);
    });
}

TEST_CASE("a linear task of six steps has one step without parents [A02]", "[A02]")
{
    simulation sim;
    task_id const id = sim.submit(support::linear_workflow(), {.delay = 1h});
    auto const rows = sim.await(sim.engine().readiness(id));
    CHECK(rows.size() == 6);
    CHECK(std::count_if(rows.begin(), rows.end(), [](auto const& row) { return row.total_parents == 0; }) == 1);
}

TEST_CASE("an input that breaks the schema is refused by name, and nothing is stored [A03]", "[A03]")
{
    on_each_store([](simulation& sim) {
        workflow_builder flow{"shop", "checked"};
        flow.schema(input_schema{R"({"type":"object","required":["dummy"],"properties":{"dummy":{"type":"boolean"}}})"});
        scripted_step body;
        flow.step("only", body);
        sim.add(std::move(flow).build());
        auto const no = refused([&] { sim.await(sim.engine().submit_json("shop/checked", R"({"bad_param":true,"dummy":12})")); });
        CHECK(no.code == errc::invalid_input);
        CHECK_THAT(no.what, support::contains("shop/checked") && support::contains("input.dummy must be boolean, not integer"));
        CHECK(stored(sim) == 0);
        sim.advance(1h);
        CHECK(body.calls() == 0);
    });
}

TEST_CASE("a default of the schema is stored with the task [A04]", "[A04]")
{
    simulation sim;
    workflow_builder flow{"shop", "checked"};
    flow.schema(input_schema{R"({"properties":{"speed":{"type":"integer","default":5}}})"});
    flow.step("only", [](step_context& context) { return context.input<boost::json::object>().at("speed").as_int64(); });
    workflow const built = std::move(flow).build();
    sim.add(built);
    task_id const id = sim.await(sim.engine().submit_json("shop/checked", R"({"other":1})")).id();
    sim.finish(id);
    CHECK(sim.report(id).record.input.text() == R"({"other":1,"speed":5})");
    CHECK(sim.report(id).result<int>() == 5);
}

TEST_CASE("an empty input is refused where one is needed, however it is spelled [A05]", "[A05]")
{
    simulation sim;
    sim.add(sell());
    for (std::string const& nothing : {std::string{"{}"}, std::string{" { } "}, std::string{"null"}, std::string{""}}) {
        CAPTURE(nothing);
        auto const no = refused([&] { sim.await(sim.engine().submit_json("shop/sell", nothing)); });
        CHECK(no.code == errc::invalid_input);
        CHECK_THAT(no.what, support::contains("takes an input, but none was given"));
    }
    CHECK(refused([&] { sim.await(sim.engine().submit("shop/sell")); }).code == errc::invalid_input);
    CHECK(stored(sim) == 0);
}

TEST_CASE("an input is refused where none is taken")
{
    simulation sim;
    sim.add(support::dummy_workflow());
    auto const no = refused([&] { sim.await(sim.engine().submit_json("shapes/dummy", R"({"a":1})")); });
    CHECK(no.code == errc::invalid_input);
    CHECK_THAT(no.what, support::contains("takes no input"));
}

TEST_CASE("an input of the wrong shape is refused with the place of the mistake")
{
    simulation sim;
    sim.add(sell());
    auto const no = refused([&] { sim.await(sim.engine().submit_json("shop/sell", R"({"sku":"A1","quantity":"two"})")); });
    CHECK(no.code == errc::invalid_input);
    CHECK_THAT(no.what, support::contains("quantity: expected a number, got a string"));
    CHECK(refused([&] { sim.await(sim.engine().submit_json("shop/sell", "{\"sku\":")); }).code == errc::invalid_input);
}

TEST_CASE("by default every submission is a task of its own [A06]", "[A06]")
{
    simulation sim;
    order const placed{"A1", 2};
    std::string const first = identity_key(sim, sim.submit(sell(), placed));
    std::string const second = identity_key(sim, sim.submit(sell(), placed));
    CHECK(first != second);
    CHECK(parse_id<task_id>(first).has_value());
    CHECK(parse_id<task_id>(second).has_value());
}

TEST_CASE("with identity by content the same request is refused the second time [A07]", "[A07]")
{
    on_each_store([](simulation& sim) {
        order const placed{"A1", 2};
        submit_options const once{.identity = identity::by_content};
        task_id const first = sim.submit(sell(), placed, once);
        auto const no = refused([&] { sim.submit(sell(), placed, once); });
        CHECK(no.code == errc::duplicate_task);
        CHECK_THAT(no.what, support::contains(to_text(first)) && support::contains("on_duplicate::join"));
        CHECK(stored(sim) == 1);
        sim.finish(first);
        CHECK(refused([&] { sim.submit(sell(), placed, once); }).code == errc::duplicate_task);
    });
}

TEST_CASE("with identity by content another input, reason, initiator or system is another task [A08]", "[A08]")
{
    simulation sim;
    std::set<std::string> keys;
    auto const submit = [&](order const& placed, submit_options options) {
        options.identity = identity::by_content;
        keys.insert(identity_key(sim, sim.submit(sell(), placed, options)));
    };
    submit({"A1", 2}, {});
    submit({"A1", 3}, {});
    submit({"A1", 2}, {.reason = "again"});
    submit({"A1", 2}, {.initiator = "again"});
    submit({"A1", 2}, {.source_system = "again"});
    CHECK(keys.size() == 5);
    for (std::string const& key : keys) {
        CHECK(key.size() == 64);
        CHECK(key.find_first_not_of("0123456789abcdef") == std::string::npos);
    }
}

TEST_CASE("a strategy of the user's own says what makes two submissions the same [A09]", "[A09]")
{
    simulation sim;
    order const placed{"A1", 2};
    submit_options const custom{.identity = identity::custom, .initiator = "Ada"};
    auto const no = refused([&] { sim.submit(sell(), placed, custom); });
    CHECK(no.code == errc::invalid_options);
    CHECK_THAT(no.what, support::contains("identity_strategy"));
    CHECK(stored(sim) == 0);

    sim.engine().identity_strategy([](std::string_view workflow, payload const& input, submit_options const& options) {
        return std::string{workflow} + "|" + std::string{input.text()} + "|" + std::string{options.initiator};
    });
    CHECK(identity_key(sim, sim.submit(sell(), placed, custom)) == R"(shop/sell@1.0.0|{"sku":"A1","quantity":2}|Ada)");
    CHECK(refused([&] { sim.submit(sell(), placed, custom); }).code == errc::duplicate_task);
}

TEST_CASE("a key of the caller's counts alone")
{
    simulation sim;
    task_id const id = sim.submit(sell(), order{"A1", 2}, {.key = "order-17"});
    CHECK(identity_key(sim, id) == "order-17");
    CHECK(refused([&] { sim.submit(sell(), order{"B2", 9}, {.key = "order-17", .identity = identity::by_content}); }).code ==
          errc::duplicate_task);
}

TEST_CASE("with identity by content two versions, and two namespaces, are two tasks [A10]", "[A10]")
{
    simulation sim;
    order const placed{"A1", 2};
    submit_options const once{.identity = identity::by_content};
    sim.submit(sell("1.0.0"), placed, once);
    sim.submit(sell("2.0.0"), placed, once);
    sim.submit(sell("1.0.0", "market"), placed, once);
    CHECK(stored(sim) == 3);
}

TEST_CASE("of two engines that submit the same at once, one gets the task and one a clear answer [A11]", "[A11]")
{
    on_each_store([](support::store_opener const& open) {
        support::fleet fleet;
        std::vector<engine*> const engines{&fleet.launch(open()), &fleet.launch(open())};
        std::vector<support::pending_result<task_handle>> asked;
        order const placed{"A1", 2};
        for (engine* const one : engines) {
            one->add(sell());
            asked.push_back(fleet.start(one->submit("shop/sell", placed, {.key = "order-17"})));
        }
        fleet.settle();
        task_id const id = asked[0].get().id();
        auto const no = refused([&] { static_cast<void>(asked[1].get()); });
        CHECK(no.code == errc::duplicate_task);
        CHECK_THAT(no.what, support::contains(to_text(id)));
        CHECK(fleet.await(engines[1]->find({})).size() == 1);
    });
}

TEST_CASE("the same key twice in one commit makes one task [A11]", "[A11]")
{
    support::fleet fleet;
    engine& only = fleet.launch(memory_store{});
    only.add(sell());
    order const placed{"A1", 2};
    auto const first = fleet.start(only.submit("shop/sell", placed, {.key = "order-17"}));
    auto const second = fleet.start(only.submit("shop/sell", placed, {.key = "order-17", .on_duplicate = on_duplicate::join}));
    auto const third = fleet.start(only.submit("shop/sell", placed, {.key = "order-17"}));
    fleet.settle();
    CHECK(second.get().id() == first.get().id());
    CHECK(refused([&] { static_cast<void>(third.get()); }).code == errc::duplicate_task);
}

TEST_CASE("a workflow that is not known is refused by name, namespace and version, and nothing is stored [A12]", "[A12]")
{
    simulation sim;
    sim.add(sell());
    auto const no = refused([&] { sim.await(sim.engine().submit("market/buy@2.1.0")); });
    CHECK(no.code == errc::unknown_workflow);
    CHECK_THAT(no.what, support::contains("\"buy\"") && support::contains("\"market\"") && support::contains("shop/sell"));
    auto const version = refused([&] { sim.await(sim.engine().submit("shop/sell@2.1.0")); });
    CHECK(version.code == errc::unknown_workflow);
    CHECK_THAT(version.what, support::contains("\"sell\"") && support::contains("\"shop\"") && support::contains("\"2.1.0\""));
    CHECK(stored(sim) == 0);
}

TEST_CASE("the same name in two namespaces runs each its own steps [A13]", "[A13]")
{
    simulation sim;
    CHECK(sim.run(sell("1.0.0", "shop"), order{"A1", 2}).result<std::string>() == "shop/sell@1.0.0 A1");
    CHECK(sim.run(sell("1.0.0", "market"), order{"A1", 2}).result<std::string>() == "market/sell@1.0.0 A1");
    order const placed{"A1", 2};
    CHECK(refused([&] { sim.await(sim.engine().submit("bazaar/sell", placed)); }).code == errc::unknown_workflow);
}

TEST_CASE("a version that is registered already is refused unless it is to be replaced [A14]", "[A14]")
{
    auto const answering = [](int answer) {
        workflow_builder flow{"shop", "answer"};
        flow.step("only", [answer] { return answer; });
        return std::move(flow).build();
    };
    simulation sim;
    sim.add(answering(1));
    auto const no = refused([&] { sim.add(answering(2)); });
    CHECK(no.code == errc::already_registered);
    CHECK_THAT(no.what, support::contains("shop/answer@0.1.0") && support::contains("replace"));
    CHECK(sim.run(answering(1)).result<int>() == 1);
    sim.add(answering(2), {.replace = true});
    CHECK(sim.run(answering(2)).result<int>() == 2);
}

TEST_CASE("a task started before a replacement ends by its former body [A14]", "[A14]")
{
    auto const answering = [](int answer) {
        workflow_builder flow{"shop", "answer"};
        flow.step("only", [answer](step_context& context) -> async<int> {
            co_await context.sleep_for(10s);
            co_return answer;
        });
        return std::move(flow).build();
    };
    simulation sim;
    task_id const before = sim.submit(answering(1));
    sim.add(answering(2), {.replace = true});
    sim.finish(before);
    CHECK(sim.report(before).result<int>() == 1);
}

TEST_CASE("a name without a version means the latest by semantic order [A15]", "[A15]")
{
    simulation sim;
    sim.add(sell("0.10.0"));
    sim.add(sell("0.9.0"));
    order const placed{"A1", 2};
    auto const submitted = [&](std::string_view name) {
        task_id const id = sim.await(sim.engine().submit(name, placed)).id();
        sim.finish(id);
        return sim.report(id).result<std::string>();
    };
    CHECK(submitted("shop/sell") == "shop/sell@0.10.0 A1");
    CHECK(submitted("shop/sell@0.9.0") == "shop/sell@0.9.0 A1");
}

TEST_CASE("creating a task writes one row, however many tasks there are [A19]", "[A19]")
{
    auto const watch = std::make_shared<support::store_watch>();
    testing::simulation_options options;
    options.store = [data = memory_store{}, watch] { return any_store{support::failing_store{any_store{data}, watch}}; };
    simulation sim{std::move(options)};
    sim.add(support::linear_workflow());
    auto const rows_of_one = [&] {
        watch->committed.clear();
        sim.submit(support::linear_workflow(), {.delay = 1h});
        std::size_t rows = 0;
        for (commit_batch const& batch : watch->committed)
            rows += batch.created.size() + batch.tasks.size() + batch.steps.size() + batch.transitions.size();
        return rows;
    };
    std::size_t const first = rows_of_one();
    CHECK(first == 2); // the task, and its birth in the audit trail
    for (int more = 0; more < 2'000; ++more)
        sim.submit(support::linear_workflow(), {.delay = 1h});
    CHECK(rows_of_one() == first);
}

TEST_CASE("a store that knows the version with another shape refuses it, naming the difference")
{
    on_each_store([](simulation& sim) {
        auto const shaped = [](std::string const& second, std::vector<std::string> const& parents) {
            workflow_builder flow{"shop", "shaped"};
            flow.step("a", after_named(std::vector<std::string>{}), [] { return boost::json::value{}; });
            flow.step(second, after_named(parents), [] { return boost::json::value{}; });
            return std::move(flow).build();
        };
        sim.add(shaped("b", {"a"}));
        auto const renamed = refused([&] { sim.add(shaped("c", {"a"}), {.replace = true}); });
        CHECK(renamed.code == errc::shape_conflict);
        CHECK_THAT(renamed.what, support::contains("shop/shaped@0.1.0") && support::contains("step 2 was \"b\" and is \"c\"") &&
                                     support::contains("new version"));
        CHECK_THAT(refused([&] { sim.add(shaped("b", {}), {.replace = true}); }).what,
                   support::contains("edge \"a\" -> \"b\" is gone"));
        CHECK(sim.run(shaped("b", {"a"})).state == task_state::complete);
    });
}

TEST_CASE("a duplicate may join the task that exists, and gets its result")
{
    on_each_store([](simulation& sim) {
        sim.add(sell());
        order const placed{"A1", 2};
        submit_options const join{.key = "order-17", .on_duplicate = on_duplicate::join};
        task_handle const first = sim.await(sim.engine().submit("shop/sell", placed, join));
        task_handle const second = sim.await(sim.engine().submit("shop/sell", placed, join));
        CHECK(second.id() == first.id());
        CHECK(stored(sim) == 1);
        CHECK(sim.await(second.result<std::string>()) == "shop/sell@1.0.0 A1");
    });
}

TEST_CASE("a delayed task starts when its delay is over, to the microsecond")
{
    on_each_store([](simulation& sim) {
        task_id const id = sim.submit(support::dummy_workflow(), {.delay = 5s});
        sim.advance(5s - 1us);
        CHECK(sim.report(id).state == task_state::pending);
        CHECK(sim.report(id).count<step_started>() == 0);
        sim.advance(1us);
        CHECK(sim.report(id).state == task_state::complete);
        CHECK(sim.report(id).elapsed == 5s);
    });
}

TEST_CASE("a delay beyond all time waits, and a negative one does not")
{
    simulation sim;
    task_id const never = sim.submit(support::dummy_workflow(), {.delay = duration::max()});
    sim.advance(24h);
    CHECK(sim.report(never).state == task_state::pending);
    task_id const now = sim.submit(support::dummy_workflow(), submit_options{.delay = -5s});
    CHECK(sim.report(now).elapsed == 0s);
    CHECK(sim.report(now).state == task_state::complete);
}

TEST_CASE("where there is one place, tasks of higher priority go first")
{
    simulation sim{support::with_engine([](engine_options& engine) { engine.max_concurrent_steps = 1; })};
    std::vector<int> order_of_work;
    workflow_builder flow{"test", "ranked"};
    auto const rank = flow.input<int>();
    flow.step("only", after(rank), [&](step_context& context, int mine) -> async<int> {
        order_of_work.push_back(mine);
        co_await context.sleep_for(1s);
        co_return mine;
    });
    workflow const ranked = std::move(flow).build();
    for (int const priority : {0, 5, -3, 5, 9})
        sim.submit(ranked, priority, {.priority = priority});
    sim.advance(5s);
    CHECK(order_of_work == std::vector<int>{0, 9, 5, 5, -3}); // the first one found an idle engine
}

TEST_CASE("submissions wait while the journal is full, and none is lost")
{
    auto const watch = std::make_shared<support::store_watch>();
    testing::simulation_options options = support::with_engine([](engine_options& engine) { engine.max_journal_records = 2; });
    options.store = [data = memory_store{}, watch] { return any_store{support::failing_store{any_store{data}, watch}}; };
    simulation sim{std::move(options)};
    sim.add(support::dummy_workflow());
    watch->refuses_commits = true;
    std::vector<support::pending_result<task_handle>> asked;
    for (int one = 0; one < 20; ++one)
        asked.push_back(support::start(sim.context(), sim.engine().submit("shapes/dummy", {.delay = 1h})));
    sim.advance(10s);
    CHECK(std::none_of(asked.begin(), asked.end(), [](auto const& one) { return one.ended(); }));
    CHECK(watch->refused > 0);
    watch->refuses_commits = false;
    sim.advance(10s);
    std::set<task_id> ids;
    for (auto const& one : asked)
        ids.insert(one.get().id());
    CHECK(ids.size() == 20);
    CHECK(stored(sim) == 20);
    for (commit_batch const& batch : watch->committed)
        CHECK(batch.created.size() <= 2);
}
