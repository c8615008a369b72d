// Engines that end anywhere: after every single handler, in every state that a task can be in. A second one finds the store
// as it is, and must bring everything that was accepted to its end. First scenes made for that; then every scenario of this
// program, as it is. TASKER_EVERY_HANDLER=1 leaves no handler out of the scenarios that have many.

#include <tasker/store/memory_store.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/abandonment.hpp"
#include "support/audit.hpp"
#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/each_store.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"
#include "support/played_step.hpp"
#include "support/shapes.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define TASKER_TEST_FINDS_LEAKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TASKER_TEST_FINDS_LEAKS
#endif
#endif
#ifdef TASKER_TEST_FINDS_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

using namespace tasker;
using namespace std::chrono_literals;
using support::body_kind;
using support::ending;
using support::played_step;
using testing::simulation;

namespace {

/// What is asked of the engine while a scene plays.
struct errand {
    duration at{};
    std::function<boost::asio::awaitable<void>(engine&, task_id)> ask;
    std::optional<task_state> promise = {}; ///< how the task ends for certain once this is acknowledged
};

/// A task, and what is done to it.
struct scene {
    std::string name;
    std::vector<played_step> steps;
    std::vector<errand> errands = {};
    std::vector<task_state> ends = {task_state::complete}; ///< how it may end
    duration delay = {};                                   ///< of the submission
};

constexpr duration lease = 1h;
constexpr duration length = 20min; ///< of every scene, the longest wait included
constexpr std::size_t to_the_end = std::numeric_limits<std::size_t>::max();

engine_options short_lease()
{
    engine_options options = testing::patient_options();
    options.lease = lease;
    return options;
}

/// What was started before the engine died.
struct playing {
    support::pending_result<task_id> submission;
    std::vector<support::pending_result<void>> errands;
    bool played_out = false;
};

// Coroutines of the test outlive the engine, which therefore is asked before they begin; no handle outlives its context.
boost::asio::awaitable<task_id> id_of(boost::asio::awaitable<task_handle> submission)
{
    task_handle const made = co_await std::move(submission);
    co_return made.id();
}
boost::asio::awaitable<void> end_of(boost::asio::awaitable<task_outcome> outcome) { static_cast<void>(co_await std::move(outcome)); }

/// Plays a scene for so many steps; `world` is a simulation or something like it.
template <class World>
playing play(World& world, scene const& of, std::string const& flow, std::size_t steps)
{
    playing now{support::start(world.context(), id_of(world.engine().submit(flow, {.delay = of.delay}))), {}};
    time_point const begin = world.now();
    for (std::size_t next = 0;; ++next) {
        time_point const limit = begin + (next < of.errands.size() ? of.errands[next].at : length);
        while (steps > 0 && world.step(limit))
            --steps;
        if (steps == 0)
            return now;
        world.advance(limit - world.now());
        if (next == of.errands.size()) {
            now.played_out = true;
            return now;
        }
        if (!now.submission.ended())
            return now; // the store takes nothing
        now.errands.push_back(support::start(world.context(), of.errands[next].ask(world.engine(), now.submission.get())));
    }
}

/// Whether the engine said yes; it may have said no, or ended first.
template <class Result>
bool was_done(support::pending_result<Result> const& asked)
{
    try {
        return asked.ended() && (static_cast<void>(asked.get()), true);
    } catch (error const&) {
        return false;
    }
}

std::size_t failures_before_success(played_step const& step)
{
    auto const last = std::find_if(step.attempts.begin(), step.attempts.end(), [&](auto const& one) {
        return one.how == ending::success && (step.options.timeout == duration::zero() || one.takes < step.options.timeout);
    });
    return static_cast<std::size_t>(last - step.attempts.begin());
}

/// What is wrong with the scene's task as the store has it in the end.
std::string lies_of(scene const& of, playing const& before, graph const& shape, support::stored_task const& found)
{
    std::string lies = support::audit{shape, found}.lies();
    if (std::find(of.ends.begin(), of.ends.end(), found.task.state) == of.ends.end())
        lies += "the task ended as " + std::string{name(found.task.state)} + '\n';
    for (std::size_t at = 0; at < before.errands.size(); ++at)
        if (auto const& promise = of.errands[at].promise; promise && was_done(before.errands[at]) && found.task.state != *promise)
            lies += "it was promised to end as " + std::string{name(*promise)} + ", and is " + std::string{name(found.task.state)} + '\n';
    for (step_no no = 0; no < shape.size(); ++no) // an attempt that died with its engine counts for nothing
        if (found.steps[no].state == step_state::complete &&
            found.steps[no].attempts != static_cast<int>(failures_before_success(of.steps[no])) + 1)
            lies += "step " + of.steps[no].name + " is complete after " + std::to_string(found.steps[no].attempts) + " attempts\n";
    return lies;
}

/// The next engine's part: it finishes what it finds, and the store must not have lost what was accepted.
template <class World, class Finish>
std::string finish_all(World& world, engine& heir, scene const& of, workflow const& flow, playing const& before, Finish finish)
{
    auto const stored = world.await(heir.find({}));
    if (was_done(before.submission) && stored.size() != 1)
        return "the task was accepted, and the store has " + std::to_string(stored.size()) + '\n';
    for (task_record const& one : stored)
        finish(one.id);
    std::string lies;
    for (task_record const& one : stored)
        lies += lies_of(of, before, flow.shape(), support::read_task(world, heir, flow.shape(), one.id));
    return lies;
}

std::string finish_in(simulation& sim, scene const& of, workflow const& flow, playing const& before)
{
    return finish_all(sim, sim.engine(), of, flow, before, [&](task_id id) {
        sim.finish(id);
        sim.advance(2 * lease); // what a cancelled task's bodies left is put in order when the lease is over
    });
}

/// One engine dies with everything on its way after `steps` steps; false when the scene was over before.
bool die_with_the_process(scene const& of, std::size_t steps)
{
    testing::simulation_options options;
    options.engine = short_lease();
    simulation sim{std::move(options)};
    workflow const flow = support::played_workflow(of.name, of.steps);
    sim.add(flow);
    playing const before = play(sim, of, "played/" + of.name, steps);
    sim.crash(steps % 2 == 0 ? lease + 1s : 0s); // found dead at once, or after its lease
    std::string const lies = finish_in(sim, of, flow, before);
    INFO(of.name << ", dead after " << steps << " steps of its process");
    CHECK(lies == "");
    return !before.played_out;
}

/// One engine gets so many commits through and then dies without knowing of any other; false when it needed no more.
bool die_between_commits(scene const& of, std::size_t commits)
{
    auto const watch = std::make_shared<support::store_watch>();
    watch->accepts = commits;
    testing::simulation_options options;
    options.engine = short_lease();
    options.store = [data = memory_store{}, watch, first = true]() mutable {
        return std::exchange(first, false) ? any_store{support::failing_store{any_store{data}, watch}} : any_store{data};
    };
    simulation sim{std::move(options)};
    workflow const flow = support::played_workflow(of.name, of.steps);
    sim.add(flow);
    playing const before = play(sim, of, "played/" + of.name, to_the_end);
    sim.crash(lease + 1s);
    std::string const lies = finish_in(sim, of, flow, before);
    INFO(of.name << ", dead after " << commits << " commits");
    CHECK(lies == "");
    return watch->refused > 0;
}

/// A fleet with one engine that plays.
class shared_context {
public:
    explicit shared_context(workflow flow) : flow_{std::move(flow)} { begin(); }

