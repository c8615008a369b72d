#pragma once

#include <tasker/flow/step_context.hpp>

#include <soci/session.h>

namespace tasker {

/// The session of the transaction that will hold this attempt's outcome: what the body writes there and that the step is
/// complete are committed together, or neither is. So the rows are written exactly once, whatever dies in between.
///
/// The first call begins the transaction; it is committed when the body has returned, and rolled back when it throws, runs
/// out of its time, or loses its task to another worker. What the database refuses at the commit fails the attempt, which is
/// retried. Unqualified names are those of the store's tables first, then what the connection finds by itself.
///
/// Preconditions: the body leaves begin, commit and rollback to the engine, lets errors of the database through, and takes
/// no longer than it must: on SQLite nobody else writes meanwhile, nor does the engine record or extend its lease; on
/// PostgreSQL its locks are held, and thirty seconds between two statements end the session.
/// Throws `permanent_error` unless the body is a plain function that runs elsewhere than the engine (`.run_on =
/// tasker::blocking`) and the store is an SQL store; `error{store_unavailable}` when the database cannot be written;
/// `system_error{operation_aborted}` when the attempt no longer counts.
/// Lifetime: until the body ends. Thread safety: called on the body's own thread alone.
inline soci::session& sql_session(step_context& step)
{
    return *static_cast<soci::session*>(step.transaction_session());
}

} // namespace tasker
