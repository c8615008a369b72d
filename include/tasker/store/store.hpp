#pragma once

#include <tasker/base/config.hpp>
#include <tasker/model/records.hpp>
#include <tasker/model/workflow_key.hpp>

#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tasker {

/// The new values of a task's own row. Applied only while (id, epoch) still names the owner.
struct task_write {
    task_id id;                             ///< whose row it is
    std::int64_t epoch = 0;                 ///< that the writer holds
    task_state state = task_state::pending; ///< see `task_transitions`
    std::string status_reason;              ///< why it is in that state
    std::optional<time_point> started_at;   ///< nothing: not yet
    std::optional<time_point> finished_at;  ///< nothing: it is live
    std::optional<time_point> wake_at;      ///< of a task that is released: claimable from then on; nothing: at once
    int recoveries = 0;                     ///< claims from dead workers since the last progress
    bool release = false;                   ///< give the lease up
    bool taken_over = false;                ///< the worker took the task from the store: whoever waits for its end is elsewhere
    bool clear_request = false;             ///< the pending command was carried out or refused
    std::int64_t mail_seen = 0;             ///< the last message known to the writer; a later one makes a live task that is released claimable at once
    std::optional<payload> renewed_input{}; ///< the task starts anew with this input: every row of a step written before this batch is dropped
};

/// The new values of a step's row. Applied only while (task, epoch) still names the owner.
struct step_write {
    task_id task;           ///< whose step it is
    std::int64_t epoch = 0; ///< that the writer holds
    step_no step = 0;       ///< its place in the workflow
    step_record record;     ///< all of it, not only what changed
};

/// A message was taken: it is told no more. Applied only while (task, epoch) still names the owner.
struct message_take {
    task_id task;              ///< whose message it is
    std::int64_t epoch = 0;    ///< that the writer holds
    std::int64_t sequence = 0; ///< of the message
};

/// A message from a task. Stored, as by `send`, only while (from, epoch) still names the owner; dropped when it cannot be.
struct message_write {
    task_id from;           ///< whose owner sends it
    std::int64_t epoch = 0; ///< that the writer holds
    message what;           ///< its `sequence` is ignored
};

/// What one flush of a journal writes, as one transaction. At most one task_write a (task, epoch) and one step_write
/// a step of it.
struct commit_batch {
    worker_id worker;                            ///< whose leases the rows are written under
    std::int64_t number = 0;                     ///< grows with each batch of the worker; 0: may be committed twice, and the second counts as well
    std::vector<task_record> created;            ///< new tasks, with their whole rows
    std::vector<task_write> tasks;               ///< new values of tasks' rows
    std::vector<step_write> steps;               ///< new values of steps' rows
    std::vector<transition_record> transitions;  ///< in order; `sequence` is ignored and given by the store
    std::vector<std::int64_t> transition_epochs; ///< parallel to transitions: the epoch it was written under
    std::vector<message_take> taken{};           ///< messages that were taken
    std::vector<message_write> sent{};           ///< messages to tasks, in order

    /// Whether there is nothing to write.
    bool empty() const noexcept;
    /// Drops all rows and keeps their memory; worker and number stay.
    void clear();
};

/// A creation refused because `existing` has the same identity key. Nothing of it, its transitions included, is stored.
struct duplicate {
    task_id refused;  ///< the id of the creation
    task_id existing; ///< the id of the task that has the key
};

/// A worker's right to a task: it ends when another owns the task, or the same worker under a later epoch.
struct task_lease {
    task_id task;           ///< that is held
    std::int64_t epoch = 0; ///< under which it is held

    friend auto operator<=>(task_lease const&, task_lease const&) = default;
};

/// What a commit did not write, and why.
struct commit_result {
    std::vector<task_lease> lease_lost; ///< each once; none of its rows was written
    std::vector<duplicate> duplicates;  ///< creations refused
    bool was_committed = false;         ///< an earlier try of this batch had arrived: nothing is written now, nor told of it here
};

/// Which tasks a worker wants. Only unowned tasks that are due, tasks of dead workers (lease over, or known to be gone;
/// finished or not) and unowned tasks with a request are given out, best priority first, then oldest.
struct claim_request {
    worker_id worker;                       ///< who asks
    time_point now{};                       ///< by the clock that all workers agree on
    std::size_t limit = 0;                  ///< tasks at most; does not count when `task` is given
    std::span<workflow_id const> workflows; ///< those the worker can run
    std::optional<task_id> task{};          ///< this one alone, due or not (a live owner still keeps it)
    bool reclaim = false;                   ///< `task` also from the worker itself, to which the answer of a claim got lost
};

/// A task now owned by the claimer: its epoch is already the new one.
struct claimed_task {
    task_snapshot snapshot; ///< with all that is needed to run it
    bool recovered = false; ///< taken from a dead worker
};

/// A worker says that it lives.
struct heartbeat_request {
    worker_id worker;                        ///< who says so
    time_point now{};                        ///< by the clock that all workers agree on
    duration lease = duration::zero();       ///< extends the worker's lease to `now + lease`; zero retires it and frees its tasks at once
    std::optional<std::int64_t> takeovers{}; ///< what the last heartbeat said; nothing: unknown
};

