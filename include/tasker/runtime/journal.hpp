#pragma once

#include <tasker/event/event_bus.hpp>
#include <tasker/runtime/in_doubt.hpp>
#include <tasker/runtime/journal_batch.hpp>
#include <tasker/runtime/offload.hpp>
#include <tasker/runtime/parker.hpp>
#include <tasker/runtime/small_commits.hpp>
#include <tasker/runtime/task_run.hpp>
#include <tasker/store/any_store.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

/// The one writer of an engine. Gathers the records of all tasks; a flush commits what was gathered as one transaction
/// while the next batch gathers. A failed commit is tried again, the same batch, until it succeeds or turns out to have
/// arrived before: nothing is told, lost or written twice meanwhile. Belongs to the strand.
template <class Lazy>
class basic_journal {
public:
    struct parts {
        any_store& store;
        offload& calls;
        small_commits& small;
        parker& waits;
        clock& time;
        event_bus& events;
        worker_id worker;
        std::size_t max_records;
        std::size_t max_bytes;
        duration record_start_within;
    };
    using committed = std::function<void(journal_batch&, commit_result const&)>;

    basic_journal(parts given, committed on_committed) : parts_{given}, on_committed_{std::move(on_committed)} {}

    /// Commits that come back after `owner` is gone are dropped.
    void serve(std::weak_ptr<void> owner) { owner_ = std::move(owner); }

    /// Whether submitters and ready steps must wait for a commit.
    bool is_full() const noexcept
    {
        return gathering_->records >= parts_.max_records || gathering_->bytes >= parts_.max_bytes;
    }
    /// Whether somebody waits for a commit that could begin now.
    bool wants_flush() const noexcept { return !in_flight_ && is_awaited() && !gathering_->empty(); }
    /// Whether something of the task waits for its commit: what comes after it must not be stored before.
    bool holds(task_run const& task) const noexcept { return in_flight_ || task.involved_in == flush_ || task.journaled_in == flush_; }
    bool is_idle() const noexcept { return !in_flight_ && gathering_->empty(); }

    /// Whether the task's creation is not answered yet.
    bool is_creating(task_id task) const
    {
        auto const is_it = [task](auto const& creation) { return creation.first == task; };
        return std::any_of(gathering_->creations.begin(), gathering_->creations.end(), is_it) ||
               std::any_of(flying_->creations.begin(), flying_->creations.end(), is_it);
    }

    void create(task_record record, creation_answer answer)
    {
        gathering_->bytes += record.input.text().size();
        gathering_->rows.transitions.push_back({record.id, {}, {}, record.state, record.created_at, 0, {}, 0});
        gathering_->rows.transition_epochs.push_back(record.epoch);
        ++gathering_->records;
        gathering_->creations.emplace_back(record.id, std::move(answer));
        gathering_->rows.created.push_back(std::move(record));
        gathering_->urgent = true;
    }

    /// Records the present state of the task's own row.
    void write_task(task_run& task, row_extra extra = row_extra::none)
    {
        auto& rows = gathering_->rows.tasks;
        if (task.journaled_in != flush_ || task.journaled_at >= rows.size()) {
            task.journaled_in = flush_;
            task.journaled_at = rows.size();
            ++gathering_->records;
            rows.emplace_back();
        }
        task_write& row = rows[task.journaled_at];
        row.id = task.record.id;
        row.epoch = task.record.epoch;
        row.state = task.record.state;
        row.status_reason = task.record.status_reason;
        row.started_at = task.record.started_at;
        row.finished_at = task.record.finished_at;
        row.wake_at = task.record.wake_at;
        row.recoveries = task.record.recoveries;
        row.taken_over = task.came_from_store;
        row.mail_seen = task.record.mail;
        row.release = row.release || extra == row_extra::release_lease;
        row.clear_request = row.clear_request || extra == row_extra::clear_request;
    }

    /// The task is to start anew: what is on its way of its steps does not count.
    void renew(task_run& task, payload input)
    {
        write_task(task);
        gathering_->rows.tasks[task.journaled_at].renewed_input = std::move(input);
        std::erase_if(gathering_->steps, [&](auto const& written) {
            if (written.first == &task)
                gathering_->rows.steps.push_back({task.record.id, task.record.epoch, written.second, {}});
            return written.first == &task;
        });
    }

    /// Has the state that a step is in when the batch is closed recorded. A start alone does not hurry: it rides with the
    /// next commit.
    void write_step(task_run& task, step_no step)
    {
        if (task.step_journaled.size() <= step)
            task.step_journaled.resize(task.plan.shape().size(), 0);
        if (task.step_journaled[step] != flush_) {
            involve(task);
            gathering_->steps.emplace_back(&task, step);
            ++gathering_->records;
            task.step_journaled[step] = flush_;
        }
        gathering_->bytes += task.plan.record(step).result.text().size() + 64;
    }

    /// A message of the task was taken.
    void take(task_run const& task, std::int64_t sequence)
    {
        gathering_->rows.taken.push_back({task.record.id, task.record.epoch, sequence});
    }

    /// The task sends a message.
    void send(task_run const& task, message what)
    {
        gathering_->bytes += what.body.text().size() + 64;
        gathering_->rows.sent.push_back({task.record.id, task.record.epoch, std::move(what)});
    }

    /// The same as `write_step` for the outcome of an attempt or of a command: when it is durable, the plan is told.
    void write_outcome(task_run& task, step_no step)
    {
        write_step(task, step);
        gathering_->outcomes.emplace_back(&task, step);
        gathering_->urgent = true;
    }

