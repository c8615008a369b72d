// Random programs, from seeds: graphs, policies, limits, bodies of all kinds, operators who interfere and engines that die.
// TASKER_PROPERTY_SEED=<seed> plays one of them again.

#include <tasker/plan/decide.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/audit.hpp"
#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/event_witness.hpp"
#include "support/fleet.hpp"
#include "support/random_program.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using support::happening;
using support::random_program;
using testing::simulation;

namespace {

/// Sees the bodies themselves: how many run, and whether their parents are durable by then.
class bodies_seen final : public support::onlooker {
public:
    bodies_seen(std::size_t limit, any_store store) : limit_{limit}, store_{std::move(store)} {}

    void know(workflow const& flow, std::size_t limit)
    {
        shapes_.insert_or_assign(std::string{flow.full_name()}, flow.shape()); // not the workflow: its bodies hold this
        limits_.insert_or_assign(std::string{flow.full_name()}, limit);
    }
    std::size_t limit_of(std::string_view flow) const { return limits_.at(std::string{flow}); }

    void entered(step_context& context) override
    {
        here_.push_back(&context);
        count_bodies(context);
        look_at_parents(context);
    }
    void left(step_context& context) override { std::erase(here_, &context); }

    std::string lies;

private:
    void count_bodies(step_context& context)
    {
        auto const counts = [](step_context* one) { return !one->cancelled(); }; // others ended for the engine already
        auto const all = std::count_if(here_.begin(), here_.end(), counts);
        auto const same = std::count_if(here_.begin(), here_.end(), [&](auto* one) { return counts(one) && one->workflow() == context.workflow(); });
        std::size_t const own_limit = limit_of(context.workflow());
        if (static_cast<std::size_t>(all) > limit_ || (own_limit != 0 && static_cast<std::size_t>(same) > own_limit))
            lies += "too many bodies run beside " + std::string{context.step()} + '\n';
        if (std::any_of(here_.begin(), here_.end(), [&](auto* one) {
                return one != &context && counts(one) && one->task() == context.task() && one->step() == context.step();
            }))
            lies += "two bodies of " + std::string{context.step()} + " run at once\n";
    }

    /// A body runs on what is durable.
    void look_at_parents(step_context& context)
    {
        graph const& shape = shapes_.at(std::string{context.workflow()});
        auto const parents = shape.parents(shape.find(context.step()));
        auto const stored = parents.empty() ? std::nullopt : store_.load(context.task());
        for (step_no const parent : parents)
            if (std::none_of(stored->steps.begin(), stored->steps.end(), [&](auto const& one) { return one.first == parent && satisfies_children(one.second.state); }))
                lies += "the body of " + std::string{context.step()} + " runs, and the store does not have its parent " + shape.step(parent).name + " as done\n";
    }

    std::size_t limit_;
    any_store store_;
    std::map<std::string, graph> shapes_;
    std::map<std::string, std::size_t> limits_;
    std::vector<step_context*> here_;
};

struct known_task {
    task_id id;
    workflow const* flow;
};

/// What an operator was told is done, and must still be so in the end.
struct told {
    task_id task;
    happening::kind what;
    std::string step;
};

/// How much the programs have made happen: rules that nothing puts to the test prove nothing.
struct tally {
    std::map<happening::kind, int> obeyed;
    std::map<task_state, int> ends;
};

/// One program on one store.
class trial {
public:
    trial(random_program const& program, support::store_opener open)
        : program_{program}, seen_{std::make_shared<bodies_seen>(program.engine.max_concurrent_steps, open())},
          witness_{program.engine.max_concurrent_steps}, sim_{options_of(program, std::move(open))}
    {
        flows_.reserve(program.workflows.size());
        for (auto const& one : program.workflows) {
            workflow const& flow = flows_.emplace_back(support::played_workflow(one.name, one.steps, seen_));
            seen_->know(flow, one.limit);
            witness_.know(flow, one.limit);
            sim_.add(flow, {.max_concurrent_steps = one.limit});
        }
    }

    /// Plays to the end. What was a lie, one sentence a line.
    std::string play()
    {
        time_point const begin = sim_.now();
        for (happening const& next : program_.happenings) {
            sim_.advance(begin + next.at - sim_.now());
            look();
            happen(next);
            look();
        }
        for (known_task const& one : tasks_)
            sim_.finish(one.id);
        settle_asked();
        sim_.advance(2 * program_.engine.lease);
        look();
        for (known_task const& one : tasks_)
            check_end(one);
        return lies_ + seen_->lies + witness_.lies();
    }

    void count(tally& into)
    {
        for (told const& promise : promises_)
            ++into.obeyed[promise.what];
        for (known_task const& one : tasks_)
            ++into.ends[sim_.await(sim_.engine().load(one.id))->task.state];
    }

