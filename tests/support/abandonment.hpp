#pragma once

#include <tasker/flow/workflow_builder.hpp>
#include <tasker/testing/simulation.hpp>

#include "support/audit.hpp"
#include "support/catch.hpp"
#include "support/event_witness.hpp"

#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace support {

/// While it lives, the first engine that has executed so many handlers is abandoned: it is destroyed wherever it is, the
/// rest of the scenario does not happen, and a stand-in must bring the store's tasks to their end. Scenarios need not know:
/// they use `support::simulation`. One at a time.
class abandonment {
public:
    explicit abandonment(std::size_t after) : left_{after} { present() = this; }
    abandonment(abandonment const&) = delete;
    abandonment& operator=(abandonment const&) = delete;
    ~abandonment() { present() = nullptr; }

    /// The one there is, or null.
    static abandonment*& present()
    {
        static abandonment* one = nullptr;
        return one;
    }

    /// Whether it is time.
    bool is_due() { return happened || --left_ == 0; }

    [[noreturn]] static void leave_scenario()
    {
        throw Catch::TestFailureException{}; // the one exception that no assertion takes for a result
    }

    bool happened = false;
    std::string lies;

private:
    std::size_t left_;
};

/// Finishes what an abandoned simulation has left in its store, with bodies that succeed at once, and compares the store
/// with itself and with what was told.
class estate {
public:
    estate(tasker::testing::simulation& of, tasker::testing::simulation_options options) : heir_{std::move(options)}
    {
        heir_.advance(of.now() - heir_.now() + std::chrono::days{366}); // every lease is over by then
        auto const found = snapshots();
        for (tasker::workflow const& flow : of.workflows()) {
            heir_.add(stand_in(flow));
            shapes_.insert_or_assign(heir_.engine().id_of(flow.key()), flow.shape());
            witness_.know(flow, 0);
        }
        for (tasker::event const& one : of.events())
            hear(one);
        witness_.forget_running();
        for (tasker::task_snapshot const& one : found) // a commit may have been made, and its answer lost
            for (auto const& [no, record] : one.steps)
                if (shapes_.contains(one.task.workflow) && tasker::satisfies_children(record.state))
                    witness_.know_done(one.task.id, shapes_.at(one.task.workflow).step(no).name);
    }

    std::string settle()
    {
        auto const stored = heir_.await(heir_.engine().find({}, {.limit = tasker::page_limit_cap}));
        for (tasker::task_record const& one : stored)
            if (shapes_.contains(one.workflow))
                heir_.finish(one.id);
        for (tasker::task_record const& one : stored)
            if (auto const shape = shapes_.find(one.workflow); shape != shapes_.end())
                lies_ += audit{shape->second, read_task(heir_, heir_.engine(), shape->second, one.id)}.lies();
        for (tasker::task_id const id : accepted_)
            if (!heir_.await(heir_.engine().load(id)))
                lies_ += "task " + to_text(id) + " was accepted, and the store does not have it\n";
        for (tasker::event const& one : heir_.events())
            witness_.hear(one);
        return lies_ + witness_.lies();
    }

private:
    std::vector<tasker::task_snapshot> snapshots()
    {
        std::vector<tasker::task_snapshot> found;
        for (tasker::task_record const& one : heir_.await(heir_.engine().find({}, {.limit = tasker::page_limit_cap})))
            found.push_back(*heir_.await(heir_.engine().load(one.id)));
        return found;
    }

    void hear(tasker::event const& one)
    {
        if (auto const* submitted = std::get_if<tasker::task_submitted>(&one))
            accepted_.insert(submitted->task);
        if (auto const* claimed = std::get_if<tasker::task_claimed>(&one); claimed != nullptr && claimed->recovered)
            witness_.forget_running(); // the scenario had an engine die, too
        witness_.hear(one);
    }

    /// The same steps, with bodies of which nothing can be wrong.
    static tasker::workflow stand_in(tasker::workflow const& flow)
    {
        tasker::workflow_builder builder{flow.key().name_space, flow.key().name, flow.key().version};
        tasker::graph const& shape = flow.shape();
        for (tasker::step_no no = 0; no < shape.size(); ++no) {
            std::vector<std::string> parents;
            for (tasker::step_no const parent : shape.parents(no))
                parents.push_back(shape.step(parent).name);
            tasker::step_options options = shape.step(no).options;
            options.run_on = {};
            builder.step(shape.step(no).name, tasker::after_named(parents), [](tasker::step_context&) { return 0; }, options);
        }
        return std::move(builder).build();
    }

    tasker::testing::simulation heir_;
    std::map<tasker::workflow_id, tasker::graph> shapes_;
    std::set<tasker::task_id> accepted_;
    event_witness witness_{std::numeric_limits<std::size_t>::max()};
    std::string lies_;
};

namespace detail {

/// The options of a simulation that ends when it is to be abandoned; as they were when nothing is.
inline tasker::testing::simulation_options watched(tasker::testing::simulation_options options)
{
    if (abandonment::present() == nullptr)
        return options;
    if (!options.store)
        options.store = [data = tasker::memory_store{}] { return tasker::any_store{data}; };
    options.after_handler = [open = options.store](tasker::testing::simulation& sim) {
        abandonment* const now = abandonment::present();
        if (now == nullptr || !now->is_due())
            return;
        if (!std::exchange(now->happened, true)) {
            sim.abandon();
            tasker::testing::simulation_options heirs;
            heirs.store = open;
            heirs.seed = 1'000'000;
            heirs.time_limit = std::chrono::days{100 * 366};
            now->lies = estate{sim, std::move(heirs)}.settle();
        }
        abandonment::leave_scenario();
    };
    return options;
}

} // namespace detail

/// A simulation that is abandoned when an `abandonment` says so.
class simulation : public tasker::testing::simulation {
public:
    explicit simulation(tasker::testing::simulation_options options = {}) : tasker::testing::simulation{detail::watched(std::move(options))} {}
};

} // namespace support
