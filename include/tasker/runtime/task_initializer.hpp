#pragma once

#include <tasker/policy/identity.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/task_moves.hpp>

#include <algorithm>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace tasker {

/// A submission, with strings of its own.
struct submission {
    std::shared_ptr<registered_workflow> workflow;
    payload input;
    std::string identity_key; ///< empty: the task's own id
    tasker::on_duplicate on_duplicate = tasker::on_duplicate::reject;
    int priority = 0;
    duration delay = duration::zero();
    std::string initiator;
    std::string source_system;
    std::string reason;
    task_id parent{}; ///< hears of the task's end
    unique_function<void(std::exception_ptr, task_id)> done;
};

/// Makes tasks of submissions: one row each, and the lease with it while there is room in memory. Belongs to the strand.
template <class Lazy>
class basic_task_initializer {
public:
    using adopt = std::function<void(std::shared_ptr<registered_workflow> const&, task_snapshot)>;
    using announce = std::function<void(time_point due)>;

    /// `on_owned` gets each new task of this engine's, once it is durable; `on_stored` hears when another is due in the store.
    basic_task_initializer(engine_parts& parts, adopt on_owned, announce on_stored)
        : parts_{parts}, on_owned_{std::move(on_owned)}, on_stored_{std::move(on_stored)}
    {
    }

    /// Stores a new task; `asked.done` is called when it is durable. While the journal is full, submissions wait in turn.
    void submit(submission asked)
    {
        if (!queued_.empty() || parts_.records.is_full()) {
            queued_.push_back(std::move(asked));
            return;
        }
        create(std::move(asked));
    }

    /// Whether a submission waits that need wait no longer.
    bool can_resume() const { return !queued_.empty() && !parts_.records.is_full(); }

    /// Goes on with submissions that waited.
    void resume()
    {
        while (!queued_.empty() && !parts_.records.is_full()) {
            submission next = std::move(queued_.front());
            queued_.pop_front();
            create(std::move(next));
        }
    }

private:
    void create(submission&& asked)
    {
        time_point const at = parts_.now();
        task_record task;
        task.id = parts_.ids.next<task_id>(at);
        task.workflow = asked.workflow->id;
        task.input = std::move(asked.input);
        task.priority = asked.priority;
        task.identity_key = asked.identity_key.empty() ? to_text(task.id) : std::move(asked.identity_key);
        task.initiator = std::move(asked.initiator);
        task.source_system = std::move(asked.source_system);
        task.reason = std::move(asked.reason);
        task.parent = asked.parent;
        task.created_at = at;
        bool const owned = asked.delay <= duration::zero() && !parts_.draining && parts_.residents.size() + arriving_ < parts_.options.max_resident_tasks;
        if (owned) {
            ++arriving_;
            task.worker = parts_.worker;
            task.epoch = 1;
        } else if (asked.delay > duration::zero()) {
            task.wake_at = at + std::min(asked.delay, longest_wait);
        }
        parts_.records.create(std::move(task), [this, asked = std::move(asked)](task_id existing, task_record&& stored) mutable {
            created(std::move(stored), std::move(asked), existing);
        });
        parts_.schedule();
    }

    void created(task_record&& task, submission&& asked, task_id existing)
    {
        if (task.worker)
            --arriving_;
        if (existing && asked.on_duplicate == on_duplicate::reject) {
            asked.done(std::make_exception_ptr(error{errc::duplicate_task, "a task with the same identity exists already: " +
                                                                               to_text(existing) +
                                                                               "; submit with on_duplicate::join to get its handle"}),
                       existing);
            return;
        }
        task_id const id = existing ? existing : task.id;
        if (!existing)
            parts_.events.publish(task_submitted{{id, std::string{asked.workflow->flow.full_name()}, task.created_at}});
        if (!existing && task.worker)
            on_owned_(asked.workflow, {std::move(task), {}});
        else if (!existing)
            on_stored_(task.wake_at.value_or(task.created_at));
        asked.done(nullptr, id);
    }

    engine_parts& parts_;
    adopt on_owned_;
    announce on_stored_;
    std::deque<submission> queued_;
    std::size_t arriving_ = 0; ///< owned, and on their way to the store
};
using task_initializer = basic_task_initializer<void>;

} // namespace tasker
