#include <tasker/plan/apply_command.hpp>
#include <tasker/plan/task_plan.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;
using namespace steps;

namespace {

using numbers = std::vector<step_no>;

attempt_outcome success() { return {attempt_outcome::kind::completed, {}, {}, {}}; }

void complete(task_plan& plan, step_no no, time_point now = noon)
{
    plan.write(no, now, [&](step_record& record) { settle(record, {}, success(), now, 0.5); });
}

numbers taken(task_plan& plan)
{
    numbers all;
    plan.take_ready([&](step_no no) { all.push_back(no); });
    return all;
}

/// Plays random moves on a random graph and compares the plan with the full scan after each of them.
class random_play {
public:
    explicit random_play(std::uint32_t seed) : random_{seed}, shape_{random_graph()}, plan_{shape_, {}, noon}, handed_out_(shape_.size()) {}

    /// Plays; what differs from the full scan, or nothing.
    std::optional<std::string> difference()
    {
        auto found = compare();
        for (std::size_t turn = 0; turn < 20 + shape_.size() && !found; ++turn) {
            goes_on_ = false;
            move();
            if (goes_on_ && plan_.status() != execution_status::has_ready_steps && plan_.status() != execution_status::processing)
                return "the task was to go on after a step, and does not";
            plan_.wake(now_);
            found = compare();
            if (found || below(4) != 0)
                continue;
            make_all_durable();
            found = compare();
        }
        return found;
    }

private:
    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_); }

    graph random_graph()
    {
        std::size_t const size = 1 + below(60);
        std::vector<step_definition> steps;
        std::vector<edge> edges;
        for (step_no no = 0; no < size; ++no) {
            retry_policy const retry{.max_attempts = 1 + static_cast<int>(below(4)),
                                     .retryable = below(8) != 0,
                                     .backoff = {.initial = duration{1s} * (1 + static_cast<int>(below(5)))},
                                     .jitter = jitter::none};
            steps.push_back({"s" + std::to_string(no), {.retry = retry}});
            for (std::size_t more = below(4); no > 0 && more > 0; --more)
                edges.push_back({static_cast<step_no>(below(no)), no});
        }
        return graph{std::move(steps), std::move(edges)};
    }

    std::optional<step_no> any_in(step_state state)
    {
        return any([&](step_no no) { return plan_.record(no).state == state; });
    }

    template <class Predicate>
    std::optional<step_no> any(Predicate wanted)
    {
        numbers found;
        for (step_no no = 0; no < shape_.size(); ++no)
            if (wanted(no))
                found.push_back(no);
        return found.empty() ? std::nullopt : std::optional{found[below(found.size())]};
    }

    void move()
    {
        switch (below(16)) {
        case 0: return operate(command_kind::cancel_step, below(4) == 0 ? step_state::pending : step_state::error);
        case 1: return operate(command_kind::reset_step, step_state::error);
        case 2: return operate(command_kind::resolve_step, below(2) == 0 ? step_state::pending : step_state::error);
        case 3:
        case 4: now_ += duration{1s} * static_cast<int>(below(6)); return;
        case 5: return make_one_durable();
        case 6:
        case 7:
        case 8:
        case 9: return end_attempt();
        default:
            if (auto const no = any([&](step_no one) { return plan_.is_ready(one); }))
                plan_.begin(*no, now_);
        }
    }

    void end_attempt()
    {
        auto const no = any_in(step_state::in_progress);
        if (!no)
            return;
        static constexpr failure_kind kinds[]{failure_kind::transient, failure_kind::timeout, failure_kind::permanent,
                                              failure_kind::retry_after, failure_kind::abandoned};
        attempt_outcome outcome = success();
        if (std::size_t const kind = below(12); kind < 5) {
            outcome = {attempt_outcome::kind::failed, {}, {kinds[kind], "it broke", "x"}, {}};
            if (kinds[kind] == failure_kind::retry_after)
                outcome.retry_delay = duration{1s} * static_cast<int>(below(20));
        } else if (kind == 5) {
            outcome.how = attempt_outcome::kind::cancelled;
        }
        bool const is_written_already = outcome.how == attempt_outcome::kind::completed && plan_.is_durable(*no) && below(2) == 0;
        auto const change = [&](step_record& record) { settle(record, shape_.step(*no).options.retry, std::move(outcome), now_, 0.5); };
        goes_on_ = is_written_already && plan_.goes_on_after(*no);
        if (is_written_already)
            plan_.complete(*no, now_, change);
        else
            write(*no, change);
    }

    void operate(command_kind kind, step_state from)
    {
        auto const no = any_in(from);
        if (!no)
            return;
        auto const effect = apply_command({kind, shape_.step(*no).name, payload{"1"}, ""}, task_state::in_progress, plan_);
        for (commanded_step const& one : effect.steps)
            write(one.step, [&](step_record& record) { apply_move(record, one.to, payload{"1"}, now_); });
    }

    template <class Change>
    void write(step_no no, Change change)
    {
        plan_.write(no, now_, change);
        undurable_.push_back(no);
    }

    void make_one_durable()
    {
        if (undurable_.empty())
            return;
        step_no const no = undurable_.front();
        undurable_.erase(undurable_.begin());
        plan_.made_durable(no, now_);
    }

    void make_all_durable()
    {
        while (!undurable_.empty())
            make_one_durable();
    }

    bool is_durable(step_no no) const { return std::find(undurable_.begin(), undurable_.end(), no) == undurable_.end(); }

    bool stands_on_durable(step_no no) const
    {
        auto const parents = shape_.parents(no);
        return is_durable(no) && std::all_of(parents.begin(), parents.end(), [&](step_no parent) { return is_durable(parent); });
    }

    std::optional<std::string> compare()
    {
        auto const records = plan_.records();
        decision const scan = decide(shape_, records, now_);
        plan_.take_ready([&](step_no no) { handed_out_[no] = true; });
        std::size_t ready = 0;
        for (step_no no = 0; no < shape_.size(); ++no) {
            bool const wanted = std::binary_search(scan.ready.begin(), scan.ready.end(), no) && stands_on_durable(no);
            if (plan_.is_ready(no) != wanted)
                return "step " + std::to_string(no) + (wanted ? " should be ready" : " should not be ready");
            handed_out_[no] = handed_out_[no] && wanted;
            if (wanted && !handed_out_[no])
                return "step " + std::to_string(no) + " became ready without being handed out";
            ready += wanted ? 1U : 0U;
        }
        bool const waits_for_commit = ready == 0 && !scan.ready.empty();
        execution_status const status = waits_for_commit ? execution_status::processing : scan.status;
        if (plan_.status() != status)
            return "the status is " + std::string{name(plan_.status())} + " and should be " + std::string{name(status)};
        auto const window = scan.earliest_due ? std::optional{std::pair{*scan.earliest_due, *scan.longest_due}} : std::nullopt;
        if (plan_.due_window() != window)
            return "the due window differs";
        auto const done = std::count_if(records.begin(), records.end(), [](auto const& one) { return satisfies_children(one.state); });
        if (plan_.done() != static_cast<std::size_t>(done))
            return "the number of steps that are done differs";
        return std::nullopt;
    }

    std::mt19937 random_;
    graph shape_;
    task_plan plan_;
    time_point now_ = noon;
    std::vector<step_no> undurable_; ///< writes to come, in order
    std::vector<bool> handed_out_;
    bool goes_on_ = false; ///< as the plan said before the present move
};

} // namespace