    tasker::engine& engine() { return *engine_; }
    time_point now() const { return fleet_.now(); }
    boost::asio::io_context& context() { return fleet_.context(); }
    bool step(time_point limit) { return fleet_.step(limit); }
    void advance(duration by) { fleet_.advance(by); }
    template <class Result>
    Result await(boost::asio::awaitable<Result> operation)
    {
        return fleet_.await(std::move(operation));
    }

    /// The engine is destroyed; the context goes on with whatever was on its way, and with the next engine.
    void replace()
    {
        fleet_.kill(*engine_);
        begin();
    }

private:
    void begin()
    {
        engine_ = &fleet_.launch(any_store{data_}, short_lease());
        engine_->add(flow_);
    }

    workflow flow_;
    memory_store data_;
    support::fleet fleet_;
    tasker::engine* engine_ = nullptr;
};

bool die_alone(scene const& of, std::size_t steps)
{
    workflow const flow = support::played_workflow(of.name, of.steps);
    shared_context world{flow};
    playing const before = play(world, of, "played/" + of.name, steps);
    world.replace();
    world.advance(0s);
    std::string lies;
    if (!before.submission.ended() || std::any_of(before.errands.begin(), before.errands.end(), [](auto const& one) { return !one.ended(); }))
        lies += "somebody waits for an engine that is gone\n";
    lies += finish_all(world, world.engine(), of, flow, before, [&](task_id) { world.advance(2 * lease); });
    INFO(of.name << ", dead after " << steps << " steps, its context lives on");
    CHECK(lies == "");
    return !before.played_out;
}

played_step step(std::string name, std::vector<std::string> parents, body_kind kind, std::vector<support::played_attempt> attempts = {},
                 step_options options = {.retry = support::unspread})
{
    return {std::move(name), std::move(parents), kind, std::move(attempts), options, false};
}

boost::asio::awaitable<void> wait_for_the_end(engine& one, task_id id) { return end_of(one.task(id).outcome()); }
boost::asio::awaitable<void> ask_to_cancel(engine& one, task_id id) { return one.cancel(id, "no longer wanted"); }
boost::asio::awaitable<void> ask_to_drain(engine& one, task_id) { return one.drain(); }

/// L6 with every kind of body, failures and a timeout.
std::vector<played_step> line()
{
    return {step("initialize_data", {}, body_kind::plain),
            step("validate_input", {"initialize_data"}, body_kind::blocking, {{ending::transient}, {}}),
            step("process_data", {"validate_input"}, body_kind::async, {{ending::transient, 2s}, {ending::transient, 1s}, {ending::success, 3s}}),
            step("transform_results", {"process_data"}, body_kind::awaitable, {{ending::success, 10s}, {ending::success, 1s}},
                 {.retry = support::unspread, .timeout = 4s}),
            step("validate_output", {"transform_results"}, body_kind::plain, {{ending::foreign}, {}}),
            step("finalize_workflow", {"validate_output"}, body_kind::awaitable, {{ending::success, 1s}})};
}

/// D7: branches that sleep and fail, side by side.
std::vector<played_step> diamond()
{
    return {step("start_workflow", {}, body_kind::async, {{ending::success, 1s}}),
            step("branch_one_process", {"start_workflow"}, body_kind::awaitable, {{ending::transient, 2s}, {ending::success, 2s}}),
            step("branch_two_process", {"start_workflow"}, body_kind::async, {{ending::retry_after, 1s, 7s}, {ending::success, 3s}}),
            step("branch_one_validate", {"branch_one_process"}, body_kind::plain),
            step("branch_two_validate", {"branch_two_process"}, body_kind::blocking),
            step("merge_branches", {"branch_one_validate", "branch_two_validate"}, body_kind::async, {{ending::transient}, {}}),
            step("end_workflow", {"merge_branches"}, body_kind::plain)};
}

/// M9: the critical part fails twice, the optional part for good.
std::vector<played_step> mixed()
{
    return {step("init_auth", {}, body_kind::plain),
            step("validate_permissions", {"init_auth"}, body_kind::async, {{ending::success, 2s}}),
            step("init_config", {}, body_kind::awaitable, {{ending::success, 1s}}),
            step("setup_environment", {"init_config"}, body_kind::plain),
            step("begin_processing", {"validate_permissions", "setup_environment"}, body_kind::plain),
            step("process_critical_data", {"begin_processing"}, body_kind::awaitable, {{ending::transient, 1s}, {ending::transient, 1s}, {ending::success, 1s}}),
            step("process_optional_data", {"begin_processing"}, body_kind::async, {{ending::transient, 1s}, {ending::permanent, 2s}}),
            step("cleanup_temp_files", {"setup_environment"}, body_kind::blocking),
            step("finalize_and_report", {"process_critical_data", "cleanup_temp_files"}, body_kind::plain)};
}

/// DM4 with a wait that is spent in the store.
std::vector<played_step> patient()
{
    step_options const slow{.retry = {.backoff = {.initial = 2min}, .jitter = jitter::none}};
    return {step("step-one", {}, body_kind::async, {{ending::transient, 1s}, {ending::success, 1s}}, slow),
            step("step-two", {}, body_kind::awaitable, {{ending::success, 3s}}),
            step("step-three", {"step-two"}, body_kind::plain, {{ending::retry_after, 0s, 3min}, {}}, slow),
            step("step-four", {"step-three"}, body_kind::async, {{ending::success, 1s}})};
}

std::vector<scene> scenes()
{
    using enum task_state;
    auto const ask_for_step = [](engine& one, task_id id) { return one.cancel_step(id, "branch_one_process"); };
    auto const ask_for_merge = [](engine& one, task_id id) { return one.cancel_step(id, "merge_branches"); };
    auto const ask_to_resolve = [](engine& one, task_id id) { return one.resolve_step(id, "step-one", 7); };
    return {{"line", line()},
            {"diamond", diamond()},
            {"mixed", mixed(), {}, {error}},
            {"patient", patient()},
            {"delayed", diamond(), {}, {complete}, 30s},
            {"awaited", diamond(), {{0s, wait_for_the_end, complete}, {2s, wait_for_the_end, complete}}},
            {"cancelled", diamond(), {{2s, wait_for_the_end}, {2500ms, ask_to_cancel, cancelled}}, {complete, cancelled}},
            {"cancelled-asleep", patient(), {{60s, ask_to_cancel, cancelled}}, {complete, cancelled}},
            {"drained", mixed(), {{1s, wait_for_the_end}, {1500ms, ask_to_drain}}, {error}},
            {"drained-asleep", patient(), {{2s, ask_to_drain}}},
            {"step-cancelled", diamond(), {{1500ms, ask_for_step, error}, {2s, wait_for_the_end}}, {complete, error}},
            {"step-cancelled-early", diamond(), {{500ms, ask_for_merge, error}}, {complete, error}},
            {"step-resolved", patient(), {{60s, ask_to_resolve}}}};
}

} // namespace

