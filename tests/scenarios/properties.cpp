// Random programs, from seeds: graphs, policies, limits, bodies of all kinds, operators who interfere and engines that die.
// TASKER_PROPERTY_SEED=<seed> plays one of them again, on every store. TASKER_PROPERTY_SEEDS=<count> plays so many instead
// of the few that suit every day.

#include <tasker/plan/decide.hpp>
#include <tasker/store/memory_store.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/audit.hpp"
#include "support/catch.hpp"
#include "support/each_store.hpp"
#include "support/event_witness.hpp"
#include "support/failing_store.hpp"
#include "support/fleet.hpp"
#include "support/random_program.hpp"
#include "support/record_text.hpp"

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

/// Reads what is committed, and asks the full scan of plan/decide.hpp about every start: the engine, which only counts, may
/// start no step that the scan would not.
class commit_reader {
public:
    explicit commit_reader(std::shared_ptr<support::store_watch> watch) : watch_{std::move(watch)} {}

    void know(workflow_id id, graph const& shape) { shapes_.insert_or_assign(id, shape); }

    void read()
    {
        for (commit_batch const& batch : watch_->committed)
            read(batch);
        watch_->committed.clear();
    }

    std::size_t starts = 0;
    std::string lies;

private:
    struct known {
        graph const* shape = nullptr;
        std::vector<step_record> steps;
    };

    void read(commit_batch const& batch)
    {
        for (task_record const& one : batch.created) {
            graph const& shape = shapes_.at(one.workflow);
            tasks_.try_emplace(one.id, known{&shape, std::vector<step_record>(shape.size())});
        }
        for (transition_record const& row : batch.transitions)
            if (row.step && row.to == name(step_state::in_progress))
                check_start(tasks_.at(row.task), row);
        for (step_write const& row : batch.steps)
            tasks_.at(row.task).steps.at(row.step) = row.record;
    }

    /// A step starts on what earlier commits have made durable.
    void check_start(known const& of, transition_record const& row)
    {
        ++starts;
        auto const ready = decide(*of.shape, of.steps, row.at).ready;
        if (!std::binary_search(ready.begin(), ready.end(), *row.step))
            lies += "at " + to_text(row.at) + " step " + of.shape->step(*row.step).name + " started, and the full scan has it not ready\n";
    }

    std::shared_ptr<support::store_watch> watch_;
    std::map<workflow_id, graph> shapes_;
    std::map<task_id, known> tasks_;
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
    std::size_t starts = 0;
    std::size_t most_steps = 0;
    std::map<wait_kind, int> reasons;
};

/// One program on one store.
class trial {
public:
    trial(random_program const& program, support::store_opener const& open)
        : program_{program}, seen_{std::make_shared<bodies_seen>(program.engine.max_concurrent_steps, open())},
          witness_{program.engine.max_concurrent_steps}, stored_{open()}, sim_{options_of(program, open, watch_)}
    {
        flows_.reserve(program.workflows.size());
        for (auto const& one : program.workflows) {
            workflow const& flow = flows_.emplace_back(support::played_workflow(one.name, one.steps, seen_));
            seen_->know(flow, one.limit);
            witness_.know(flow, one.limit);
            sim_.add(flow, {.max_concurrent_steps = one.limit});
            commits_.know(sim_.engine().id_of(flow.key()), flow.shape());
        }
    }

