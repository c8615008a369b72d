#pragma once

#include <tasker/runtime/engine_parts.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker {

/// Keeps this engine's lease alive, and takes over tasks from the store: parked ones that are due, new ones that nobody
/// owns, and those of dead workers. Looks only when something is due, and now and then for safety. Belongs to the strand.
template <class Lazy>
class basic_lease_keeper {
public:
    using adopt = std::function<void(std::shared_ptr<registered_workflow> const&, claimed_task)>;
    using carry_out = std::function<void(task_id, command, time_point heard_at)>;
    using lose = std::function<void(task_lease const&)>;
    using hear = std::function<void(task_id, std::int64_t last_message)>;

    basic_lease_keeper(engine_parts& parts, adopt on_claimed, carry_out on_request, lose on_lost, hear on_mail)
        : parts_{parts}, on_claimed_{std::move(on_claimed)}, on_request_{std::move(on_request)}, on_lost_{std::move(on_lost)},
          on_mail_{std::move(on_mail)}
    {
    }

    /// Registers this engine with the store. Blocks; called once, before anything is claimed or created.
    void begin()
    {
        // A lease is never shortened, so the first one, which asks for the store's clock, must not be by a clock that is ahead.
        auto const told = parts_.store.heartbeat({parts_.worker, time_point{}, parts_.options.lease});
        takeovers_ = told.takeovers;
        parts_.time->start_from(told.store_now);
        time_point const begun = parts_.now();
        parts_.store.heartbeat({parts_.worker, begun, parts_.options.lease, takeovers_});
        parts_.lease_until = begun + parts_.options.lease;
    }

    /// Starts beating and looking.
    void serve(std::weak_ptr<engine_parts> owner)
    {
        owner_ = std::move(owner);
        parts_.waits.park(beat_, parts_.now() + parts_.options.lease / 3);
    }

    void add(std::shared_ptr<registered_workflow> const& workflow)
    {
        workflows_[workflow->id] = workflow;
        look();
    }

    /// Something in the store is due at `due`.
    void expect(time_point due)
    {
        if (!parts_.draining && (!poll_.is_parked() || due < poll_.due()))
            parts_.waits.park(poll_, due);
    }

    /// Looks for work now, or as soon as the present look is over.
    void look()
    {
        if (parts_.draining || workflows_.empty())
            return;
        if (std::exchange(looking_, true)) {
            again_ = true;
            return;
        }
        look_into_store();
    }

    /// A task left: there may be room for one that waits in the store.
    void room_made()
    {
        if (std::exchange(starved_, false))
            look();
    }

    /// Somebody left a command for a task of ours: beats now, and once more when the beat under way may have missed it.
    void beat_now()
    {
        if (retired_)
            return;
        beat_again_ = beating_;
        beat();
    }

    /// Claims one task, due or not, unless a live worker owns it; `then(claimed)` after it was adopted.
    void claim_one(task_id task, unique_function<void(std::exception_ptr, bool)> then) { claim_named({task, false}, std::move(then)); }

    /// Whether tasks may be on their way to this engine.
    bool is_claiming() const noexcept { return claims_ > 0; }

    /// Looks no more; the lease is still kept.
    void stop_looking() { parts_.waits.remove(poll_); }

    /// Gives every lease back at once; not to be called while a claim is under way. `then` when it is done, or could not be
    /// (the leases run out by themselves).
    void retire(unique_function<void()> then)
    {
        retired_ = true;
        parts_.waits.remove(beat_);
        parts_.calls.run(
            offload::lane::leases, std::weak_ptr<void>{owner_},
            [store = &parts_.store, worker = parts_.worker, now = parts_.now()] {
                return store->heartbeat({worker, now, duration::zero()});
            },
            [this, then = std::move(then)](std::exception_ptr const& problem, std::optional<heartbeat_result>) mutable {
                if (problem)
                    complain(problem);
                then();
            });
    }

private:
    struct found {
        std::vector<claimed_task> tasks;
        std::optional<time_point> next_due;
        std::optional<std::vector<task_lease>> holdings; ///< before the claim
        time_point asked_at{};
    };
    struct named {
        task_id task;
        bool is_ours = false; ///< the answer of an earlier claim got lost
    };

