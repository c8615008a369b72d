#pragma once

#include "numbered_batches.hpp"

#include <tasker/store/any_store.hpp>
#include <tasker/store/store.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace benchmark {

using recording = std::vector<tasker::commit_batch>;

/// Writes batches and nothing else: the bound of what a store can do.
class raw_writer {
public:
    virtual ~raw_writer() = default;
    /// Writes batches `from` to `to`, each as one transaction.
    virtual void write(numbered_batches const& all, std::size_t from, std::size_t to) = 0;
};

/// Commits one small row at a time, and nothing else.
class bare_commit {
public:
    virtual ~bare_commit() = default;
    virtual void commit() = 0;
};

/// A database for one benchmark, of which it may have several stores. Its parts are compiled once for all programs.
class database {
public:
    virtual ~database() = default;
    /// "SQLite" or "PostgreSQL"; "memory" for what is none.
    virtual std::string name() const = 0;
    virtual bool is_durable() const { return true; }
    /// Makes the store's tables anew.
    virtual void clear() = 0;
    /// The store that was made last; with a second one on the same data where that is possible.
    virtual tasker::any_store open() = 0;
    /// The same, keeping a copy of each batch that it commits. `into` outlives the store.
    virtual tasker::any_store open_recorded(recording& into) = 0;
    /// Into tables like the store's, made anew.
    virtual std::unique_ptr<raw_writer> raw() = 0;
    virtual std::unique_ptr<bare_commit> bare() = 0;
    /// Of what `clear` made; nothing was deleted since.
    virtual double bytes() = 0;
    /// CPU seconds that a server has used; the difference of two looks counts.
    virtual double server_cpu() { return 0; }
};

/// Memory alone, or a file in `folder`, or a schema of the server that libpq reaches by `connection`.
std::unique_ptr<database> memory();
std::unique_ptr<database> sqlite(std::filesystem::path const& folder);
std::unique_ptr<database> postgres(std::string const& connection);

} // namespace benchmark
