#pragma once

#include <tasker/base/error.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/lease_keeper.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tasker {

/// Brings messages to their tasks: all of them through the store; to a task in memory here at once, to one that waits in the
/// store by a claim, and to one of another worker with that one's heartbeat. Belongs to the strand.
template <class Lazy>
class basic_mail_carrier {
public:
    basic_mail_carrier(engine_parts& parts, lease_keeper& leases) : parts_{parts}, leases_{leases} {}

    void serve(std::weak_ptr<engine_parts> owner) { owner_ = std::move(owner); }

    /// Stores a message; `done` when it is durable.
    void send(message told, unique_function<void(std::exception_ptr)> done)
    {
        task_id const to = told.task;
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_}, [store = &parts_.store, told = std::move(told)] { return store->send(told); },
            [this, to, done = std::move(done)](std::exception_ptr problem, std::optional<send_answer> answer) mutable {
                if (!problem)
                    problem = refusal(to, *answer);
                if (!problem)
                    arrived(to);
                done(problem);
                parts_.schedule();
            });
    }

    /// A commit of ours has sent these.
    void sent(std::vector<message_write> const& messages)
    {
        for (message_write const& one : messages)
            arrived(one.what.task);
    }

    /// The store has a new message for a task.
    void arrived(task_id to)
    {
        if (auto const at = parts_.residents.find(to); at == parts_.residents.end())
            leases_.expect(parts_.now());
        else if (at->second->leaving)
            at->second->asked_late = true;
        else
            fetch(*at->second);
    }

    /// A heartbeat told that the last message of a task of ours has this number.
    void heard(task_id to, std::int64_t last)
    {
        if (auto const at = parts_.residents.find(to); at != parts_.residents.end() && at->second->record.mail < last)
            arrived(to);
    }

private:
    static std::exception_ptr refusal(task_id to, send_answer answer)
    {
        switch (answer) {
        case send_answer::stored:
        case send_answer::known: break;
        case send_answer::over:
            return std::make_exception_ptr(error{errc::illegal_transition, "task " + to_text(to) + " is over and takes no message any more"});
        case send_answer::unknown:
            return std::make_exception_ptr(error{errc::unknown_task, "the store has no task " + to_text(to)});
        }
        return nullptr;
    }

    void fetch(task_run& task)
    {
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_},
            [store = &parts_.store, id = task.record.id, after = task.record.mail] { return store->mail(id, after); },
            [this, weak = task.weak_from_this()](std::exception_ptr const& problem, std::optional<std::vector<message>> mail) {
                if (problem)
                    return; // the next heartbeat tells of it again
                auto const to = weak.lock();
                if (!to || to->gone) {
                    leases_.expect(parts_.now());
                    return;
                }
                if (to->leaving)
                    to->asked_late = true;
                else
                    to->take_mail(std::move(*mail));
                to->wake();
            });
    }

    engine_parts& parts_;
    lease_keeper& leases_;
    std::weak_ptr<engine_parts> owner_;
};
using mail_carrier = basic_mail_carrier<void>;

} // namespace tasker
