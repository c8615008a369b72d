#pragma once

#include "support/abandonment.hpp"
#include "support/catch.hpp"

#include <tasker/testing/simulation.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// Opens the same data again for each engine, as a new process would.
using store_opener = std::function<tasker::any_store()>;

/// A kind of store to run scenarios on.
struct store_kind {
    std::string name;
    std::function<store_opener()> prepare; ///< fresh, empty data
    std::function<bool()> is_there = [] { return true; };
};

/// The kinds there are in this test program. The memory store always is; others are added by the source that includes
/// their header, which is left out where their libraries are missing.
inline std::vector<store_kind>& store_kinds()
{
    static std::vector<store_kind> kinds{
        {"memory", [] { return [data = tasker::memory_store{}] { return tasker::any_store{data}; }; }}};
    return kinds;
}

/// Adds a kind of store before the first test runs.
struct store_registration {
    explicit store_registration(store_kind kind) { store_kinds().push_back(std::move(kind)); }
};

/// Runs `scenario(simulation&)` on a fresh store of each kind, or `scenario(store_opener const&)` for simulations of the
/// test's own making. A failure names the store. No Catch2 section a store: sections of one name in one place count as
/// one, and a scenario in a loop would run for its first value alone.
template <class Scenario>
void on_each_store(tasker::testing::simulation_options const& options, Scenario scenario)
{
    for (store_kind const& kind : store_kinds()) {
        if (!kind.is_there())
            continue;
        INFO("on the " << kind.name << " store");
        store_opener const open = kind.prepare();
        if constexpr (std::invocable<Scenario&, store_opener const&>) {
            scenario(open);
        } else {
            auto own = options;
            own.store = open;
            simulation sim{std::move(own)};
            scenario(sim);
        }
        if (abandonment::present() != nullptr)
            return; // the memory store, which is the first, does for all of them
    }
}

template <class Scenario>
void on_each_store(Scenario scenario)
{
    on_each_store(tasker::testing::simulation_options{}, std::move(scenario));
}

/// Simulation options with these engine options, whose lease and polls outlast the test unless they say otherwise.
template <class Change>
tasker::testing::simulation_options with_engine(Change change)
{
    tasker::testing::simulation_options options;
    change(options.engine);
    return options;
}

} // namespace support
