#pragma once

#include <tasker/base/uuid_generator.hpp>
#include <tasker/engine_options.hpp>
#include <tasker/event/event_bus.hpp>
#include <tasker/flow/workflow_services.hpp>
#include <tasker/runtime/body_transaction.hpp>
#include <tasker/runtime/clock.hpp>
#include <tasker/runtime/engine_environment.hpp>
#include <tasker/runtime/journal.hpp>
#include <tasker/runtime/offload.hpp>
#include <tasker/runtime/parker.hpp>
#include <tasker/runtime/ready_queue.hpp>
#include <tasker/runtime/sleeper.hpp>
#include <tasker/runtime/small_commits.hpp>
#include <tasker/runtime/task_run.hpp>
#include <tasker/store/any_store.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker {

/// The pool for bodies that block, made when the first of them comes.
template <class Lazy>
class basic_blocking_pool {
public:
    basic_blocking_pool(std::optional<boost::asio::any_io_executor> instead, std::size_t threads)
        : instead_{std::move(instead)}, threads_{threads}
    {
    }

    /// Called on the strand.
    boost::asio::any_io_executor executor()
    {
        if (instead_)
            return *instead_;
        if (!pool_)
            pool_ = std::make_unique<boost::asio::thread_pool>(threads_);
        return pool_->get_executor();
    }

private:
    std::optional<boost::asio::any_io_executor> instead_;
    std::size_t threads_;
    std::unique_ptr<boost::asio::thread_pool> pool_;
};
using blocking_pool = basic_blocking_pool<void>;

/// A task that another one starts.
struct child_start {
    child_request asked;
    std::string key; ///< the same task however often it is started
    task_id parent;
    unique_function<void(std::exception_ptr, task_id)> done; ///< when it is durable
};

namespace detail {
/// A start failed, and nobody can say now whether an earlier one has made the task.
struct start_in_doubt final : std::exception {};
} // namespace detail

/// The state that the pieces of one engine share. Belongs to the strand, but for what says otherwise.
template <class Lazy>
struct basic_engine_parts {
    basic_engine_parts(boost::asio::any_io_executor on_strand, any_store into, engine_options const& given, engine_environment around,
                 std::function<void()> schedule_drain, journal::committed on_committed)
        : options{given}, strand{std::move(on_strand)}, time{around.time ? std::move(around.time) : std::make_shared<system_clock>()}, random{around.seed},
          ids{around.seed ^ 0x5bd1'e995'9d1b'54a5U}, worker{ids.next<worker_id>(time->now())}, store{std::move(into)},
          calls{strand, store.blocks() ? around.calls : store_calls::in_place}, waits{*time, strand, schedule_drain},
          blocking{std::move(around.blocking), options.blocking_threads}, small{{store, calls, *time, strand}},
          records{{store, calls, small, waits, *time, events, worker, options.max_journal_records, options.max_journal_bytes,
                   options.record_start_within},
                  std::move(on_committed)},
          schedule{schedule_drain}, awake{{}, std::move(schedule_drain)}
    {
    }

    void serve(std::shared_ptr<basic_engine_parts> const& alias)
    {
        waits.serve(alias);
        small.serve(alias);
        records.serve(alias);
    }

    /// The time; within a turn of the drain, that of its beginning or of the end of the last body: reading a clock for each
    /// step would cost more than the step.
    time_point now() const { return turn_time ? *turn_time : time->now(); }
    /// A body or a subscriber may have taken long.
    void time_passed()
    {
        if (turn_time)
            turn_time = time->now();
    }
    double draw() { return std::uniform_real_distribution<double>{}(random); }

    engine_options const options;
    boost::asio::any_io_executor const strand;
    std::shared_ptr<clock> const time; ///< any thread
    std::mt19937_64 random;
    uuid_generator ids;
    worker_id const worker;
    event_bus events; ///< any thread
    any_store store;  ///< any thread
    bool const store_is_immediate = !store.blocks() && store.is_immediate();
    std::shared_ptr<transaction_gate> const transactions = std::make_shared<transaction_gate>(store); ///< any thread
    offload calls;
    parker waits;
    blocking_pool blocking; ///< outlives the attempts that wait in the journal
    small_commits small;
    journal records;
    ready_queue ready;
    std::function<void()> const schedule; ///< have the drain run soon
    std::function<void(child_start)> start_child; ///< set by the engine
    std::function<bool(task_run&, step_no)> start_now; ///< set by the engine; false when the step has to wait for its turn
    std::unordered_map<task_id, std::shared_ptr<task_run>> residents;
    awake_list awake;
    std::list<std::shared_ptr<sleeper>> sleepers; ///< bodies asleep on the engine's clock
    std::optional<time_point> turn_time;          ///< nothing: no turn of the drain is under way
    std::size_t running_steps = 0;
    time_point lease_until{}; ///< as far as this engine knows: past it others may own its tasks, so no step starts
    time_point turn_until{};  ///< when the drain lets others have the thread
    bool draining = false;
};
using engine_parts = basic_engine_parts<void>;

} // namespace tasker
