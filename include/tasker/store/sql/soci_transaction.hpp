#pragma once

#include <tasker/base/error.hpp>
#include <tasker/store/sql/query.hpp>
#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/turnstile.hpp>
#include <tasker/store/store_transaction.hpp>

#include <soci/soci.h>

#include <memory>
#include <utility>

namespace tasker::sql {

/// A transaction on a session of its own. `Access` writes the engine's part of it.
template <class Access>
class soci_transaction final : public store_transaction {
public:
    soci_transaction(session_pool& sessions, Access& access)
        : sessions_{sessions}, access_{access}, loan_{sessions.desk()}, turn_{sessions.writing_turn()}, session_{sessions.take(session_pool::hands::user)}
    {
        try {
            query{session_->connection(), {sessions.of().begin_step(), "", ""}, statement_keeping::sent_each_time}.run_once();
        } catch (soci::soci_error const& problem) {
            throw sessions.of().explain(problem);
        }
    }

    void* session() override { return &session_->connection(); }

    transaction_end commit(commit_batch const& batch) override
    {
        try {
            if (!write(batch)) {
                drop();
                return {transaction_end::kind::lease_lost, {}};
            }
        } catch (soci::soci_error const& problem) { // the commit itself was never sent
            error const refusal = sessions_.of().explain(problem);
            drop();
            throw refusal;
        }
        return end();
    }

private:
    bool write(commit_batch const& batch)
    {
        if (!sessions_.of().is_in_transaction(session_->connection()))
            throw permanent_error{"the step's transaction was ended before the step was, so it is unknown what became of its "
                                  "rows; leave begin, commit and rollback to the engine, and let errors of the database through"};
        return access_.write(*session_, batch).lease_lost.empty();
    }

    transaction_end end()
    {
        try {
            session_->execute("commit");
        } catch (soci::soci_error const& problem) {
            error const refusal = sessions_.of().explain(problem);
            bool const in_doubt = sessions_.of().may_have_committed(session_->connection(), problem);
            drop();
            if (!in_doubt)
                throw refusal;
            return {transaction_end::kind::in_doubt, refusal.what()};
        }
        sessions_.give_back(std::move(session_), session_pool::hands::user);
        turn_.end();
        loan_.end();
        return {};
    }

    /// The database rolls back what the session leaves open.
    void drop()
    {
        session_.reset();
        turn_.end();
        loan_.end();
    }

    session_pool& sessions_;
    Access& access_;
    loan loan_;
    turnstile::turn turn_;
    std::unique_ptr<sql::session> session_; ///< gone before its turn ends
};

} // namespace tasker::sql
