#pragma once

#include <tasker/runtime/attempt.hpp>
#include <tasker/runtime/in_doubt.hpp>
#include <tasker/runtime/task_moves.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tasker {

/// An attempt whose outcome is being committed together with what its body wrote.
struct own_commit {
    std::shared_ptr<attempt> of;
    settled_step settled;
    commit_batch batch;
};

/// Commits each step whose body has a transaction of its own, in that transaction: past the journal, one after the other.
/// A commit in doubt is never repeated: it is asked for until the store can tell. Belongs to the strand.
template <class Lazy>
class basic_own_commits {
public:
    using told = std::function<void(own_commit const&)>;
    using failed = std::function<void(attempt&, std::exception_ptr const&)>;
    using lost = std::function<void(task_lease const&)>;

    /// One of them is called when it is known what became of an attempt that still counts: its outcome is durable, or
    /// nothing of it and of its body's rows is, or its task is another worker's.
    basic_own_commits(engine_parts& parts, told on_stored, failed on_failed, lost on_lost)
        : parts_{parts}, on_stored_{std::move(on_stored)}, on_failed_{std::move(on_failed)}, on_lost_{std::move(on_lost)}
    {
    }

    void serve(std::weak_ptr<engine_parts> owner) { owner_ = std::move(owner); }

    /// From here on the commit decides: time limits and requests to stop come too late.
    void commit(attempt& one, std::unique_ptr<store_transaction> transaction, payload result)
    {
        parts_.waits.remove(one);
        auto own = std::make_shared<own_commit>(own_commit{
            one.shared_from_this(), settle_copy(parts_, *one.task, one.step, {attempt_outcome::kind::completed, std::move(result), {}, {}}), {}});
        task_record const& task = one.task->record;
        own->batch.worker = parts_.worker;
        own->batch.steps.push_back({task.id, task.epoch, one.step, own->settled.record});
        own->batch.transitions.push_back(own->settled.line);
        own->batch.transition_epochs.push_back(task.epoch);
        parts_.calls.run(
            offload::lane::transactions, owner_,
            [own, transaction = std::move(transaction)] { return transaction->commit(own->batch); },
            [this, own](std::exception_ptr const& problem, std::optional<transaction_end> end) { ended(own, problem, std::move(end)); });
    }

private:
    /// A commit whose answer got lost, between two tries to find out.
    struct doubt final : wait_node {
        doubt(basic_own_commits& asking, std::shared_ptr<own_commit> commit, std::string problem)
            : owner{asking}, about{std::move(commit)}, what{std::move(problem)}
        {
        }
        void on_due() override { owner.ask(*this); }

        basic_own_commits& owner;
        std::shared_ptr<own_commit> about;
        std::string what;
        int failures = 0;
    };

    void ended(std::shared_ptr<own_commit> const& own, std::exception_ptr const& problem, std::optional<transaction_end> end)
    {
        if (own->of->over)
            return; // its task was lost meanwhile
        if (problem) {
            on_failed_(*own->of, problem);
            return;
        }
        switch (end->how) {
        case transaction_end::kind::committed: on_stored_(*own); break;
        case transaction_end::kind::lease_lost: on_lost_({own->of->task->record.id, own->batch.transition_epochs.front()}); break;
        case transaction_end::kind::in_doubt: ask(doubts_.emplace_back(*this, own, std::move(end->what))); break;
        }
    }

    void ask(doubt& in)
    {
        if (in.about->of->over) {
            resolve(in);
            return;
        }
        parts_.calls.run(
            offload::lane::transactions, owner_,
            [store = &parts_.store, own = in.about, worker = parts_.worker, time = parts_.time, lease = parts_.options.lease] {
                return has_arrived(*store, own->batch, {worker, time->now(), lease});
            },
            [this, &in](std::exception_ptr const& problem, std::optional<bool> arrived) {
                problem ? ask_later(in, problem) : answered(in, *arrived ? fate::arrived : fate::lost);
            });
    }

    enum class fate { arrived, lost };

    void answered(doubt& in, fate what)
    {
        auto const own = in.about;
        std::string const problem = in.what;
        resolve(in);
        if (own->of->over)
            return;
        if (what == fate::arrived)
            on_stored_(*own);
        else
            on_failed_(*own->of, std::make_exception_ptr(error{
                                     errc::store_unavailable, "the step's transaction did not arrive: " + problem}));
    }

    void ask_later(doubt& in, std::exception_ptr const& problem)
    {
        ++in.failures;
        try {
            std::rethrow_exception(problem);
        } catch (std::exception const& thrown) {
            parts_.events.publish(store_failing{thrown.what(), in.failures, parts_.now()});
        }
        auto const pause = duration{std::chrono::milliseconds{100}} * (1 << std::min(in.failures - 1, 6));
        parts_.waits.park(in, parts_.now() + pause);
    }

    void resolve(doubt& in)
    {
        doubts_.remove_if([&in](doubt const& one) { return &one == &in; });
    }

    engine_parts& parts_;
    told on_stored_;
    failed on_failed_;
    lost on_lost_;
    std::weak_ptr<engine_parts> owner_;
    std::list<doubt> doubts_;
};
using own_commits = basic_own_commits<void>;

} // namespace tasker
