#pragma once

#include "order.hpp"
#include "story.hpp"

#include <tasker/base/ids.hpp>
#include <tasker/model/codec.hpp>
#include <tasker/model/graph.hpp>
#include <tasker/model/records.hpp>
#include <tasker/store/any_store.hpp>
#include <tasker/store/store.hpp>

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace order_service {

/// The identity of an order of a batch among all tasks, and the reference of its payment: `3/W-10422`.
inline std::string order_key(int batch, std::string const& order) { return std::to_string(batch) + '/' + order; }

/// An order as the store knows it.
struct stored_order {
    std::string key;
    tasker::task_record task;
};

/// The orders of `batch`, or of all batches when it is 0, newest first.
inline std::vector<stored_order> orders_in(tasker::any_store& store, int batch)
{
    std::string const wanted = batch == 0 ? std::string{} : std::to_string(batch) + '/';
    std::vector<stored_order> found;
    tasker::page page{.before = {}, .limit = tasker::page_limit_cap};
    for (bool more = true; more;) {
        auto tasks = store.find(tasker::task_filter{}, page);
        more = tasks.size() == page.limit;
        if (!tasks.empty())
            page.before = tasks.back().id;
        for (auto& task : tasks)
            if (task.identity_key.starts_with(wanted))
                found.push_back({task.identity_key, std::move(task)});
    }
    return found;
}

/// What happened to the order, from its audit trail.
inline order_story story_of(tasker::any_store& store, tasker::graph const& steps, tasker::task_record const& task)
{
    return {tasker::codec<order>::decode(task.input), task.state, attempts_in(steps, store.history(task.id))};
}

} // namespace order_service
