#pragma once

#include <tasker/plan/decide.hpp>
#include <tasker/plan/settle.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace tasker {

/// The incremental twin of `decide`: the steps of one live task, with counters instead of scans, so that completing a
/// step costs its out-degree. It also knows which records are durable: a step starts only when its parents' outcomes
/// and its own last record are.
class task_plan {
public:
    /// Whether steps may start from the beginning on, or each once it is released.
    enum class starting { at_will, when_released };

    /// Every record given counts as durable. `shape` must outlive the plan.
    task_plan(graph const& shape, std::vector<std::pair<step_no, step_record>> records, time_point now, starting when = starting::at_will)
        : shape_{&shape}, slots_(shape.size())
    {
        for (slot& one : slots_)
            one.held = when == starting::when_released;
        for (auto& [no, record] : records)
            if (no < slots_.size())
                slots_[no].record = std::move(record);
        for (step_no no = 0; no < slots_.size(); ++no) {
            slots_[no].missing_settled = slots_[no].missing_durable = count_missing(no);
            slots_[no].released = satisfies_children(slots_[no].record.state);
            done_ += slots_[no].released ? 1U : 0U;
        }
        for (step_no no = 0; no < slots_.size(); ++no)
            settle_in(no, now);
    }

    graph const& shape() const noexcept { return *shape_; }
    step_record const& record(step_no no) const { return slots_[no].record; }
    std::size_t running() const noexcept { return running_; }
    std::size_t done() const noexcept { return done_; }
    /// Whether the step may start this instant.
    bool is_ready(step_no no) const { return slots_[no].where == place::ready; }

    /// Calls `take(step)` for each step that became ready since the last call; the caller now has them in its queue.
    template <class Take>
    void take_ready(Take take)
    {
        for (step_no const no : fresh_)
            take(no);
        fresh_.clear();
    }
    bool has_fresh() const noexcept { return !fresh_.empty(); }

    /// The graph has grown by a step without edges, which starts when it is released.
    void append() { slots_.emplace_back().held = true; }

    /// A step may start from here on.
    void release(step_no no, time_point now)
    {
        slots_[no].held = false;
        settle_in(no, now);
    }

    /// The same for a step that the caller begins at once, without queueing it.
    void admit(step_no no) { slots_[no].held = false; }
    /// It did not begin after all.
    void withhold(step_no no) { slots_[no].held = true; }

    /// Changes the record of a step that is not released; it is the caller's to have it written.
    template <class Change>
    void revise(step_no no, Change change)
    {
        change(slots_[no].record);
    }

    /// Whether what was last written of the step is committed.
    bool is_durable(step_no no) const { return slots_[no].undurable == 0; }

    /// A ready step's next attempt starts. Nobody waits for this write: it rides with the next commit.
    void begin(step_no no, time_point now)
    {
        slot& started = slots_[no];
        begin_attempt(started.record, now);
        if (started.where != place::ready) {
            settle_in(no, now);
            return;
        }
        started.where = place::running;
        --ready_;
        ++running_;
    }

    /// Changes a step's record by `change(record)`, which is to be journaled: it is not durable until `made_durable`.
    template <class Change>
    void write(step_no no, time_point now, Change change)
    {
        slot& changed = slots_[no];
        bool const satisfied = satisfies_children(changed.record.state);
        change(changed.record);
        ++changed.undurable;
        if (!satisfied && satisfies_children(changed.record.state)) {
            ++done_;
            for (step_no const child : shape_->children(no))
                if (--slots_[child].missing_settled == 0)
                    settle_in(child, now);
        }
        settle_in(no, now);
    }

    /// One write of `no` was committed.
    void made_durable(step_no no, time_point now)
    {
        slot& committed = slots_[no];
        if (--committed.undurable != 0)
            return;
        if (satisfies_children(committed.record.state) && !committed.released) {
            committed.released = true;
            for (step_no const child : shape_->children(no))
                if (--slots_[child].missing_durable == 0)
                    settle_in(child, now);
        } else {
            settle_in(no, now);
        }
    }

    /// Whether the task certainly goes on when the running step `no` is complete, and nothing else happens.
    bool goes_on_after(step_no no) const
    {
        if (ready_ > 0 || upcoming_ > 0 || running_ > 1)
            return true;
        auto const children = shape_->children(no);
        return std::any_of(children.begin(), children.end(), [this](step_no child) {
            return slots_[child].missing_settled == 1 && !slots_[child].held && slots_[child].record.state == step_state::pending;
        });
    }