    /// Plays to the end. What was a lie, one sentence a line.
    std::string play()
    {
        time_point const begin = sim_.now();
        for (happening const& next : program_.happenings) {
            go_to(begin + next.at);
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
        return lies_ + seen_->lies + witness_.lies() + commits_.lies;
    }

    void count(tally& into)
    {
        for (told const& promise : promises_)
            ++into.obeyed[promise.what];
        for (known_task const& one : tasks_) {
            ++into.ends[stored_.load(one.id)->task.state];
            into.most_steps = std::max(into.most_steps, one.flow->shape().size());
        }
        into.starts += commits_.starts;
        for (auto const& [kind, count] : reasons_)
            into.reasons[kind] += count;
    }

    /// All there is in the store in the end, and how it came about.
    std::string record()
    {
        std::string text;
        for (known_task const& one : tasks_)
            text += support::full_text(one.flow->shape(), support::read_task(sim_, sim_.engine(), one.flow->shape(), one.id)) + '\n';
        return text;
    }

private:
    struct asking {
        told what;
        bool is_firm;
        support::pending_result<void> answer;
    };

    static testing::simulation_options options_of(random_program const& program, support::store_opener const& open,
                                                  std::shared_ptr<support::store_watch> const& watch)
    {
        testing::simulation_options options;
        options.engine = program.engine;
        options.store = [open, watch] { return any_store{support::failing_store{open(), watch}}; };
        return options;
    }

    /// Lets time pass; one program in ten is looked at in every instant at which anything can happen.
    void go_to(time_point goal)
    {
        if (!program_.watched_closely) {
            sim_.advance(goal - sim_.now());
            return;
        }
        look();
        for (time_point now = sim_.now(); sim_.step(goal);)
            if (std::exchange(now, sim_.now()) != now)
                look();
        sim_.advance(goal - sim_.now());
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
        summoned_.insert(task.id);
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
            dead_.insert(stored_.load(one.id)->task.worker);
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
        commits_.read();
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
        std::size_t summoned = 0;
        std::vector<std::pair<known_task const*, task_snapshot>> live;
        for (known_task const& one : tasks_)
            if (auto stored = *stored_.load(one.id); !is_finished(stored.task.state)) {
                resident += is_resident(stored.task) ? 1U : 0U;
                summoned += is_resident(stored.task) && summoned_.contains(one.id) ? 1U : 0U;
                running[one.flow->full_name()] += sim_.await(sim_.engine().context(one.id)).in_progress_steps;
                live.emplace_back(&one, std::move(stored));
            }
        if (resident - summoned > program_.engine.max_resident_tasks)
            complain(std::to_string(resident) + " tasks are in memory");
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
            ++reasons_[reason.kind];
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
        std::string const shown = sim_.await(sim_.engine().snapshot_json(one.id));
        if (shown.find("\"state\":\"" + std::string{name(found.task.state)} + '"') == std::string::npos)
            complain("the task is " + std::string{name(found.task.state)} + ", and is shown as " + shown);
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
    std::shared_ptr<support::store_watch> watch_ = std::make_shared<support::store_watch>();
    commit_reader commits_{watch_};
    any_store stored_; ///< the same data, past the engine
    std::vector<workflow> flows_;
    simulation sim_;
    std::vector<known_task> tasks_;
    std::vector<asking> asked_;
    std::vector<told> promises_;
    std::set<worker_id> dead_;  ///< workers
    std::set<task_id> summoned_; ///< a command brings its task into memory, room or not
    time_point leases_over_at_{};
    std::map<wait_kind, int> reasons_;
    std::size_t heard_ = 0;
    std::string lies_;
};

/// Plays the program of a seed on these stores; what was wrong, or nothing.
std::string play(std::uint64_t seed, std::vector<support::store_kind> const& kinds, tally& seen)
{
    random_program const program{seed};
    std::optional<std::string> expected;
    for (support::store_kind const& kind : kinds) {
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
    }
    return {};
}

std::optional<std::uint64_t> number_from(char const* variable)
{
    char const* const given = std::getenv(variable);
    return given == nullptr ? std::nullopt : std::optional<std::uint64_t>{std::strtoull(given, nullptr, 10)};
}

/// Plays `count` seeds, `apart` from each other, or those of the environment.
tally play_all(std::uint64_t first, std::uint64_t apart, std::uint64_t count, std::vector<support::store_kind> const& kinds)
{
    tally seen;
    std::uint64_t const many = number_from("TASKER_PROPERTY_SEEDS").value_or(count);
    for (std::uint64_t at = 0; at < many; ++at) {
        std::uint64_t const seed = first + at * apart;
        INFO("seed " << seed << "; play it again with TASKER_PROPERTY_SEED=" << seed);
        CHECK(play(seed, kinds, seen) == "");
    }
    return seen;
}

/// Plays the one seed that the environment names, if it does; the same for every test here.
bool replays()
{
    auto const seed = number_from("TASKER_PROPERTY_SEED");
    if (!seed)
        return false;
    tally seen;
    INFO("seed " << *seed);
    CHECK(play(*seed, support::store_kinds(), seen) == "");
    return true;
}

/// Rules that nothing puts to the test prove nothing.
void check_variety(tally const& seen)
{
    using enum happening::kind;
    for (happening::kind const kind : {cancel, cancel_step, retry, resolve, reset_step, resolve_step})
        CHECK(seen.obeyed.at(kind) > 5);
    for (task_state const end : {task_state::complete, task_state::error, task_state::cancelled, task_state::resolved_manually})
        CHECK(seen.ends.at(end) > 5);
    for (wait_kind const kind : {wait_kind::nothing_more, wait_kind::dead_parents, wait_kind::parents, wait_kind::due_time, wait_kind::running,
                                 wait_kind::concurrency, wait_kind::not_claimed})
        CHECK(seen.reasons.at(kind) > 5);
    CHECK(seen.starts > 1'000);
    CHECK(seen.most_steps > 150);
}

std::vector<support::store_kind> memory_alone() { return {support::store_kinds().front()}; }

/// Without the one that takes a server a second to prepare.
std::vector<support::store_kind> stores_of_this_process()
{
    auto kinds = support::store_kinds();
    std::erase_if(kinds, [](support::store_kind const& one) { return one.name == "PostgreSQL"; });
    return kinds;
}

} // namespace

TEST_CASE("whatever happens to whatever workflows, tasks and their history keep to the rules", "[properties]")
{
    if (!replays())
        check_variety(play_all(0, 2, 1'000, memory_alone()));
}

TEST_CASE("whatever else happens to other workflows, their tasks and history keep to the same rules", "[properties]")
{
    if (!replays())
        check_variety(play_all(1, 2, 1'000, memory_alone()));
}

TEST_CASE("whatever happens, the memory store and SQLite end in the same records, to the last id", "[properties]")
{
    if (!replays())
        play_all(0, 37, 60, stores_of_this_process());
}

TEST_CASE("whatever happens, every store ends in the same records, to the last id", "[properties]")
{
    if (!replays())
        play_all(0, 331, 6, support::store_kinds());
}
