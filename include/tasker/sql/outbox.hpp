#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/uuid_generator.hpp>
#include <tasker/engine_options.hpp>
#include <tasker/flow/accepted_input.hpp>
#include <tasker/flow/workflow.hpp>
#include <tasker/plan/settle.hpp>
#include <tasker/policy/identity.hpp>
#include <tasker/store/sql/task_insertion.hpp>

#include <soci/session.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace tasker {

/// Submits tasks through a session of the user's own: a task exists exactly when what else the user's transaction wrote
/// does. Needs no engine in this process; one that knows the workflow must have run on the database before.
///
/// On PostgreSQL workers hear of the task when the transaction is committed. On SQLite an engine finds it at its next look:
/// call `engine::look` after the commit if there is one in this process; others look when something else is due, at the
/// latest after their `safety_poll`. A transaction on SQLite that reads before it submits should begin with
/// `begin immediate`, or it may be refused because others wrote meanwhile.
/// Thread safety: none; use one a thread.
class outbox {
public:
    /// For a store with default options: in the schema `tasker` of PostgreSQL, or in the session's own SQLite file.
    outbox() = default;
    /// For a store with `postgres_options{.schema = schema}`, or in an SQLite file that the session has attached under this
    /// name. Empty: the tables that the session finds by itself.
    explicit outbox(std::string schema) : schema_{std::move(schema)} {}

    /// Stores a task of `flow`, to be claimed by any worker when `within` is committed and `options.delay` is over, and
    /// returns its id. Identity counts as in `engine::submit`, against stored tasks: with `on_duplicate::join` the id is that
    /// of the task that exists.
    /// Throws `error{unknown_workflow}` when the database does not know the workflow's version, `error{invalid_input}`,
    /// `error{duplicate_task}`, `error{invalid_options}` for `identity::custom`; what the database refuses arrives as
    /// `soci::soci_error`, and as ever it is the user's to roll back.
    template <class Input>
    task_id submit(soci::session& within, workflow const& flow, Input const& input, submit_options const& options = {})
    {
        return submit_payload(within, flow, codec<stored_type<Input>>::encode(input), options);
    }

    /// The same for a workflow that takes no input.
    task_id submit(soci::session& within, workflow const& flow, submit_options const& options = {})
    {
        return submit_payload(within, flow, payload{}, options);
    }

    /// The same with an input that is JSON text already.
    task_id submit_json(soci::session& within, workflow const& flow, std::string_view json, submit_options const& options = {})
    {
        return submit_payload(within, flow, payload{std::string{json}}, options);
    }

private:
    task_id submit_payload(soci::session& within, workflow const& flow, payload const& input, submit_options const& options)
    {
        sql::task_insertion const tasks{within, schema_};
        tasks.begin_writing();
        task_record task = make_task(flow, detail::accept_input(flow, input), options, tasks.now());
        auto const known = tasks.find_workflow(flow.key());
        if (!known)
            throw error{errc::unknown_workflow, "the database does not know workflow " + std::string{flow.full_name()} +
                                                    "; have an engine add it once, before tasks of it are submitted here"};
        task.workflow = *known;
        auto const existing = tasks.insert(task);
        if (existing && options.on_duplicate == on_duplicate::reject)
            throw error{errc::duplicate_task, "a task with the same identity exists already: " + to_text(*existing) +
                                                  "; submit with on_duplicate::join to get its id"};
        return existing.value_or(task.id);
    }

    task_record make_task(workflow const& flow, payload input, submit_options const& options, time_point now)
    {
        task_record task;
        task.id = ids_.next<task_id>(now);
        task.input = std::move(input);
        task.priority = options.priority;
        task.initiator = options.initiator;
        task.source_system = options.source_system;
        task.reason = options.reason;
        task.created_at = now;
        task.identity_key = identity_of(flow, task, options);
        if (auto const problem = problem_of_identity_key(task.identity_key))
            throw error{errc::invalid_options, *problem};
        if (options.delay > duration::zero())
            task.wake_at = now + std::min(options.delay, longest_wait);
        return task;
    }

    static std::string identity_of(workflow const& flow, task_record const& task, submit_options const& options)
    {
        if (!options.key.empty())
            return std::string{options.key};
        switch (options.identity) {
        case identity::unique: break;
        case identity::by_content:
            return content_identity(flow.key().name_space, flow.key().name, flow.key().version, task.input.text(), task.reason,
                                    task.initiator, task.source_system);
        case identity::custom:
            throw error{errc::invalid_options, "an outbox has no identity strategy; give submit_options.key instead"};
        }
        return to_text(task.id);
    }

    std::optional<std::string> schema_;
    uuid_generator ids_{std::random_device{}() * 0x1'0000'0001ULL};
};

} // namespace tasker
