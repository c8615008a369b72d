#pragma once

#include "support/pg_session.hpp"
#include "support/postgres.hpp"

#include <tasker/flow/step_context.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace crash {

inline long long number_of(support::pg_session& database, std::string const& statement)
{
    return std::stoll(database.value(statement).value_or("0"));
}

/// What steps did to the world, in the same database as the engine's tables: the effect itself, which its key keeps
/// single, and every single execution of a body, with whether the step was complete before the body began. That a body tells when
/// it began matters: a statement of a process that was killed may reach its server late, after another has done the step.
class effects_table {
public:
    /// In `ledger`, which is empty yet; `store` is the schema of the engine's tables.
    effects_table(support::scratch_schema const& ledger, support::scratch_schema const& store)
        : connection_{ledger.connection()}, path_{"set search_path = " + ledger.name() + ", " + store.name()}
    {
        ledger.session().exec(R"sql(
            create table effects (task uuid not null, step text not null, key text not null unique, primary key (task, step));
            create table executions (id bigint generated always as identity primary key, task uuid not null,
                step text not null, worker text not null, after_completion boolean not null);
            create function perform(p_task uuid, p_step text, p_key text, p_worker text, p_begun bigint)
            returns bigint language plpgsql as $function$
            declare
                v_execution bigint;
            begin
                insert into executions (task, step, worker, after_completion)
                values (p_task, p_step, p_worker, exists (
                    select from tasks t
                    join workflow_steps d on d.workflow_id = t.workflow_id and d.name = p_step
                    join steps s on s.task_id = t.id and s.step_no = d.step_no
                    where t.id = p_task and s.state = 'complete' and s.finished_at < p_begun))
                returning id into v_execution;
                insert into effects (task, step, key) values (p_task, p_step, p_key) on conflict do nothing;
                return v_execution;
            end $function$)sql");
    }

    /// Has the step's effect, and returns the number of this execution. Thread safety: any thread, which then has a
    /// connection of its own.
    std::int64_t perform(tasker::step_context const& context, std::string const& worker) const
    {
        thread_local support::pg_session session{opened()};
        auto const execution = session.value(
            "select perform($1, $2, $3, $4, $5)",
            {tasker::to_text(context.task()), std::string{context.step()}, context.idempotency_key(), worker, microseconds_now()});
        return std::stoll(execution.value());
    }

    /// A connection to which the tables here and those of the engine are known by their names.
    support::pg_session opened() const
    {
        support::pg_session session{connection_};
        session.exec(path_);
        return session;
    }

private:
    /// Since 1970, as the engine's tables count, whose server is on this machine.
    static std::string microseconds_now()
    {
        auto const now = std::chrono::system_clock::now().time_since_epoch();
        return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
    }

    std::string connection_;
    std::string path_;
};

} // namespace crash