/// What a worker learns when it says that it lives.
struct heartbeat_result {
    std::optional<time_point> store_now;              ///< the store's clock, when it has one of its own
    std::vector<std::pair<task_id, command>> requests; ///< pending commands for tasks this worker owns
    std::vector<std::pair<task_id, std::int64_t>> mail{}; ///< tasks this worker owns that have messages not taken, each with the last one's sequence
    std::int64_t takeovers = 0;                        ///< how often tasks were taken from this worker, as from a dead one
    std::optional<std::vector<task_lease>> holdings;   ///< all that the worker owns, in order; told unless it knew `takeovers`
};

/// What became of a request for a task.
enum class request_answer {
    stored,  ///< the task's owner, or whoever claims it next, will carry it out
    pending, ///< an earlier request of the task is still to be carried out: this one was not stored
    unknown, ///< there is no such task
};

/// What became of a message.
enum class send_answer {
    stored,  ///< the task's owner hears of it; a task that waits in the store is claimable at once
    known,   ///< an earlier message of the task has the same key: this one was not stored
    over,    ///< the task is complete, cancelled or resolved: it takes none any more
    unknown, ///< there is no such task
};

/// Which tasks to list. Trivially destructible, so that it may be written inside a co_await expression.
struct task_filter {
    std::optional<std::string_view> name_space{};   ///< of the workflow
    std::optional<std::string_view> name{};         ///< of the workflow
    std::optional<std::string_view> version{};      ///< of the workflow
    std::optional<task_state> state{};              ///< the task's own
    std::optional<std::string_view> identity_key{}; ///< as it was submitted
};
static_assert(std::is_trivially_destructible_v<task_filter>);

/// Pages run from newest to oldest: ask again with `before` = the last id seen.
struct page {
    std::optional<task_id> before{}; ///< only older tasks than this one; nothing: from the newest on
    std::size_t limit = 100;         ///< at most 1,000; more is cut to that
};
/// What `page::limit` is cut to.
inline constexpr std::size_t page_limit_cap = 1000;

/// What there is in a store, and what came and went in a window.
struct store_statistics {
    std::map<task_state, std::size_t> tasks; ///< how many are in each state
    std::map<step_state, std::size_t> steps; ///< a step without a row counts as pending
    std::size_t retryable_errors = 0;        ///< failed steps with attempts left
    std::size_t exhausted_errors = 0;        ///< failed steps without
    std::size_t in_backoff = 0;              ///< retryable, and not due yet
    std::size_t created_since = 0;           ///< tasks created in the window
    std::size_t finished_since = 0;          ///< tasks finished in the window
};

/// The contract every store keeps. Each operation is one transaction; it either happens whole or throws
/// `error{store_unavailable}` and changes nothing. Thread safety: operations may be called from any thread.
/// SQL stores block; the engine calls them through its offload alone.
template <class Store>
concept store = requires(Store& s, Store const& c, commit_batch const& batch, claim_request const& claim, task_id task,
                         heartbeat_request const& beat, worker_id worker, time_point now, workflow_key const& key, graph const& shape,
                         std::span<workflow_id const> workflows, command const& request, task_filter const& filter,
                         page const& page, std::size_t limit, message const& told, std::int64_t after) {
    /// Whether calls may block the thread.
    { c.blocks() } -> std::convertible_to<bool>;
    /// Creates or upgrades the tables; throws `error{schema_mismatch}` when they are newer than this library.
    s.migrate();
    /// The number of this workflow version. Throws `error{shape_conflict}` when it is known with another shape.
    { s.register_workflow(key, shape) } -> std::same_as<workflow_id>;
    /// Writes a batch, unless its number says that it was written before.
    { s.commit(batch) } -> std::same_as<commit_result>;
    /// Makes the worker the owner of the tasks it gives out, each under a new epoch.
    { s.claim(claim) } -> std::same_as<std::vector<claimed_task>>;
    /// The task with all its steps that have rows; nothing when there is no such task.
    { s.load(task) } -> std::same_as<std::optional<task_snapshot>>;
    /// Extends the worker's lease, or retires it.
    { s.heartbeat(beat) } -> std::same_as<heartbeat_result>;
    /// Leaves a command for the task's owner, or for whoever claims it next; never in the place of an earlier one.
    { s.request(task, request) } -> std::same_as<request_answer>;
    /// Stores a message for a task. A live task that nobody owns and that has started is claimable at once from then on.
    { s.send(told) } -> std::same_as<send_answer>;
    /// The messages of a task that were not taken, from the one after `after` on, in order.
    { s.mail(task, after) } -> std::same_as<std::vector<message>>;
    /// When the next unowned task of these workflows is due, or the next foreign lease runs out; the past means now.
    { s.next_due(worker, now, workflows) } -> std::same_as<std::optional<time_point>>;
    /// The tasks that match, newest first.
    { s.find(filter, page) } -> std::same_as<std::vector<task_record>>;
    /// The audit trail of a task, in order.
    { s.history(task) } -> std::same_as<std::vector<transition_record>>;
    /// Counts over the whole store, and of the window that began at `since`.
    { s.statistics(now, now) } -> std::same_as<store_statistics>; // (now, since)
    /// Deletes at most `limit` unowned tasks finished before `now`, with their steps and history; returns how many.
    { s.purge(now, limit) } -> std::same_as<std::size_t>;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/store/store.ipp>
#endif