TEST_CASE("after every random move the plan says what the full scan says")
{
    for (std::uint32_t seed = 1; seed <= 2'000; ++seed)
        if (auto const difference = random_play{seed}.difference())
            FAIL("seed " << seed << ": " << *difference);
    SUCCEED("2,000 seeds");
}

TEST_CASE("a plan of a stored task goes on where its records say")
{
    graph const shape = steps::dummy();
    task_plan plan{shape, {{0, in_state(step_state::complete)}, {1, in_state(step_state::complete)}}, noon};
    CHECK(plan.done() == 2);
    CHECK(taken(plan) == numbers{2});
    CHECK(plan.status() == execution_status::has_ready_steps);
}

TEST_CASE("a step is handed out once")
{
    graph const shape = steps::dummy();
    task_plan plan{shape, {}, noon};
    CHECK(plan.has_fresh());
    CHECK(taken(plan) == numbers{0, 1});
    CHECK_FALSE(plan.has_fresh());
    CHECK(taken(plan).empty());
    CHECK(plan.is_ready(0));
}

TEST_CASE("a child starts only when its parent's outcome is durable")
{
    graph const shape = steps::graph_of({"parent", "child"}, {{"parent", "child"}});
    task_plan plan{shape, {}, noon};
    CHECK(taken(plan) == numbers{0});
    plan.begin(0, noon);
    CHECK(plan.running() == 1);
    complete(plan, 0);
    CHECK(plan.running() == 0);
    CHECK_FALSE(plan.is_ready(1));
    CHECK(plan.status() == execution_status::processing);
    plan.made_durable(0, noon);
    CHECK(taken(plan) == numbers{1});
}

TEST_CASE("a child waits for the last of its parents to be durable [C10]", "[C10]")
{
    graph const shape = steps::join();
    task_plan plan{shape, {}, noon};
    for (step_no const parent : {0U, 1U}) {
        plan.begin(parent, noon);
        complete(plan, parent);
    }
    plan.made_durable(1, noon);
    CHECK_FALSE(plan.is_ready(2));
    plan.made_durable(0, noon);
    CHECK(plan.is_ready(2));
}

TEST_CASE("a step that was written twice is durable after the second commit")
{
    graph const shape = steps::graph_of({"parent", "child"}, {{"parent", "child"}});
    task_plan plan{shape, {{0, steps::failed_for_good(3)}}, noon};
    plan.write(0, noon, [](step_record& record) { apply_move(record, step_state::pending, {}, noon); });
    plan.write(0, noon, [](step_record& record) { apply_move(record, step_state::resolved_manually, {}, noon); });
    plan.made_durable(0, noon);
    CHECK_FALSE(plan.is_ready(1));
    plan.made_durable(0, noon);
    CHECK(plan.is_ready(1));
}

TEST_CASE("a step in back-off becomes ready when its time has come, not before")
{
    graph const shape = steps::graph_of({"a", "b"}, {});
    task_plan plan{shape, {{0, failed(1, 3s)}, {1, failed(1, 5s)}}, noon};
    CHECK(plan.status() == execution_status::waiting_for_dependencies);
    CHECK(plan.due_window() == std::pair{noon + 3s, noon + 5s});
    plan.wake(noon + 3s - 1us);
    CHECK_FALSE(plan.has_fresh());
    plan.wake(noon + 3s);
    CHECK(taken(plan) == numbers{0});
    CHECK(plan.due_window() == std::pair{noon + 5s, noon + 5s});
}

TEST_CASE("a plan without steps is complete [E11]", "[E11]")
{
    graph const none;
    CHECK(task_plan(none, {}, noon).status() == execution_status::all_complete);
}

TEST_CASE("records of steps that the workflow does not have are left out")
{
    graph const shape = steps::single();
    task_plan const plan{shape, {{7, in_state(step_state::complete)}}, noon};
    CHECK(plan.records().size() == 1);
    CHECK(plan.done() == 0);
}
