#pragma once

#include <tasker/store/sql/dialect.hpp>
#include <tasker/store/sql/query.hpp>

#include <soci/soci.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tasker::sql {

/// One connection, with the statements prepared on it so far. Not thread-safe.
class session {
public:
    explicit session(dialect const& of) { of.open(connection_); }

    soci::session& connection() { return connection_; }

    /// The statement that runs `text`, prepared at its first use.
    query& get(statement_text const& text)
    {
        auto const found = queries_.find(text.sql);
        if (found != queries_.end())
            return *found->second;
        return *queries_.emplace(text.sql, std::make_unique<query>(connection_, text)).first->second;
    }

    /// Runs `work(*this)` as one transaction, begun by `begin`. When anything throws, nothing of it is stored and the
    /// session is as good as new.
    template <class Work>
    auto transact(std::string_view begin, Work& work)
    {
        try {
            get({std::string{begin}, "", ""}).run_once();
            auto result = work(*this);
            get({"commit", "", ""}).run_once();
            return result;
        } catch (...) {
            abandon();
            throw;
        }
    }

private:
    /// Statements stopped half-way would keep the transaction alive, so they all go.
    void abandon()
    {
        queries_.clear();
        try {
            execute(connection_, "rollback");
        } catch (soci::soci_error const&) {
            // no transaction is left: it never began, or the database itself has rolled it back
        }
    }

    soci::session connection_;
    std::map<std::string, std::unique_ptr<query>, std::less<>> queries_; ///< gone before the connection
};

/// One session that writes, and as many that read as there are readers at one time.
/// Thread safety: may be used from any thread; writers wait for each other, readers for nobody.
class session_pool {
public:
    explicit session_pool(dialect const& of) : dialect_{of}, writer_{of} {}

    /// Runs `work` as one transaction that may write. Throws what `work` throws, database errors explained.
    template <class Work>
    auto write(Work work)
    {
        std::scoped_lock const lock{writing_};
        return explained([&] { return writer_.transact(dialect_.begin_write(), work); });
    }

    /// Runs `work` as one transaction that sees one state of the database.
    template <class Work>
    auto read(Work work)
    {
        return explained([&] {
            std::unique_ptr<session> reader = take_reader();
            auto result = reader->transact(dialect_.begin_read(), work);
            std::scoped_lock const lock{reading_};
            idle_.push_back(std::move(reader));
            return result;
        });
    }

    /// Runs `work` on the writer's session outside of any transaction.
    template <class Work>
    void alone(Work work)
    {
        std::scoped_lock const lock{writing_};
        explained([&] { work(writer_.connection()); });
    }

private:
    template <class Work>
    auto explained(Work work) -> decltype(work())
    {
        try {
            return work();
        } catch (soci::soci_error const& problem) {
            throw dialect_.explain(problem);
        }
    }

    std::unique_ptr<session> take_reader()
    {
        {
            std::scoped_lock const lock{reading_};
            if (!idle_.empty()) {
                auto reader = std::move(idle_.back());
                idle_.pop_back();
                return reader;
            }
        }
        return std::make_unique<session>(dialect_);
    }

    dialect const& dialect_;
    std::mutex writing_;
    session writer_;
    std::mutex reading_;
    std::vector<std::unique_ptr<session>> idle_;
};

} // namespace tasker::sql
