#pragma once

#include <tasker/store/sql/dialect.hpp>
#include <tasker/store/sql/loan.hpp>
#include <tasker/store/sql/query.hpp>
#include <tasker/store/sql/turnstile.hpp>

#include <soci/soci.h>

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker::sql {

/// One connection, with the statements prepared on it so far. Not thread-safe.
class session {
public:
    explicit session(dialect const& of) : dialect_{of} { of.open(connection_); }

    soci::session& connection() { return connection_; }
    bool is_alive() { return dialect_.is_alive(connection_); }
    dialect const& of() const { return dialect_; }

    /// The statement that runs `text`, prepared at its first use.
    query& get(statement_text const& text)
    {
        auto const found = queries_.find(text.sql);
        if (found != queries_.end())
            return *found->second;
        return *queries_.emplace(text.sql, std::make_unique<query>(connection_, text, dialect_.kept_statements())).first->second;
    }

    void execute(std::string_view sql) { get({std::string{sql}, "", ""}).run_once(); }

    /// Runs `work(*this)` as one transaction, begun by `begin`. When anything throws, the session is to be dropped, and the
    /// transaction with it.
    template <class Work>
    auto transact(std::string_view begin, Work& work)
    {
        execute(begin);
        auto result = work(*this);
        execute("commit");
        return result;
    }

private:
    dialect const& dialect_;
    soci::session connection_;
    std::map<std::string, std::unique_ptr<query>, std::less<>> queries_; ///< gone before the connection
};

/// As many sessions as are used at one time. One in which something failed is dropped, and with it a transaction that had
/// not been committed; so are sessions whose server has gone.
/// Thread safety: may be used from any thread; where a database has but one writer at a time, writers wait for each other.
class session_pool {
public:
    /// Who had a session in hand: what users set in theirs must not meet the store's statements.
    enum class hands { store, user };

    explicit session_pool(dialect const& of) : dialect_{of} { give_back(open()); }

    /// Runs `work` as one transaction that may write. Throws what `work` throws, database errors explained.
    template <class Work>
    auto write(Work work)
    {
        auto const turn = writing_turn();
        return use([&](session& with) { return with.transact(dialect_.begin_write(), work); });
    }

    /// Runs `work` as one transaction that sees one state of the database.
    template <class Work>
    auto read(Work work)
    {
        return use([&](session& with) { return with.transact(dialect_.begin_read(), work); });
    }

    /// Runs `work`, whose every statement is a transaction by itself.
    template <class Work>
    auto use(Work work)
    {
        try {
            std::unique_ptr<session> one = take();
            auto result = work(*one);
            give_back(std::move(one));
            return result;
        } catch (soci::soci_error const& problem) {
            throw dialect_.explain(problem);
        }
    }

    /// A session for the caller alone, until it is given back or dropped. Throws `error{store_unavailable}`.
    std::unique_ptr<session> take(hands whose = hands::store)
    {
        for (;;) {
            std::unique_ptr<session> one;
            {
                std::scoped_lock const lock{idle_mutex_};
                auto& idle = idle_[static_cast<std::size_t>(whose)];
                if (idle.empty())
                    break;
                one = std::move(idle.back());
                idle.pop_back();
            }
            if (one->is_alive())
                return one;
        }
        return open();
    }

    void give_back(std::unique_ptr<session> one, hands whose = hands::store)
    {
        std::scoped_lock const lock{idle_mutex_};
        idle_[static_cast<std::size_t>(whose)].push_back(std::move(one));
    }

    /// The right to write, where only one at a time can have it.
    turnstile::turn writing_turn()
    {
        return dialect_.has_one_writer() ? turnstile::enter(writing_) : turnstile::turn{};
    }

    /// Where users' sessions are counted: connections are few.
    std::shared_ptr<loan::desk> const& desk() const { return desk_; }

    dialect const& of() const { return dialect_; }

private:
    std::unique_ptr<session> open() const { return std::make_unique<session>(dialect_); }

    dialect const& dialect_;
    std::shared_ptr<loan::desk> const desk_ = std::make_shared<loan::desk>(loan::most);
    std::shared_ptr<turnstile> const writing_ = std::make_shared<turnstile>();
    std::mutex idle_mutex_;
    std::array<std::vector<std::unique_ptr<session>>, 2> idle_;
};

} // namespace tasker::sql
