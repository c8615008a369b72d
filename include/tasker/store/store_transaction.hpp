#pragma once

#include <tasker/store/store.hpp>

#include <concepts>
#include <memory>
#include <string>

namespace tasker {

/// How the commit of a transaction ended.
struct transaction_end {
    /// How it ended.
    enum class kind {
        committed,
        lease_lost, ///< rolled back: another worker owns the task now
        in_doubt,   ///< the answer got lost: the audit trail tells whether the batch arrived, see `has_arrived`
    };
    kind how = kind::committed; ///< how it ended
    std::string what;           ///< when in doubt: what the database, or its absence, said
};

/// An open transaction in which a step's body and the engine both write. Destroyed uncommitted, it is rolled back; that may
/// be after the end of its store. Thread safety: none; may go from one thread to another.
class store_transaction {
public:
    store_transaction() = default;
    store_transaction(store_transaction const&) = delete;
    store_transaction& operator=(store_transaction const&) = delete;
    virtual ~store_transaction() = default;

    /// The database library's own session, in which the transaction is open: a `soci::session*`.
    virtual void* session() = 0;
    /// Writes `batch`, which has no number, and commits both. Called once, while the store is there.
    /// Throws when the database refuses; then nothing of either is written. Throws `permanent_error` when the transaction
    /// was ended before.
    virtual transaction_end commit(commit_batch const& batch) = 0;
};

/// A store that lets others write in its transactions. `begin()` blocks until it may write; throws
/// `error{store_unavailable}` when it cannot. May be called from any thread, also while other operations run.
template <class Store>
concept transactional_store = requires(Store& store) {
    { store.begin() } -> std::same_as<std::unique_ptr<store_transaction>>;
};

} // namespace tasker