    /// `write` and `made_durable` in one, for a running step that `change` completes and whose record is durable already.
    template <class Change>
    void complete(step_no no, time_point now, Change change)
    {
        slot& ended = slots_[no];
        change(ended.record);
        ended.released = true;
        ended.where = place::none;
        --running_;
        ++done_;
        for (step_no const child : shape_->children(no)) {
            --slots_[child].missing_settled;
            --slots_[child].missing_durable;
            if (slots_[child].missing_settled == 0)
                settle_in(child, now);
        }
    }

    /// Moves the steps whose back-off is over to the ready ones, in the order in which they were due.
    void wake(time_point now)
    {
        if (waiting_.empty())
            return;
        std::vector<std::tuple<time_point, std::size_t, step_no>> woken; // settling takes them from waiting_
        for (std::size_t at = 0; at < waiting_.size(); ++at)
            if (due_of(waiting_[at]) <= now)
                woken.emplace_back(due_of(waiting_[at]), at, waiting_[at]);
        std::sort(woken.begin(), woken.end());
        for (auto const& [due, at, no] : woken)
            settle_in(no, now);
    }

    /// What `decide` would say; `processing` also while a commit is awaited that will make steps ready.
    execution_status status() const
    {
        using enum execution_status;
        if (ready_ > 0)
            return has_ready_steps;
        if (running_ > 0 || upcoming_ > 0)
            return processing;
        if (!waiting_.empty())
            return waiting_for_dependencies;
        return done_ == slots_.size() ? all_complete : blocked_by_failures;
    }

    /// The first and last due time of the steps in back-off, or nothing when there are none.
    std::optional<std::pair<time_point, time_point>> due_window() const
    {
        if (waiting_.empty())
            return std::nullopt;
        auto const [first, last] = std::minmax_element(waiting_.begin(), waiting_.end(),
                                                       [&](step_no a, step_no b) { return due_of(a) < due_of(b); });
        return std::pair{due_of(*first), due_of(*last)};
    }

    std::vector<step_record> records() const
    {
        std::vector<step_record> all;
        all.reserve(slots_.size());
        for (slot const& one : slots_)
            all.push_back(one.record);
        return all;
    }

private:
    enum class place : std::uint8_t {
        none,     ///< done, blocked, exhausted, or waits for parents
        upcoming, ///< will be ready as soon as what it stands on is durable
        waiting,  ///< in back-off
        ready,
        running,
    };

    struct slot {
        step_record record;
        std::uint32_t missing_settled = 0; ///< parents without a satisfying record
        std::uint32_t missing_durable = 0; ///< parents without a committed one
        std::uint32_t undurable = 0;       ///< writes of this step still to be committed
        place where = place::none;
        bool released = false;             ///< its children were told
        bool held = false;                 ///< must not start yet
    };

    std::uint32_t count_missing(step_no no) const
    {
        std::uint32_t missing = 0;
        for (step_no const parent : shape_->parents(no))
            missing += satisfies_children(slots_[parent].record.state) ? 0U : 1U;
        return missing;
    }

    time_point due_of(step_no no) const { return slots_[no].record.next_retry_at.value_or(time_point::min()); }

    place find_place(step_no no, time_point now) const
    {
        slot const& at = slots_[no];
        if (at.record.state == step_state::in_progress)
            return place::running;
        if (at.held || at.missing_settled != 0 || !may_start(at.record, shape_->step(no).options.retry))
            return place::none;
        if (due_of(no) > now)
            return place::waiting;
        return at.undurable == 0 && at.missing_durable == 0 ? place::ready : place::upcoming;
    }

    void settle_in(step_no no, time_point now)
    {
        slot& at = slots_[no];
        place const next = find_place(no, now);
        if (next == at.where)
            return;
        switch (at.where) {
        case place::upcoming: --upcoming_; break;
        case place::ready: --ready_; break;
        case place::running: --running_; break;
        case place::waiting: waiting_.erase(std::find(waiting_.begin(), waiting_.end(), no)); break;
        case place::none: break;
        }
        at.where = next;
        switch (next) {
        case place::upcoming: ++upcoming_; break;
        case place::ready: ++ready_, fresh_.push_back(no); break;
        case place::running: ++running_; break;
        case place::waiting: waiting_.push_back(no); break;
        case place::none: break;
        }
    }

    graph const* shape_;
    std::vector<slot> slots_;
    std::vector<step_no> waiting_;
    std::vector<step_no> fresh_;
    std::size_t ready_ = 0;
    std::size_t upcoming_ = 0;
    std::size_t running_ = 0;
    std::size_t done_ = 0;
};

} // namespace tasker
