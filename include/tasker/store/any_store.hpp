#pragma once

#include <tasker/base/config.hpp>
#include <tasker/store/announcements.hpp>
#include <tasker/store/commit_line.hpp>
#include <tasker/store/step_completion.hpp>
#include <tasker/store/store.hpp>
#include <tasker/store/store_transaction.hpp>

#include <memory>
#include <utility>

namespace tasker {

/// Any store, behind one indirection: the only place where the engine's code meets the store's type.
class any_store {
public:
    /// Takes any store over; the engine's, from then on.
    template <class Store>
        requires(store<std::remove_cvref_t<Store>> && !std::same_as<std::remove_cvref_t<Store>, any_store>)
    any_store(Store&& store) : self_{std::make_unique<model<std::remove_cvref_t<Store>>>(std::forward<Store>(store))}
    {
    }

    ///@{
    /// As the store behind it keeps what the concept `store` says.
    bool blocks() const;
    void migrate();
    workflow_id register_workflow(workflow_key const& key, graph const& shape);
    commit_result commit(commit_batch const& batch);
    std::vector<claimed_task> claim(claim_request const& request);
    std::optional<task_snapshot> load(task_id task);
    heartbeat_result heartbeat(heartbeat_request const& beat);
    request_answer request(task_id task, command const& asked);
    send_answer send(message const& told);
    std::vector<message> mail(task_id task, std::int64_t after);
    std::optional<time_point> next_due(worker_id worker, time_point now, std::span<workflow_id const> workflows);
    std::vector<task_record> find(task_filter const& filter, page const& page);
    std::vector<transition_record> history(task_id task);
    store_statistics statistics(time_point now, time_point since);
    std::size_t purge(time_point before, std::size_t limit);
    ///@}

    /// Whether `begin` begins anything.
    bool is_transactional() const;
    /// A transaction for a step's body to write in, too; nothing when this store has none. Blocks.
    std::unique_ptr<store_transaction> begin();
    /// Connects to hear what other processes announce; nothing when this store has no such way. Blocks.
    std::unique_ptr<announcement_source> listen();
    /// Connects to commit small batches without blocking; nothing when this store has no such way. Blocks.
    std::unique_ptr<commit_line> open_line();
    /// Whether the store is an `immediate_store`.
    bool is_immediate() const;
    /// As `immediate_store` says; false when this store is none.
    bool complete(step_completion const& one);

private:
    struct interface {
        virtual ~interface() = default;
        virtual bool blocks() const = 0;
        virtual void migrate() = 0;
        virtual workflow_id register_workflow(workflow_key const&, graph const&) = 0;
        virtual commit_result commit(commit_batch const&) = 0;
        virtual std::vector<claimed_task> claim(claim_request const&) = 0;
        virtual std::optional<task_snapshot> load(task_id) = 0;
        virtual heartbeat_result heartbeat(heartbeat_request const&) = 0;
        virtual request_answer request(task_id, command const&) = 0;
        virtual send_answer send(message const&) = 0;
        virtual std::vector<message> mail(task_id, std::int64_t) = 0;
        virtual std::optional<time_point> next_due(worker_id, time_point, std::span<workflow_id const>) = 0;
        virtual std::vector<task_record> find(task_filter const&, page const&) = 0;
        virtual std::vector<transition_record> history(task_id) = 0;
        virtual store_statistics statistics(time_point, time_point) = 0;
        virtual std::size_t purge(time_point, std::size_t) = 0;
        virtual bool is_transactional() const = 0;
        virtual std::unique_ptr<store_transaction> begin() = 0;
        virtual std::unique_ptr<announcement_source> listen() = 0;
        virtual std::unique_ptr<commit_line> open_line() = 0;
        virtual bool is_immediate() const = 0;
        virtual bool complete(step_completion const&) = 0;
    };

    template <class Store>
    struct model final : interface {
        template <class Source>
        explicit model(Source&& source) : store{std::forward<Source>(source)}
        {
        }
        bool blocks() const override { return store.blocks(); }
        void migrate() override { store.migrate(); }
        workflow_id register_workflow(workflow_key const& k, graph const& g) override { return store.register_workflow(k, g); }
        commit_result commit(commit_batch const& b) override { return store.commit(b); }
        std::vector<claimed_task> claim(claim_request const& r) override { return store.claim(r); }
        std::optional<task_snapshot> load(task_id t) override { return store.load(t); }
        heartbeat_result heartbeat(heartbeat_request const& b) override { return store.heartbeat(b); }
        request_answer request(task_id t, command const& c) override { return store.request(t, c); }
        send_answer send(message const& m) override { return store.send(m); }
        std::vector<message> mail(task_id t, std::int64_t a) override { return store.mail(t, a); }
        std::optional<time_point> next_due(worker_id w, time_point n, std::span<workflow_id const> i) override
        {
            return store.next_due(w, n, i);
        }
        std::vector<task_record> find(task_filter const& f, page const& p) override { return store.find(f, p); }
        std::vector<transition_record> history(task_id t) override { return store.history(t); }
        store_statistics statistics(time_point n, time_point s) override { return store.statistics(n, s); }
        std::size_t purge(time_point b, std::size_t l) override { return store.purge(b, l); }
        bool is_transactional() const override { return transactional_store<Store>; }
        std::unique_ptr<store_transaction> begin() override
        {
            if constexpr (transactional_store<Store>)
                return store.begin();
            else
                return nullptr;
        }
        std::unique_ptr<announcement_source> listen() override
        {
            if constexpr (announcing_store<Store>)
                return store.listen();
            else
                return nullptr;
        }
        std::unique_ptr<commit_line> open_line() override
        {
            if constexpr (lined_store<Store>)
                return store.open_line();
            else
                return nullptr;
        }
        bool is_immediate() const override { return immediate_store<Store>; }
        bool complete(step_completion const& one) override
        {
            if constexpr (immediate_store<Store>)
                return store.complete(one);
            else
                return false;
        }

        Store store;
    };

    std::unique_ptr<interface> self_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/store/any_store.ipp>
#endif
