#pragma once

#include <tasker/runtime/attempt.hpp>
#include <tasker/runtime/body_transaction.hpp>
#include <tasker/runtime/engine_parts.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/context_as.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <memory>
#include <string_view>

namespace tasker {

/// What a body on the strand is told that asks for a transaction.
template <class = void>
inline std::string_view why_no_transaction(engine_parts const& parts)
{
    return parts.store.is_transactional() ? "SQL would block a thread that the engine needs; give the step .run_on = tasker::blocking"
                                          : "the engine's store has none; use sqlite_store or postgres_store";
}

/// A plain body may have a transaction where it can wait for the strand, or where it takes the strand's own place.
template <class = void>
inline void allow_transaction(engine_parts& parts, attempt& one)
{
    auto const context_of = [](boost::asio::any_io_executor const& executor) {
        return &boost::asio::query(executor, boost::asio::execution::context_as<boost::asio::execution_context&>);
    };
    bool const shares_thread = one.runs_on_strand || context_of(one.context.get_executor()) == context_of(parts.strand);
    if (!parts.store.is_transactional() || one.runs_on_strand || (shares_thread && !parts.calls.is_in_place()))
        one.no_transaction = why_no_transaction(parts);
    else if (!shares_thread && parts.calls.is_in_place())
        one.no_transaction = "where the store is called in place, as in a simulation, bodies are, too; give the step "
                             ".run_on = tasker::blocking";
    else
        one.transaction = std::make_unique<body_transaction>(parts.transactions);
    one.is_called_in_place = one.transaction && shares_thread;
}

} // namespace tasker