TEST_CASE("a process may die after any handler and no task notices [F24]", "[F24]")
{
    std::size_t deaths = 0;
    for (scene const& one : scenes()) {
        std::size_t steps = 0;
        while (die_with_the_process(one, steps))
            ++steps;
        CHECK(steps > 10); // a scene that is over at once shows nothing
        deaths += steps;
    }
    CHECK(deaths > 500);
}

TEST_CASE("an engine may be destroyed after any handler while its context lives on, and leaves nobody waiting [F24]", "[F24]")
{
    for (scene const& one : scenes())
        for (std::size_t steps = 0; die_alone(one, steps);)
            ++steps;
}

TEST_CASE("an engine may die between any two commits, and what was not durable was not promised [F24][F28]", "[F24][F28]")
{
    for (scene const& one : scenes()) {
        std::size_t commits = 0;
        while (die_between_commits(one, commits))
            ++commits;
        CHECK(commits >= 4);
    }
}

namespace {

/// A test of this program.
using any_test = std::decay_t<decltype(Catch::getRegistryHub().getTestCaseRegistry().getAllTests().front())>;

/// Runs a test until its first engine is abandoned after `handlers`; false when it was over before.
bool run_abandoned(any_test const& test, std::size_t handlers, std::string& lies)
{
    support::abandonment end{handlers};
    try {
        test.invoke();
    } catch (Catch::TestFailureException const&) {
        if (!end.happened)
            lies += "it fails by itself\n";
    } catch (std::exception const& problem) {
        lies += std::string{problem.what()} + '\n';
    }
    lies += end.lies;
    return end.happened;
}

/// After how many handlers the next run ends: one more than the last; in a scenario that is longer than most, a third more.
std::size_t next_death(std::size_t last)
{
    bool const leaves_none_out = std::getenv("TASKER_EVERY_HANDLER") != nullptr;
    return last + (last < 48 || leaves_none_out ? 1 : last / 3);
}

/// Whether memory was lost so far. Known under AddressSanitizer alone.
bool has_leaked()
{
#ifdef TASKER_TEST_FINDS_LEAKS
    return __lsan_do_recoverable_leak_check() != 0;
#else
    return false;
#endif
}

struct reruns {
    std::size_t deaths = 0;
    std::size_t wrong = 0;
};

/// Runs the tests of one source again and again; what was wrong goes to stderr.
reruns abandon_tests_of(std::string_view source)
{
    reruns total;
    for (any_test const& test : Catch::getRegistryHub().getTestCaseRegistry().getAllTests()) {
        auto const& info = test.getTestCaseInfo();
        if (!std::string_view{info.lineInfo.file}.ends_with("/scenarios/" + std::string{source} + ".cpp"))
            continue;
        if (info.tagsAsString().find("[must-not-be-abandoned]") != std::string::npos)
            continue; // its threads wait for the scenario to go on
        std::string lies;
        std::size_t handlers = 1;
        for (; run_abandoned(test, handlers, lies) && lies.empty(); handlers = next_death(handlers))
            ++total.deaths;
        if (lies.empty())
            continue;
        std::cerr << info.name << ", abandoned after " << handlers << " handlers:\n" << lies << std::endl;
        ++total.wrong;
    }
    return total;
}

/// In a process of its own: an assertion that was cut short counts as failed, and must not count here.
void abandon_all(std::initializer_list<std::string_view> sources)
{
    for (std::string_view const source : sources) {
        INFO("the scenarios of " << source << ".cpp");
        support::child_process child{[&](support::child_process& parent) {
            if (std::freopen("/dev/null", "w", stdout) == nullptr)
                return 3;
            reruns const total = abandon_tests_of(source);
            parent.tell(total.deaths);
            return total.wrong > 0 ? 1 : has_leaked() ? 2 : 0;
        }};
        CHECK(child.hear().value_or(0) > 20);
        CHECK(child.wait() == 0);
    }
}

} // namespace

TEST_CASE("every scenario of running may lose its engine after any handler, and the store recovers [F24]", "[F24]")
{
    abandon_all({"running"});
}

TEST_CASE("every scenario of waiting may lose its engine after any handler, and the store recovers [F24]", "[F24]")
{
    abandon_all({"waiting", "backoff"});
}

TEST_CASE("every scenario of commands may lose its engine after any handler, and the store recovers [F24]", "[F24]")
{
    abandon_all({"commands", "commands_in_turn"});
}

TEST_CASE("every scenario of submissions may lose its engine after any handler, and the store recovers [F24]", "[F24]")
{
    abandon_all({"submitting", "states", "transitions"});
}

TEST_CASE("every other scenario may lose its engine after any handler, and the store recovers [F24]", "[F24]")
{
    abandon_all({"bodies", "events", "in_doubt", "inspecting", "limits"});
}

TEST_CASE("every scenario of several engines may lose them all after any handler, and nothing of theirs is used or left [F24]", "[F24]")
{
    abandon_all({"draining", "leases", "takeovers"});
}
