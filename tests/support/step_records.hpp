#pragma once

#include <tasker/model/graph.hpp>
#include <tasker/model/records.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

/// Small graphs without bodies, and records of steps as they lie in a store: for the layers that only decide.
namespace steps {

/// An instant that every pure test may start from.
inline constexpr tasker::time_point noon{std::chrono::sys_days{std::chrono::year{2030} / 6 / 15} + std::chrono::hours{12}};

using links = std::vector<std::pair<std::string, std::string>>; ///< parent, child

inline tasker::graph graph_of(std::vector<std::string> const& names, links const& edges, tasker::step_options const& options = {})
{
    auto const number = [&](std::string const& name) {
        return static_cast<tasker::step_no>(std::find(names.begin(), names.end(), name) - names.begin());
    };
    std::vector<tasker::step_definition> definitions;
    for (auto const& name : names)
        definitions.push_back({name, options});
    std::vector<tasker::edge> numbered;
    for (auto const& [parent, child] : edges)
        numbered.push_back({number(parent), number(child)});
    return tasker::graph{std::move(definitions), std::move(numbered)};
}

/// DM4: one, two -> three -> four.
inline tasker::graph dummy() { return graph_of({"one", "two", "three", "four"}, {{"two", "three"}, {"three", "four"}}); }

/// D7: a diamond of two branches of two steps each.
inline tasker::graph diamond()
{
    return graph_of({"start_workflow", "branch_one_process", "branch_one_validate", "branch_two_process",
                     "branch_two_validate", "merge_branches", "end_workflow"},
                    {{"start_workflow", "branch_one_process"},
                     {"start_workflow", "branch_two_process"},
                     {"branch_one_process", "branch_one_validate"},
                     {"branch_two_process", "branch_two_validate"},
                     {"branch_one_validate", "merge_branches"},
                     {"branch_two_validate", "merge_branches"},
                     {"merge_branches", "end_workflow"}});
}

/// Two parents and their child.
inline tasker::graph join() { return graph_of({"left", "right", "child"}, {{"left", "child"}, {"right", "child"}}); }

/// A parent and its child.
inline tasker::graph pair() { return graph_of({"a", "b"}, {{"a", "b"}}); }

/// Steps that wait for nothing.
inline tasker::graph independent(std::size_t count)
{
    std::vector<std::string> names;
    for (std::size_t at = 0; at < count; ++at)
        names.push_back("step " + std::to_string(at));
    return graph_of(names, {});
}

inline tasker::graph single(tasker::step_options const& options = {}) { return graph_of({"only"}, {}, options); }

inline tasker::step_record in_state(tasker::step_state state)
{
    tasker::step_record record;
    record.state = state;
    return record;
}

/// A failed step: `attempts` made, the last one ended at `noon`, and the next may start `wait` later.
inline tasker::step_record failed(int attempts, tasker::duration wait,
                                  tasker::failure_kind kind = tasker::failure_kind::transient)
{
    tasker::step_record record = in_state(tasker::step_state::error);
    record.attempts = attempts;
    record.started_at = noon;
    record.finished_at = noon;
    record.next_retry_at = noon + wait;
    record.last_failure = tasker::failure{kind, "it broke", "std::runtime_error"};
    return record;
}

/// A failed step without a next attempt.
inline tasker::step_record failed_for_good(int attempts, tasker::failure_kind kind = tasker::failure_kind::transient)
{
    tasker::step_record record = failed(attempts, tasker::duration::zero(), kind);
    record.next_retry_at.reset();
    return record;
}

} // namespace steps
