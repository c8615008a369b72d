#pragma once

#include <tasker/runtime/announcement_receiver.hpp>
#include <tasker/runtime/command_router.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/family.hpp>
#include <tasker/runtime/inspection.hpp>
#include <tasker/runtime/lease_keeper.hpp>
#include <tasker/runtime/mail_carrier.hpp>
#include <tasker/runtime/make_view.hpp>
#include <tasker/runtime/outcome_waiters.hpp>
#include <tasker/runtime/step_executor.hpp>
#include <tasker/runtime/strand.hpp>
#include <tasker/runtime/task_finalizer.hpp>
#include <tasker/runtime/task_initializer.hpp>
#include <tasker/runtime/workflow_coordinator.hpp>
#include <tasker/runtime/workflow_registry.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

/// The engine behind `tasker::engine`: owns the pieces and drives them in one loop, the drain. Belongs to the strand,
/// but for its construction.
template <class Lazy>
class basic_engine_core : public std::enable_shared_from_this<engine_core> {
public:
    using drained = unique_function<void(std::exception_ptr)>;

    basic_engine_core(boost::asio::any_io_executor strand, any_store store, engine_options const& options, engine_environment around)
        : parts{std::move(strand), std::move(store), options, std::move(around), [this] { schedule(); },
                [this](journal_batch& batch, commit_result const& result) { committed(batch, result); }}
    {
        parts.start_now = [this](task_run& task, step_no step) { return executor.start_in_turn(task, step); };
        parts.start_child = [this](child_start what) { detail::start_child_of(*this, std::move(what)); };
        parts.store.migrate();
        leases.begin();
    }

    ~basic_engine_core()
    {
        for (auto const& [id, task] : parts.residents)
            step_executor::revoke_transactions(*task);
        parts.transactions->shut();
        parts.calls.join();
        for (auto const& [id, task] : parts.residents) // a task and its attempts hold each other
            for (auto const& one : std::exchange(task->attempts, {}))
                parts.waits.remove(*one);
    }

    /// Called once, right after construction.
    void serve()
    {
        std::shared_ptr<engine_parts> const alias{shared_from_this(), &parts};
        executor.serve(alias);
        leases.serve(alias);
        commands.serve(alias);
        post.serve(alias);
        waiters.serve(alias);
        receiver.serve(alias);
        parts.serve(alias);
    }

    void add(std::shared_ptr<registered_workflow> workflow)
    {
        registry.add(workflow);
        leases.add(workflow);
    }

    void submit(submission asked)
    {
        if (parts.draining)
            asked.done(std::make_exception_ptr(error{errc::engine_stopped, "the engine is draining and takes no new tasks"}), {});
        else
            initializer.submit(std::move(asked));
    }

    /// Stops starting steps; when the running ones have ended and all is recorded, gives the leases back.
    void drain_down(drained then)
    {
        if (is_drained_) {
            then(nullptr);
            return;
        }
        drain_waiters_.push_back(std::move(then));
        parts.draining = true;
        leases.stop_looking();
        schedule();
    }

    /// `then` when the engine is drained.
    void when_drained(drained then)
    {
        if (is_drained_)
            then(nullptr);
        else
            drain_waiters_.push_back(std::move(then));
    }

    /// Asks the store, off the strand when it blocks.
    template <class Ask, class Then>
    void query(Ask ask, Then then)
    {
        parts.calls.run(offload::lane::queries, weak_from_this(),
                        [ask = std::move(ask), store = &parts.store, now = parts.now()]() mutable { return ask(*store, now); },
                        std::move(then));
    }

    /// Shows a task as it is now: in memory when it is resident, otherwise as stored.
    void view(task_id id, unique_function<void(std::exception_ptr, std::optional<task_view>)> then)
    {
        if (auto const at = parts.residents.find(id); at != parts.residents.end()) {
            task_run const& task = *at->second;
            then(nullptr, detail::make_view(task.flow(), task.record, task.plan.records(), task_whereabouts::resident, parts.now()));
            return;
        }
        query([id](any_store& store, time_point) { return store.load(id); },
              [this, id, then = std::move(then)](std::exception_ptr problem, std::optional<std::optional<task_snapshot>> loaded) mutable {
                  if (!problem && !*loaded)
                      problem = std::make_exception_ptr(error{errc::unknown_task, "the store has no task " + to_text(id)});
                  auto const workflow = problem ? nullptr : registry.find((*loaded)->task.workflow);
                  if (!problem && !workflow)
                      problem = std::make_exception_ptr(error{errc::unknown_workflow, "task " + to_text(id) + " belongs to a workflow that "
                                                                                      "this engine does not know; add it first"});
                  if (problem)
                      then(problem, std::nullopt);
                  else
                      then(nullptr, detail::stored_view(workflow->flow, std::move(**loaded), parts.now()));
              });
    }