    /// The end records of all tasks, and how they came about.
    std::string record()
    {
        std::string text;
        for (known_task const& one : tasks_) {
            auto const found = support::read_task(sim_, sim_.engine(), one.flow->shape(), one.id);
            text += std::string{name(found.task.state)} + ' ' + found.task.status_reason + '\n';
            for (step_record const& step : found.steps)
                text += std::string{name(step.state)} + ' ' + std::to_string(step.attempts) + ' ' + std::string{step.result.text()} + '\n';
            for (transition_record const& row : found.history)
                text += to_text(row.at) + ' ' + (row.step ? one.flow->shape().step(*row.step).name : "task") + ' ' + row.from + " > " + row.to + ' ' + row.detail + '\n';
        }
        return text;
    }

private:
    struct asking {
        told what;
        bool is_firm;
        support::pending_result<void> answer;
    };

    static testing::simulation_options options_of(random_program const& program, support::store_opener open)
    {
        testing::simulation_options options;
        options.engine = program.engine;
        options.store = std::move(open);
        return options;
    }

    void complain(std::string const& what) { lies_ += to_text(sim_.now()) + ": " + what + '\n'; }

    void happen(happening const& next)
    {
        switch (next.what) {
        case happening::kind::submit: {
            workflow const& flow = flows_[next.which];
            tasks_.push_back({sim_.submit(flow, {.priority = next.priority, .delay = next.delay}), &flow});
            return;
        }
        case happening::kind::crash: die(program_.engine.lease + 1s); return;
        case happening::kind::restart:
            die(0s);
            leases_over_at_ = sim_.now() + program_.engine.lease;
            return;
        case happening::kind::drain: drain(); return;
        default: ask(next);
        }
    }

    void ask(happening const& next)
    {
        if (tasks_.empty())
            return;
        known_task const& task = tasks_[next.which % tasks_.size()];
        std::string const step = task.flow->shape().step(static_cast<step_no>(next.step % task.flow->shape().size())).name;
        auto operation = command_of(next.what, task.id, step);
        bool const is_firm = sim_.now() > leases_over_at_; // otherwise a dead worker may own the task: the request is kept for its heir
        asked_.push_back({{task.id, next.what, step}, is_firm, support::start(sim_.context(), std::move(operation))});
        sim_.settle();
    }

    boost::asio::awaitable<void> command_of(happening::kind what, task_id id, std::string const& step)
    {
        switch (what) {
        case happening::kind::cancel: return sim_.engine().cancel(id, "as it happens");
        case happening::kind::retry: return sim_.engine().retry(id);
        case happening::kind::resolve: return sim_.engine().resolve(id);
        case happening::kind::cancel_step: return sim_.engine().cancel_step(id, step);
        case happening::kind::reset_step: return sim_.engine().reset_step(id, step);
        default: return sim_.engine().resolve_step(id, step, 77);
        }
    }

    void die(duration after)
    {
        settle_asked();
        hear();
        for (known_task const& one : tasks_)
            dead_.insert(sim_.await(sim_.engine().load(one.id))->task.worker);
        sim_.crash(after);
        witness_.forget_running();
    }

    /// A drained engine's tasks are free at once.
    void drain()
    {
        auto const drained = support::start(sim_.context(), sim_.engine().drain());
        sim_.advance(5min); // the longest body included
        if (!drained.ended())
            complain("the engine does not drain");
        die(0s);
    }

    /// Whoever was answered by now keeps what he was told; the others must not wait for ever.
    void settle_asked()
    {
        for (asking const& one : std::exchange(asked_, {}))
            try {
                if (one.answer.ended()) {
                    one.answer.get();
                    if (one.is_firm)
                        promises_.push_back(one.what);
                }
            } catch (error const& problem) {
                if (problem.code() != errc::illegal_transition && (leases_over_at_ == time_point{} || problem.code() != errc::command_pending))
                    complain(std::string{"a command was refused: "} + problem.what());
            }
    }

    bool is_resident(task_record const& task) const { return task.worker && !dead_.contains(task.worker); }

    void hear()
    {
        for (; heard_ < sim_.events().size(); ++heard_)
            witness_.hear(sim_.events()[heard_]);
    }

    /// Everything is quiet at this instant: is everything where it should be?
    void look()
    {
        sim_.settle();
        hear();
        std::map<std::string_view, std::size_t> running;
        std::size_t resident = 0;
        std::vector<std::pair<known_task const*, task_snapshot>> live;
        for (known_task const& one : tasks_)
            if (auto stored = *sim_.await(sim_.engine().load(one.id)); !is_finished(stored.task.state)) {
                resident += is_resident(stored.task) ? 1U : 0U;
                running[one.flow->full_name()] += sim_.await(sim_.engine().context(one.id)).in_progress_steps;
                live.emplace_back(&one, std::move(stored));
            }
        std::size_t all = 0;
        for (auto const& [flow, count] : running)
            all += count;
        for (auto const& [one, stored] : live) {
            std::size_t const own = seen_->limit_of(one->flow->full_name());
            bool const has_place = all < program_.engine.max_concurrent_steps && (own == 0 || running[one->flow->full_name()] < own);
            bool const has_room = resident < program_.engine.max_resident_tasks;
            check_live(*one, stored.task, has_place, has_room);
        }
    }

