#pragma once

#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/lease_keeper.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker {

/// Brings commands to their tasks: straight to one in memory; otherwise through the task's row in the store, from which
/// this engine takes it at once when nobody owns the task, and its owner with its next heartbeat. Belongs to the strand.
template <class Lazy>
class basic_command_router {
public:
    basic_command_router(engine_parts& parts, lease_keeper& leases) : parts_{parts}, leases_{leases} {}

    void serve(std::weak_ptr<engine_parts> owner) { owner_ = std::move(owner); }

    /// Has a task obey a command: here when it is resident, otherwise through the store, one command at a time.
    void send(task_id id, command asked, unique_function<void(std::exception_ptr)> done)
    {
        if (auto const at = parts_.residents.find(id); at != parts_.residents.end()) {
            at->second->commands.push_back({std::move(asked), std::move(done)});
            at->second->wake();
            parts_.schedule();
            return;
        }
        auto const [turn, is_first] = asking_.try_emplace(id);
        if (is_first)
            ask_store(id, std::move(asked), std::move(done));
        else
            turn->second.push_back({std::move(asked), std::move(done)});
    }

    /// A heartbeat begun at `heard_at` found a command in the row of a task of ours.
    void obey_request(task_id id, command asked, time_point heard_at)
    {
        auto const at = parts_.residents.find(id);
        if (at == parts_.residents.end())
            return; // whoever claims it next finds the request in its row
        task_run& task = *at->second;
        task.asked_late = task.asked_late || (task.leaving && !task.request_in_hand);
        if (task.leaving || task.request_in_hand || (task.request_cleared_at && heard_at <= *task.request_cleared_at))
            return;
        task.request_in_hand = true;
        task.commands.push_back({std::move(asked), {}, command_origin::store});
        task.wake();
    }

    /// Who waits for the command that the task was just claimed for, if anybody does.
    unique_function<void(std::exception_ptr)> take_answer(task_id id)
    {
        auto answer = request_answers_.extract(id);
        return answer ? std::move(answer.mapped()) : unique_function<void(std::exception_ptr)>{};
    }

    /// A command from a task's row that the task left before it could obey: it is to be claimed again.
    void look_again(task_id id, pending_command late)
    {
        if (late.done)
            request_answers_.insert_or_assign(id, std::move(late.done));
        leases_.expect(parts_.now());
    }

private:
    void ask_store(task_id id, command asked, unique_function<void(std::exception_ptr)> done)
    {
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_},
            [store = &parts_.store, id, asked = std::move(asked)] { return store->request(id, asked); },
            [this, id, done = std::move(done)](std::exception_ptr problem, std::optional<request_answer> answer) mutable {
                if (!problem)
                    problem = refusal(id, *answer);
                if (!problem) {
                    claim_for_command(id, std::move(done));
                    return;
                }
                done(problem);
                asked_store(id);
            });
    }

    static std::exception_ptr refusal(task_id id, request_answer answer)
    {
        switch (answer) {
        case request_answer::stored: break;
        case request_answer::unknown:
            return std::make_exception_ptr(error{errc::unknown_task, "the store has no task " + to_text(id)});
        case request_answer::pending:
            return std::make_exception_ptr(
                error{errc::command_pending, "an earlier command for task " + to_text(id) +
                                                 " is still to be carried out by the worker that owns it; ask again in a few seconds"});
        }
        return nullptr;
    }

    /// Nobody may own the task: then its command is carried out here and now.
    void claim_for_command(task_id id, unique_function<void(std::exception_ptr)> done)
    {
        request_answers_.insert_or_assign(id, std::move(done));
        leases_.claim_one(id, [this, id](std::exception_ptr const& problem, bool) {
            if (auto const unasked = request_answers_.extract(id))
                unasked.mapped()(problem); // a live owner elsewhere obeys with its next heartbeat
            asked_store(id);
        });
    }

    /// The next command for the same task may have its turn.
    void asked_store(task_id id)
    {
        auto turn = asking_.extract(id);
        for (pending_command& next : turn.mapped())
            send(id, std::move(next.asked), std::move(next.done));
        parts_.schedule();
    }

    engine_parts& parts_;
    lease_keeper& leases_;
    std::weak_ptr<engine_parts> owner_;
    std::unordered_map<task_id, std::vector<pending_command>> asking_; ///< tasks whose row gets a command, and who waits for a turn
    std::unordered_map<task_id, unique_function<void(std::exception_ptr)>> request_answers_;
};
using command_router = basic_command_router<void>;

} // namespace tasker