    /// A line of the audit trail, of the task itself when there is no step.
    void write_transition(task_run const& task, std::optional<step_no> step, state_name from, state_name to, time_point at, int attempt_no,
                          std::string_view detail)
    {
        transition_record& row = gathering_->rows.transitions.emplace_back();
        row.task = task.record.id;
        row.step = step;
        row.from = from;
        row.to = to;
        row.at = at;
        row.attempt = attempt_no;
        if (!detail.empty())
            row.detail = detail;
        gathering_->rows.transition_epochs.push_back(task.record.epoch);
    }

    /// To be done when the present batch is durable; somebody waits for it.
    void note(durable_note what)
    {
        gathering_->notes.push_back(std::move(what));
        gathering_->urgent = true;
    }

    /// Calls `then` as a note does, when what was last written of the step is durable: at once when it is.
    void when_durable(task_run& task, step_no step, unique_function<void(std::exception_ptr)> then)
    {
        std::uint64_t const written = task.step_journaled.at(step);
        durable_note asked{durable_note::kind::call, task.shared_from_this(), std::move(then)};
        if (written == flush_)
            note(std::move(asked));
        else if (in_flight_ && written + 1 == flush_)
            flying_->notes.push_back(std::move(asked)); // the call that commits the batch looks at its rows alone
        else
            asked.then(nullptr);
    }

    /// The same, when all that was written so far is durable: at once when it is.
    void when_all_durable(task_run& task, unique_function<void(std::exception_ptr)> then)
    {
        durable_note asked{durable_note::kind::call, task.shared_from_this(), std::move(then)};
        if (!gathering_->empty())
            note(std::move(asked));
        else if (in_flight_)
            flying_->notes.push_back(std::move(asked));
        else
            asked.then(nullptr);
    }

    /// To be published when the present batch is durable. `make` is called only when somebody listens.
    template <class Event, class Make>
    void tell(task_run& task, Make make)
    {
        if (parts_.events.template wants<Event>())
            gathering_->events.emplace_back(task.shared_from_this(), event{Event{make()}});
    }

    void hurry() { gathering_->urgent = true; }

    /// Commits what was gathered, unless a commit is under way or nobody waits for it.
    void flush()
    {
        if (in_flight_ || gathering_->empty())
            return;
        if (!is_awaited()) {
            if (!lazy_.is_parked())
                parts_.waits.park(lazy_, parts_.time.now() + parts_.record_start_within);
            return;
        }
        parts_.waits.remove(lazy_);
        gathering_->make_rows();
        std::swap(gathering_, flying_);
        ++flush_;
        flying_->rows.number = static_cast<std::int64_t>(flush_);
        in_flight_ = true;
        commit();
    }

private:
    /// Starts alone are in no hurry, until there are so many of them that others wait for room.
    bool is_awaited() const noexcept { return gathering_->urgent || is_full(); }

    void commit()
    {
        flying_->rows.worker = parts_.worker;
        if (parts_.calls.is_in_place()) {
            commit_in_place();
            return;
        }
        bool const is_small = failures_ == 0 && parts_.small.begin(flying_->rows, [this](std::optional<commit_result> const& result) {
            result ? succeeded(*result) : call_store();
        });
        if (!is_small)
            call_store();
    }

    void call_store()
    {
        parts_.calls.run(
            offload::lane::journal, owner_, [store = &parts_.store, batch = flying_] { return write(*store, batch->rows); },
            [this](std::exception_ptr problem, std::optional<commit_result> result) {
                problem ? failed(problem) : succeeded(*result);
            });
    }

    void commit_in_place()
    {
        std::optional<commit_result> result;
        try {
            result.emplace(write(parts_.store, flying_->rows));
        } catch (std::exception const&) {
            failed(std::current_exception());
            return;
        }
        succeeded(*result);
    }

    static commit_result write(any_store& store, commit_batch const& rows)
    {
        auto result = store.commit(rows);
        return result.was_committed ? read_back(store, rows) : result;
    }

    void succeeded(commit_result const& result)
    {
        if (failures_ > 0)
            parts_.events.publish(store_recovered{parts_.time.now()});
        failures_ = 0;
        in_flight_ = false;
        on_committed_(*flying_, result);
        flying_->clear();
    }

    /// Keeps a task alive until the present batch is committed.
    void involve(task_run& task)
    {
        if (task.involved_in == flush_)
            return;
        gathering_->tasks.push_back(task.shared_from_this());
        task.involved_in = flush_;
    }

    void failed(std::exception_ptr const& problem)
    {
        ++failures_;
        try {
            std::rethrow_exception(problem);
        } catch (std::exception const& thrown) {
            parts_.events.publish(store_failing{thrown.what(), failures_, parts_.time.now()});
        }
        auto const pause = duration{std::chrono::milliseconds{100}} * (1 << std::min(failures_ - 1, 6));
        parts_.waits.park(again_, parts_.time.now() + pause);
    }

    struct lazy_node final : wait_node {
        explicit lazy_node(basic_journal& of) : owner{of} {}
        void on_due() override
        {
            owner.hurry();
            owner.flush();
        }
        basic_journal& owner;
    };
    struct again_node final : wait_node {
        explicit again_node(basic_journal& of) : owner{of} {}
        void on_due() override { owner.commit(); }
        basic_journal& owner;
    };

    parts parts_;
    std::weak_ptr<void> owner_;
    committed on_committed_;
    std::shared_ptr<journal_batch> gathering_ = std::make_shared<journal_batch>();
    std::shared_ptr<journal_batch> flying_ = std::make_shared<journal_batch>(); ///< shared with the call that commits it
    std::uint64_t flush_ = 1;
    int failures_ = 0;
    bool in_flight_ = false;
    lazy_node lazy_{*this};
    again_node again_{*this};
};
using journal = basic_journal<void>;

} // namespace tasker