    static constexpr std::size_t most_at_once = 256;
    static constexpr duration in_vain = std::chrono::milliseconds{20};

    std::vector<workflow_id> ids() const
    {
        std::vector<workflow_id> all;
        for (auto const& [id, workflow] : workflows_)
            all.push_back(id);
        return all;
    }

    void claim_named(named which, unique_function<void(std::exception_ptr, bool)> then)
    {
        ++claims_;
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_},
            [store = &parts_.store, worker = parts_.worker, now = parts_.now(), ids = ids(), which] {
                return store->claim({worker, now, 1, ids, which.task, which.is_ours});
            },
            [this, then = std::move(then)](std::exception_ptr problem, std::optional<std::vector<claimed_task>> claimed) mutable {
                --claims_;
                bool const got = claimed && !claimed->empty();
                if (got)
                    adopt_all(std::move(*claimed));
                if (problem)
                    claimed_in_vain();
                then(problem, got);
                parts_.schedule();
            });
    }

    /// A claim failed, and yet its tasks may be ours: the next look asks what we own.
    void claimed_in_vain()
    {
        in_doubt_ = true;
        expect(parts_.now() + std::chrono::seconds{1});
    }

    void look_into_store()
    {
        again_ = false;
        std::size_t const resident = parts_.residents.size();
        std::size_t const room = parts_.options.max_resident_tasks > resident ? parts_.options.max_resident_tasks - resident : 0;
        std::size_t const limit = std::min(room, most_at_once);
        starved_ = limit == 0;
        if (starved_) {
            looking_ = false;
            return;
        }
        ++claims_;
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_},
            [store = &parts_.store, worker = parts_.worker, time = parts_.time, lease = parts_.options.lease, ids = ids(), limit,
             in_doubt = in_doubt_] {
                found result;
                time_point const now = time->now();
                result.asked_at = now;
                if (in_doubt)
                    result.holdings = store->heartbeat({worker, now, lease}).holdings;
                result.tasks = store->claim({worker, now, limit, ids, {}});
                if (result.tasks.size() < limit)
                    result.next_due = store->next_due(worker, now, ids);
                return result;
            },
            [this, limit](std::exception_ptr const& problem, std::optional<found> result) { looked(problem, std::move(result), limit); });
    }

    void looked(std::exception_ptr const& problem, std::optional<found> result, std::size_t limit)
    {
        looking_ = false;
        --claims_;
        time_point next = parts_.now() + parts_.options.safety_poll;
        if (problem) {
            next = parts_.now() + std::min<duration>(parts_.options.safety_poll, std::chrono::seconds{1});
            in_doubt_ = true;
            complain(problem);
        } else {
            again_ = again_ || result->tasks.size() == limit;
            // What was due already and yet not given out is locked by others for a moment: asking at once would be in vain.
            bool const is_locked = result->tasks.empty() && result->next_due && *result->next_due <= result->asked_at;
            if (result->next_due)
                next = std::min(next, is_locked ? parts_.now() + in_vain : std::max(*result->next_due, parts_.now()));
            adopt_all(std::move(result->tasks));
            if (result->holdings) {
                in_doubt_ = false;
                reclaim_unknown(*result->holdings);
            }
        }
        expect(next);
        if (again_)
            look();
        parts_.schedule();
    }

    /// Takes what is ours by a claim whose answer got lost. All claims run one after another, so those before are known.
    void reclaim_unknown(std::vector<task_lease> const& holdings)
    {
        for (task_lease const& held : holdings)
            if (!parts_.residents.contains(held.task) && !parts_.records.is_creating(held.task))
                claim_named({held.task, true}, [](std::exception_ptr const&, bool) {});
    }

    void adopt_all(std::vector<claimed_task> claimed)
    {
        for (claimed_task& one : claimed)
            if (auto const at = workflows_.find(one.snapshot.task.workflow); at != workflows_.end())
                on_claimed_(at->second, std::move(one));
        parts_.schedule();
    }

    void beat()
    {
        parts_.waits.park(beat_, parts_.now() + parts_.options.lease / 3);
        if (std::exchange(beating_, true))
            return;
        parts_.calls.run(
            offload::lane::leases, std::weak_ptr<void>{owner_},
            [store = &parts_.store, worker = parts_.worker, time = parts_.time, lease = parts_.options.lease,
             takeovers = takeovers_] {
                time_point const begun = time->now();
                return std::pair{store->heartbeat({worker, begun, lease, takeovers}), begun};
            },
            [this](std::exception_ptr const& problem, std::optional<std::pair<heartbeat_result, time_point>> result) {
                beating_ = false;
                problem ? missed(problem) : heard(std::move(result->first), result->second);
                if (std::exchange(beat_again_, false))
                    beat_now();
            });
    }

    /// Tries again soon: a lease outlasts any outage that is shorter, whenever that came.
    void missed(std::exception_ptr const& problem)
    {
        complain(problem);
        if (!retired_)
            parts_.waits.park(beat_, parts_.now() + parts_.options.lease / 10);
    }

    void heard(heartbeat_result result, time_point begun)
    {
        parts_.time->synchronize(result.store_now);
        parts_.lease_until = begun + parts_.options.lease;
        takeovers_ = result.takeovers;
        if (result.holdings)
            lose_others(*result.holdings, begun);
        for (auto& [task, asked] : result.requests)
            on_request_(task, std::move(asked), begun);
        for (auto const& [task, last] : result.mail)
            on_mail_(task, last);
        parts_.schedule();
    }

    /// Tasks that were ours when the heartbeat began and are not any more: this process stood still past its lease.
    void lose_others(std::vector<task_lease> const& holdings, time_point begun)
    {
        std::vector<task_lease> lost;
        for (auto const& [id, task] : parts_.residents) {
            task_lease const believed{id, task->record.epoch};
            if (task->resident_since < begun && !task->leaving && !std::binary_search(holdings.begin(), holdings.end(), believed))
                lost.push_back(believed);
        }
        for (task_lease const& one : lost)
            on_lost_(one);
    }

    void complain(std::exception_ptr const& problem)
    {
        try {
            std::rethrow_exception(problem);
        } catch (std::exception const& thrown) {
            parts_.events.publish(store_failing{thrown.what(), 1, parts_.now()});
        }
    }

    struct beat_node final : wait_node {
        explicit beat_node(basic_lease_keeper& of) : owner{of} {}
        void on_due() override { owner.beat(); }
        basic_lease_keeper& owner;
    };
    struct poll_node final : wait_node {
        explicit poll_node(basic_lease_keeper& of) : owner{of} {}
        void on_due() override { owner.look(); }
        basic_lease_keeper& owner;
    };

    engine_parts& parts_;
    adopt on_claimed_;
    carry_out on_request_;
    lose on_lost_;
    hear on_mail_;
    std::weak_ptr<engine_parts> owner_;
    std::unordered_map<workflow_id, std::shared_ptr<registered_workflow>> workflows_;
    bool looking_ = false;
    bool again_ = false;
    bool starved_ = false;
    std::size_t claims_ = 0; ///< under way
    bool in_doubt_ = false;
    bool beating_ = false;
    std::optional<std::int64_t> takeovers_; ///< as the last heartbeat told them
    bool beat_again_ = false;
    bool retired_ = false;
    beat_node beat_{*this};
    poll_node poll_{*this};
};
using lease_keeper = basic_lease_keeper<void>;

} // namespace tasker
