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
class lease_keeper {
public:
    using adopt = std::function<void(std::shared_ptr<registered_workflow> const&, claimed_task)>;
    using carry_out = std::function<void(task_id, command, time_point heard_at)>;

    lease_keeper(engine_parts& parts, adopt on_claimed, carry_out on_request)
        : parts_{parts}, on_claimed_{std::move(on_claimed)}, on_request_{std::move(on_request)}
    {
    }

    /// Registers this engine with the store. Blocks; called once, before anything is claimed or created.
    void begin()
    {
        parts_.store.heartbeat(parts_.worker, parts_.now(), parts_.options.lease);
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

    /// Claims one task, due or not, unless a live worker owns it; `then(claimed)` after it was adopted.
    void claim_one(task_id task, unique_function<void(std::exception_ptr, bool)> then)
    {
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_},
            [this, store = &parts_.store, worker = parts_.worker, now = parts_.now(), ids = ids(), task] {
                return store->claim({worker, now, 1, ids, task});
            },
            [this, then = std::move(then)](std::exception_ptr problem, std::optional<std::vector<claimed_task>> claimed) mutable {
                bool const got = claimed && !claimed->empty();
                if (got)
                    adopt_all(std::move(*claimed));
                then(problem, got);
            });
    }

    /// Looks no more; the lease is still kept.
    void stop_looking() { parts_.waits.remove(poll_); }

    /// Gives every lease back at once; `then` when it is done, or could not be (the leases run out by themselves).
    void retire(unique_function<void()> then)
    {
        parts_.waits.remove(beat_);
        parts_.calls.run(
            offload::lane::leases, std::weak_ptr<void>{owner_},
            [store = &parts_.store, worker = parts_.worker, now = parts_.now()] {
                return store->heartbeat(worker, now, duration::zero());
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
    };

    static constexpr std::size_t most_at_once = 256;

    std::vector<workflow_id> ids() const
    {
        std::vector<workflow_id> all;
        for (auto const& [id, workflow] : workflows_)
            all.push_back(id);
        return all;
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
        parts_.calls.run(
            offload::lane::queries, std::weak_ptr<void>{owner_},
            [store = &parts_.store, worker = parts_.worker, now = parts_.now(), ids = ids(), limit] {
                found result;
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
        time_point next = parts_.now() + parts_.options.safety_poll;
        if (problem) {
            next = parts_.now() + std::min<duration>(parts_.options.safety_poll, std::chrono::seconds{1});
            complain(problem);
        } else {
            again_ = again_ || result->tasks.size() == limit;
            if (result->next_due)
                next = std::min(next, std::max(*result->next_due, parts_.now()));
            adopt_all(std::move(result->tasks));
        }
        expect(next);
        if (again_)
            look();
        parts_.schedule();
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
            [store = &parts_.store, worker = parts_.worker, time = parts_.time, lease = parts_.options.lease] {
                time_point const begun = time->now();
                return std::pair{store->heartbeat(worker, begun, lease), begun};
            },
            [this](std::exception_ptr const& problem, std::optional<std::pair<heartbeat_result, time_point>> result) {
                beating_ = false;
                problem ? complain(problem) : heard(std::move(result->first), result->second);
            });
    }

    void heard(heartbeat_result result, time_point begun)
    {
        parts_.time->synchronize(result.store_now);
        for (auto& [task, asked] : result.requests)
            on_request_(task, std::move(asked), begun);
        parts_.schedule();
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
        explicit beat_node(lease_keeper& of) : owner{of} {}
        void on_due() override { owner.beat(); }
        lease_keeper& owner;
    };
    struct poll_node final : wait_node {
        explicit poll_node(lease_keeper& of) : owner{of} {}
        void on_due() override { owner.look(); }
        lease_keeper& owner;
    };

    engine_parts& parts_;
    adopt on_claimed_;
    carry_out on_request_;
    std::weak_ptr<engine_parts> owner_;
    std::unordered_map<workflow_id, std::shared_ptr<registered_workflow>> workflows_;
    bool looking_ = false;
    bool again_ = false;
    bool starved_ = false;
    bool beating_ = false;
    beat_node beat_{*this};
    poll_node poll_{*this};
};

} // namespace tasker