    /// The engine does at every instant what the full scan of plan/decide.hpp says: it leaves nothing ready lying about,
    /// the task's state fits, and each unfinished step can say what it waits for.
    void check_live(known_task const& one, task_record const& task, bool has_place, bool has_room)
    {
        auto const rows = sim_.await(sim_.engine().readiness(one.id));
        auto const reasons = sim_.await(sim_.engine().why(one.id));
        auto const status = summarize(rows).status;
        bool const stands_still = !is_resident(task) && (!has_room || (task.wake_at && *task.wake_at > sim_.now()) ||
                                                         (task.worker && sim_.now() <= leases_over_at_));
        std::size_t unfinished = 0;
        for (step_readiness const& row : rows) {
            unfinished += satisfies_children(row.state) ? 0U : 1U;
            if (row.ready && has_place && !stands_still)
                complain("step " + row.name + " is ready, there is a free place, and it does not start");
        }
        bool can_go_on = false;
        for (wait_reason const& reason : reasons) {
            if (reason.text.empty())
                complain("step " + reason.step + " waits for nothing that it could say");
            can_go_on = can_go_on || reason.kind == wait_kind::running || reason.kind == wait_kind::due_time ||
                        reason.kind == wait_kind::concurrency || reason.kind == wait_kind::not_claimed;
        }
        if (reasons.size() != unfinished)
            complain("of " + std::to_string(unfinished) + " unfinished steps " + std::to_string(reasons.size()) + " have a reason");
        if (!can_go_on && !stands_still)
            complain("the task is not finished, and nothing of it can go on");
        bool const written = program_.engine.record_start_within == 0s;
        if (written && status == execution_status::processing && task.state != task_state::in_progress)
            complain("the task runs and is " + std::string{name(task.state)});
        if (status == execution_status::waiting_for_dependencies && task.state != task_state::pending)
            complain("the task waits and is " + std::string{name(task.state)});
    }

    void check_end(known_task const& one)
    {
        auto const found = support::read_task(sim_, sim_.engine(), one.flow->shape(), one.id);
        lies_ += support::audit{one.flow->shape(), found}.lies();
        for (told const& promise : promises_) {
            if (promise.task != one.id)
                continue;
            step_state const step = found.steps[one.flow->shape().find(promise.step)].state;
            bool const kept = promise.what == happening::kind::cancel         ? found.task.state == task_state::cancelled
                              : promise.what == happening::kind::cancel_step  ? step == step_state::cancelled
                              : promise.what == happening::kind::resolve_step ? step == step_state::resolved_manually
                                                                              : true;
            if (!kept)
                complain("a promise was broken: step " + promise.step + " is " + std::string{name(step)} + ", the task " +
                         std::string{name(found.task.state)});
        }
    }

    random_program const& program_;
    std::shared_ptr<bodies_seen> seen_;
    support::event_witness witness_;
    std::vector<workflow> flows_;
    simulation sim_;
    std::vector<known_task> tasks_;
    std::vector<asking> asked_;
    std::vector<told> promises_;
    std::set<worker_id> dead_; ///< workers
    time_point leases_over_at_{};
    std::size_t heard_ = 0;
    std::string lies_;
};

constexpr std::uint64_t seeds = 400;
constexpr std::uint64_t every_store = 10; ///< this many seeds apart a program is played on the other stores, too

/// Plays the program of a seed; what was wrong, or nothing.
std::string play(std::uint64_t seed, tally& seen)
{
    random_program const program{seed};
    std::optional<std::string> expected;
    for (support::store_kind const& kind : support::store_kinds()) {
        if (!kind.is_there())
            continue;
        try {
            trial one{program, kind.prepare()};
            if (std::string const lies = one.play(); !lies.empty())
                return "on the " + kind.name + " store:\n" + lies;
            std::string const record = one.record();
            if (expected.value_or(record) != record)
                return "the " + kind.name + " store ends differently:\n" + record + "instead of:\n" + *expected;
            expected = record;
            one.count(seen);
        } catch (std::exception const& problem) {
            return "on the " + kind.name + " store: " + problem.what();
        }
        if (seed % every_store != 0)
            break;
    }
    return {};
}

} // namespace

TEST_CASE("whatever happens to whatever workflows, tasks and their history keep to the rules", "[properties]")
{
    tally seen;
    if (char const* const given = std::getenv("TASKER_PROPERTY_SEED")) {
        INFO("seed " << given);
        CHECK(play(std::strtoull(given, nullptr, 10), seen) == "");
        return;
    }
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        INFO("seed " << seed << "; play it again with TASKER_PROPERTY_SEED=" << seed);
        CHECK(play(seed, seen) == "");
    }
    using enum happening::kind;
    for (happening::kind const kind : {cancel, cancel_step, retry, resolve, reset_step, resolve_step})
        CHECK(seen.obeyed[kind] > 5);
    for (task_state const end : {task_state::complete, task_state::error, task_state::cancelled, task_state::resolved_manually})
        CHECK(seen.ends[end] > 5);
}
