#pragma once

#include <tasker/store/announcements.hpp>
#include <tasker/store/sql/batch_announcements.hpp>
#include <tasker/store/sql/postgres_dialect.hpp>
#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/worker_presence.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tasker::sql {

/// The operations on which a store's speed depends, each as one statement, whatever its size: for a server, where every
/// statement costs a round trip. Thread safety: as the store contract says.
class array_access {
public:
    array_access(session_pool& sessions, statements const&, std::unique_ptr<worker_presence const> presence, std::string channel)
        : sessions_{sessions}, presence_{std::move(presence)}, neighbours_{*presence_}, channel_{std::move(channel)}
    {
    }

    commit_result commit(commit_batch const& batch)
    {
        return sessions_.use([&](session& with) { return write(with, batch); });
    }

    /// Writes a batch in the transaction that is open in `with`; without one it is a transaction by itself.
    commit_result write(session& with, commit_batch const& batch)
    {
        return array_writer{batch}.write(with.get(array_writer::text()), channel_, announcements_of(batch));
    }

    std::vector<claimed_task> claim(claim_request const& request)
    {
        auto workflows = array_of(request.workflows);
        auto gone = array_of(neighbours_.gone());
        return sessions_.use([&](session& with) {
            array_literal taken;
            std::unordered_set<task_id> recovered;
            query& take = with.get(claim_statement);
            bool more = take.run(request.worker, request.now, static_cast<std::int64_t>(request.limit), workflows.text(), gone.text(),
                                 request.task, std::string_view{request.reclaim ? "true" : "false"});
            bool const is_none = !more;
            for (; more; more = take.next()) {
                auto const task = take.id<task_id>();
                taken.add(task);
                if (take.integer() != 0)
                    recovered.insert(task);
            }
            return is_none ? std::vector<claimed_task>{} : read_claimed(with.get(claimed_statement), request.worker, taken.text(), recovered);
        });
    }

    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows)
    {
        auto wanted = array_of(workflows);
        auto gone = array_of(neighbours_.gone());
        return sessions_.use([&](session& with) {
            query& due = with.get(next_due_statement);
            due.run_once(worker, now, wanted.text(), gone.text());
            return due.optional_time<time_point>();
        });
    }

    heartbeat_result heartbeat(heartbeat_request const& beat)
    {
        return sessions_.use([&](session& with) { return beat.lease == duration::zero() ? retire(with, beat) : extend(with, beat); });
    }

    request_answer request(task_id task, command const& asked)
    {
        return sessions_.use([&](session& with) {
            query& leave = with.get(request_statement);
            leave.run_once(task, asked.kind, storable(asked.step), asked.result, storable(asked.reason), channel_);
            std::string const answer = leave.text();
            if (answer == "left")
                return request_answer::stored;
            return answer == "occupied" ? request_answer::pending : request_answer::unknown;
        });
    }

    send_answer send(message const& told)
    {
        return sessions_.use([&](session& with) {
            query& store = with.get(send_statement);
            store.run_once(told.task, storable(told.name), storable(told.body.text()), storable(told.key), channel_);
            return enumerator<send_answer>(send_answer_words, store.text());
        });
    }

    std::size_t purge(time_point before, std::size_t limit)
    {
        return sessions_.use([&](session& with) {
            query& purge = with.get(purge_statement);
            purge.run_once(before, limit);
            auto const purged = purge.integer_as<std::size_t>();
            with.get(partitions_statement).run_once(before);
            return purged;
        });
    }

    /// Where workers hear each other.
    std::string channel()
    {
        if (!channel_.empty())
            return channel_;
        return sessions_.use([](session& with) {
            query& name = with.get({"select 'tasker_' || current_schema()", "", "t"});
            name.run_once();
            return name.text();
        });
    }

private:
    inline static statement_text const claim_statement{
        "select * from claim_tasks(:worker, :now, :limit, cast(:workflows as bigint[]), cast(:gone as uuid[]), :task, "
        "cast(:reclaim as boolean))",
        "tiitttt", "ti"};
    inline static statement_text const claimed_statement{"select * from claimed_tasks(:worker, cast(:tasks as uuid[]))", "tt",
                                                         std::string{"t"} + task_types + step_types + message_types};
    inline static statement_text const next_due_statement{
        "select next_due(:worker, :now, cast(:workflows as bigint[]), cast(:gone as uuid[]))", "titt", "i"};
    inline static statement_text const heartbeat_statement{
        "select * from heartbeat(:worker, :expires, :takeovers, :host, :process, :started)", "tiitii", "ttiitttt"};
    inline static statement_text const retire_statement{"select retire_worker(:worker, :channel, :announcement)", "ttt", "i"};
    inline static statement_text const request_statement{"select leave_request(:task, :kind, :step, :result, :reason, :channel)",
                                                         "tttttt", "t"};
    inline static statement_text const send_statement{"select store_message(:task, :name, :body, :key, :channel)", "ttttt", "t"};
    inline static statement_text const partitions_statement{"select keep_partitions(:before)", "i", ""};
    inline static statement_text const purge_statement{"select purge_finished(:before, :limit)", "ii", "i"};

    template <class Values>
    static array_literal array_of(Values const& values)
    {
        array_literal array;
        for (auto const& one : values)
            array.add(one);
        return array;
    }

    heartbeat_result retire(session& with, heartbeat_request const& beat) const
    {
        query& row = with.get(retire_statement);
        row.run_once(beat.worker, channel_, to_text(announcement{announcement::kind::work_due, {}, beat.worker}));
        heartbeat_result result;
        result.store_now = row.time();
        return result;
    }

    heartbeat_result extend(session& with, heartbeat_request const& beat)
    {
        auto const self = presence_->self();
        heartbeat_result result;
        std::vector<task_lease> held;
        std::vector<std::pair<worker_id, process_identity>> neighbours;
        query& row = with.get(heartbeat_statement);
        bool more = row.run(beat.worker, beat.now + beat.lease, beat.takeovers, self.host, self.process, self.started);
        for (; more; more = row.next()) {
            std::string const kind = row.text();
            if (kind == "beat") {
                row.skip();
                result.takeovers = row.integer();
                result.store_now = row.time();
            } else if (kind == "request") {
                auto const task = row.id<task_id>();
                row.skip();
                row.skip();
                result.requests.emplace_back(task, *read_command(row));
            } else if (kind == "mail") {
                auto const task = row.id<task_id>();
                result.mail.emplace_back(task, row.integer());
            } else if (kind == "neighbour") {
                auto const worker = row.id<worker_id>();
                auto const process = row.integer();
                neighbours.push_back({worker, {self.host, process, row.integer()}});
            } else if (kind == "held") {
                auto const task = row.id<task_id>();
                held.push_back({task, row.integer()});
            } else {
                result.holdings = std::move(held);
            }
        }
        neighbours_.know(std::move(neighbours));
        return result;
    }

    session_pool& sessions_;
    std::unique_ptr<worker_presence const> presence_;
    neighbourhood neighbours_;
    std::string channel_;
};

} // namespace tasker::sql