    /// Has the drain run soon, once.
    void schedule()
    {
        if (in_drain_ || std::exchange(scheduled_, true))
            return;
        own_strand_.post([weak = weak_from_this()] {
            if (auto const self = weak.lock())
                self->drain();
        });
    }

    engine_parts parts;
    step_executor executor{parts, [this](task_lease const& lost) { lose(lost); }};
    task_finalizer finalizer{parts};
    workflow_coordinator coordinator{parts, finalizer};
    workflow_registry registry;
    lease_keeper leases{parts, [this](auto const& workflow, claimed_task claimed) { take_over(workflow, std::move(claimed)); },
                        [this](task_id id, command asked, time_point heard_at) { commands.obey_request(id, std::move(asked), heard_at); },
                        [this](task_lease const& lost) { lose(lost); },
                        [this](task_id id, std::int64_t last) { post.heard(id, last); }};
    mail_carrier post{parts, leases};
    command_router commands{parts, leases};
    outcome_waiters waiters{parts, [this](workflow_id id) { return registry.find(id); }};
    announcement_receiver receiver{parts, leases, waiters};
    task_initializer initializer{parts, [this](auto const& workflow, task_snapshot snapshot) { coordinate(workflow, std::move(snapshot), arrival::submitted); },
                                 [this](time_point due) { leases.expect(due); }};

private:
    // What one drain may take before other handlers of the executor, and the commits, get their turn.
    static constexpr duration slice = std::chrono::milliseconds{1};
    static constexpr int most_turns = 1'000;
    static constexpr int turns_a_look = 16; ///< at the clock, besides those at the end of each body

    /// The one loop: due timers, tasks with news, ready steps, one commit; again while that made more to do.
    void drain()
    {
        scheduled_ = false;
        in_drain_ = true;
        parts.turn_time = parts.time->now();
        try {
            turn_around(*parts.turn_time + slice);
        } catch (...) { // out of memory or threads: the next drain goes on
            in_drain_ = false;
            parts.turn_time.reset();
            std::erase(parts.awake.tasks, nullptr);
            schedule();
            throw;
        }
        in_drain_ = false;
        parts.turn_time.reset();
        if (has_more())
            strand::yield(), schedule(); // others beneath have their turn
        else if (parts.draining)
            finish_draining();
    }

    void turn_around(time_point until)
    {
        parts.turn_until = until;
        parts.waits.fire(parts.now());
        int turns = 0;
        do {
            wake_tasks();
            start_steps(until);
            wake_tasks(); // of steps that ended in place: their tasks' last writes travel in the same commit
            initializer.resume();
            if (parts.draining)
                parts.records.hurry();
            parts.records.flush();
            if (++turns % turns_a_look == 0)
                parts.time_passed();
        } while (has_more() && turns < most_turns && parts.now() < until);
    }

    bool has_more() const { return !parts.awake.tasks.empty() || can_start() || initializer.can_resume() || parts.records.wants_flush(); }

    bool can_start() const
    {
        return !parts.draining && !parts.ready.empty() && parts.now() < parts.lease_until && parts.running_steps < parts.options.max_concurrent_steps &&
               !parts.records.is_full();
    }

    void wake_tasks()
    {
        for (std::size_t at = 0; at < parts.awake.tasks.size(); ++at) {
            auto const task = std::move(parts.awake.tasks[at]);
            workflow_coordinator::resume(*task);
        }
        parts.awake.tasks.clear();
    }

    void start_steps(time_point until)
    {
        for (int started = 0; can_start() && started < most_turns; ++started) {
            ready_step next = parts.ready.pop();
            if (!next.task)
                return;
            try {
                executor.start(next.task, next.step);
            } catch (...) {
                parts.ready.push(std::move(next.task), next.step);
                throw;
            }
            if (parts.now() >= until || commits_first())
                return;
        }
    }

    /// Whether the next step would be written past the journal if nothing of its task were in it.
    bool commits_first() const
    {
        if (!parts.store_is_immediate || !parts.records.wants_flush())
            return false;
        task_run const* const next = parts.ready.next_of();
        return next != nullptr && parts.records.holds(*next);
    }

    enum class arrival { submitted, parked, recovered };

