#pragma once

#include "ledger.hpp"
#include "order.hpp"
#include "orders_in_store.hpp"

#include <tasker/model/codec.hpp>
#include <tasker/model/graph.hpp>
#include <tasker/model/records.hpp>
#include <tasker/model/states.hpp>
#include <tasker/store/any_store.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace order_service {

/// What the database and the gateway's ledger say about one order.
struct order_evidence {
    std::size_t tasks = 0;
    tasker::task_state state = tasker::task_state::pending;
    tasker::step_state charge = tasker::step_state::pending;
    std::optional<receipt> paid; ///< the result of the charge step
    std::size_t running = 0;     ///< steps that are in progress though nobody runs them
    std::size_t requests = 0;    ///< that reached the gateway
    std::size_t repeats = 0;     ///< of them, those that came when it was charged already
    std::vector<ledger_entry> charges;

    /// Charged, but the answer was lost or not yet recorded: the next attempt gets it from the ledger.
    bool unrecorded() const { return !charges.empty() && charge != tasker::step_state::complete; }
};

/// Compares the database with the ledger. Neither may be in use while it is gathered.
class order_check {
public:
    order_check(tasker::any_store& store, tasker::graph const& steps, std::vector<ledger_entry> const& ledger)
    {
        auto const charge_step = steps.find("charge");
        for (auto const& [key, task] : orders_in(store, 0)) {
            auto& order = orders_[key];
            ++order.tasks;
            order.state = task.state;
            auto const snapshot = store.load(task.id);
            for (auto const& [no, record] : snapshot->steps) {
                order.running += record.state == tasker::step_state::in_progress;
                if (no == charge_step)
                    take_charge_step(order, record);
            }
        }
        for (auto const& entry : ledger) {
            auto& order = orders_[entry.reference];
            ++order.requests;
            order.repeats += !order.charges.empty();
            if (entry.charged)
                order.charges.push_back(entry);
        }
    }

    /// What is wrong, a sentence each; empty: all is well.
    std::vector<std::string> problems() const
    {
        std::vector<std::string> found;
        for (auto const& [key, order] : orders_)
            if (auto const problem = problem_of(order); !problem.empty())
                found.push_back("Order " + key + " " + problem);
        return found;
    }

    /// A line an order: `1/W-10422 task=complete charge=complete requests=2 charges=1`.
    void list(std::ostream& out) const
    {
        for (auto const& [key, order] : orders_)
            out << key << " task=" << name(order.state) << " charge=" << name(order.charge)
                << " requests=" << order.requests << " charges=" << order.charges.size() << '\n';
    }

    std::string summary() const
    {
        std::size_t finished = 0;
        std::size_t running = 0;
        std::size_t charges = 0;
        std::size_t repeats = 0;
        std::size_t unrecorded = 0;
        for (auto const& [key, order] : orders_) {
            finished += tasker::is_finished(order.state);
            running += order.running;
            charges += order.charges.size();
            repeats += order.repeats;
            unrecorded += order.unrecorded();
        }
        return std::to_string(orders_.size()) + " orders, " + std::to_string(finished) + " of them finished; " +
               std::to_string(running) + " steps cut off as they ran.\n" + std::to_string(charges) + " charges, " +
               std::to_string(unrecorded) + " of them not recorded by their step yet; " + std::to_string(repeats) +
               " requests for another that were answered from the ledger.";
    }

private:
    static void take_charge_step(order_evidence& order, tasker::step_record const& record)
    {
        order.charge = record.state;
        if (record.state == tasker::step_state::complete)
            order.paid = tasker::codec<receipt>::decode(record.result);
    }

    static std::string problem_of(order_evidence const& order)
    {
        bool const finished = tasker::is_finished(order.state);
        if (order.tasks != 1)
            return "is " + std::to_string(order.tasks) + " tasks, but must be one.";
        if (order.charges.size() > 1)
            return "was charged " + std::to_string(order.charges.size()) + " times.";
        if (order.paid && order.charges.empty())
            return "has a receipt, but the gateway knows of no charge.";
        if (order.paid &&
            (order.paid->charge != order.charges[0].charge || order.paid->cents != order.charges[0].cents))
            return "has a receipt that is not the gateway's.";
        if (order.state == tasker::task_state::complete && !order.paid)
            return "was shipped without a charge.";
        if (finished && order.state != tasker::task_state::complete && !order.charges.empty())
            return "was charged and not shipped.";
        return {};
    }

    std::map<std::string, order_evidence> orders_;
};

} // namespace order_service