    void coordinate(std::shared_ptr<registered_workflow> const& workflow, task_snapshot snapshot, arrival how)
    {
        if (auto const at = parts.residents.find(snapshot.task.id); at != parts.residents.end())
            let_go(at->second); // lost while this process slept, and won again: what it did in between does not count
        auto abandoned = abandoned_steps(snapshot);
        auto const task = std::make_shared<task_run>(workflow, std::move(snapshot), parts.time->now(), parts.awake);
        task->abandoned = std::move(abandoned);
        task->came_from_store = how != arrival::submitted;
        task->recovered = how == arrival::recovered;
        parts.residents.emplace(task->record.id, task);
        task->request_done = commands.take_answer(task->record.id);
        coordinator.start(task);
        schedule();
    }

    void take_over(std::shared_ptr<registered_workflow> const& workflow, claimed_task claimed)
    {
        task_id const id = claimed.snapshot.task.id;
        parts.events.publish(task_claimed{{id, std::string{workflow->flow.full_name()}, parts.now()}, claimed.recovered});
        coordinate(workflow, std::move(claimed.snapshot), claimed.recovered ? arrival::recovered : arrival::parked);
    }

    void committed(journal_batch& batch, commit_result const& result)
    {
        for (task_lease const& lost : result.lease_lost)
            lose(lost);
        for (auto& [task, one] : batch.events)
            if (!task->gone)
                parts.events.publish(std::move(one));
        if (!batch.events.empty())
            parts.time_passed();
        batch.answer_creations(result);
        post.sent(batch.rows.sent);
        time_point const at = parts.now();
        for (auto const& [task, step] : batch.outcomes)
            coordinator.hear(*task, step, at);
        for (durable_note& note : batch.notes)
            act_on(note);
        schedule();
    }

    void act_on(durable_note& note)
    {
        task_run& task = *note.task;
        switch (note.what) {
        case durable_note::kind::task_left: leave(note.task); break;
        case durable_note::kind::request_cleared:
            task.request_in_hand = false;
            task.request_cleared_at = parts.time->now();
            break;
        case durable_note::kind::call: note.then(task.gone ? lease_lost() : nullptr); break;
        }
    }

    /// The task's last write is durable.
    void leave(std::shared_ptr<task_run> const& task)
    {
        if (task->gone)
            return;
        forget(*task);
        task_id const id = task->record.id;
        if (is_finished(task->record.state))
            waiters.finished(id, [&] { return outcome_of_task(task->flow(), task->record, task->plan); });
        else {
            waiters.left(id, task->record.wake_at.value_or(parts.now()));
            leases.expect(task->record.wake_at.value_or(parts.now()));
        }
        for (pending_command& late : std::exchange(task->commands, {})) {
            if (late.origin == command_origin::here)
                commands.send(id, std::move(late.asked), std::move(late.done));
            else
                commands.look_again(id, std::move(late)); // it is still in the task's row
        }
        if (task->asked_late)
            leases.expect(parts.now());
        leases.room_made();
    }

    /// Nothing that was written under this epoch counts: another worker owns the task now.
    void lose(task_lease const& lost)
    {
        auto const at = parts.residents.find(lost.task);
        if (at != parts.residents.end() && at->second->record.epoch == lost.epoch)
            let_go(at->second);
    }

    void let_go(std::shared_ptr<task_run> task)
    {
        executor.abandon(*task);
        forget(*task);
        parts.events.publish(task_lease_lost{task->as_event(parts.now())});
        waiters.left(task->record.id, parts.now());
        for (pending_command& late : std::exchange(task->commands, {}))
            if (late.done)
                late.done(lease_lost());
        leases.room_made();
    }

    static std::exception_ptr lease_lost()
    {
        return std::make_exception_ptr(error{errc::lease_lost, "another worker took the task over; ask again"});
    }

    void forget(task_run& task)
    {
        task.gone = true;
        parts.waits.remove(task);
        parts.residents.erase(task.record.id);
        task.wake(); // its coordinator ends
    }

    void finish_draining()
    {
        if (is_drained_ || retiring_ || parts.running_steps > 0 || leases.is_claiming() || !parts.records.is_idle())
            return;
        retiring_ = true;
        for (auto const& [id, task] : std::exchange(parts.residents, {}))
            task->gone = true;
        parts.ready.clear();
        leases.retire([this] {
            is_drained_ = true;
            waiters.stop();
            receiver.stop();
            parts.small.stop();
            parts.events.publish(engine_drained{parts.now()});
            for (drained& then : std::exchange(drain_waiters_, {}))
                then(nullptr);
        });
    }

    strand const own_strand_{*parts.strand.target<strand>()};
    std::vector<drained> drain_waiters_;
    bool in_drain_ = false, scheduled_ = false;
    bool retiring_ = false, is_drained_ = false;
};

} // namespace tasker
