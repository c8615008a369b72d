#pragma once

#include "critical_path.hpp"
#include "instance.hpp"

#include <tasker/base/ids.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

namespace wfrun {

/// Which of the ready tasks starts first when a worker is free.
enum class start_order {
    critical_path, ///< the one from which the end is farthest, in time
    fifo,          ///< the one that became ready first; at one instant, in the order of the file
    engine, ///< as tasker does when nobody says anything: the one with the longest chain of steps behind it, in number
};
inline constexpr std::array<std::string_view, 3> order_names{"critical path first", "first in, first out",
                                                             "the engine's own order"};

constexpr std::string_view name(start_order order) { return order_names[static_cast<std::size_t>(order)]; }

/// When each task starts and ends, counted from the start of the first.
struct schedule {
    struct slot {
        tasker::duration start{};
        tasker::duration end{};

        friend bool operator==(slot const&, slot const&) = default;
    };
    std::vector<slot> slots;                     ///< by task
    std::vector<tasker::step_no> order_of_start; ///< filled by `plan` alone

    tasker::duration makespan() const
    {
        tasker::duration last{};
        for (slot const& one : slots)
            last = std::max(last, one.end);
        return last;
    }
};

/// Plays a workflow with a number of workers: whenever one is free, it takes the first ready task in the given order.
/// As in tasker, it takes what is ready at that moment. The children of the task that it has just ended are not: they
/// wait until that end is durable, which takes no time here but comes after.
class list_scheduler {
public:
    list_scheduler(instance const& of, std::size_t workers, start_order order)
        : of_{of}, free_{workers}, ranks_{ranks_for(of, order)}, missing_(of.tasks.size())
    {
        result_.slots.resize(of.tasks.size());
    }

    schedule play()
    {
        for (tasker::step_no no = 0; no < of_.tasks.size(); ++no)
            if ((missing_[no] = of_.shape.parents(no).size()) == 0)
                make_ready(no);
        for (start_ready(); !ended_.empty() || !running_.empty(); start_ready())
            if (ended_.empty())
                end_what_is_due();
            else
                release_children();
        return std::move(result_);
    }

private:
    struct ready_task {
        std::int64_t rank; ///< lower first
        std::uint64_t arrival;
        tasker::step_no task;
        friend auto operator<=>(ready_task const&, ready_task const&) = default;
    };
    using ending = std::pair<tasker::duration, tasker::step_no>;

    static std::vector<std::int64_t> ranks_for(instance const& of, start_order order)
    {
        std::vector<std::int64_t> ranks(of.tasks.size());
        if (order == start_order::critical_path) {
            std::int64_t rank = 0;
            for (tasker::step_no const no : farthest_first(of))
                ranks[no] = rank++;
        } else if (order == start_order::engine) {
            for (tasker::step_no no = 0; no < ranks.size(); ++no)
                ranks[no] = -std::int64_t{of.shape.remaining_path(no)};
        }
        return ranks;
    }

    void make_ready(tasker::step_no no) { ready_.push({ranks_[no], arrivals_++, no}); }

    void start_ready()
    {
        while (free_ > 0 && !ready_.empty()) {
            tasker::step_no const no = ready_.top().task;
            ready_.pop();
            result_.slots[no] = {now_, now_ + of_.tasks[no].runtime};
            result_.order_of_start.push_back(no);
            if (of_.tasks[no].runtime == tasker::duration::zero()) {
                ended_.push_back(no); // its worker is free again at once
                continue;
            }
            running_.push({result_.slots[no].end, no});
            --free_;
        }
    }

    void end_what_is_due()
    {
        for (now_ = running_.top().first; !running_.empty() && running_.top().first == now_; ++free_) {
            ended_.push_back(running_.top().second);
            running_.pop();
        }
    }

    void release_children()
    {
        std::vector<tasker::step_no> next;
        for (tasker::step_no const no : std::exchange(ended_, {}))
            for (tasker::step_no const child : of_.shape.children(no))
                if (--missing_[child] == 0)
                    next.push_back(child);
        std::sort(next.begin(), next.end());
        for (tasker::step_no const no : next)
            make_ready(no);
    }

    instance const& of_;
    std::size_t free_;
    std::vector<std::int64_t> ranks_;
    std::vector<std::size_t> missing_; ///< parents that have not ended
    std::priority_queue<ready_task, std::vector<ready_task>, std::greater<>> ready_;
    std::vector<tasker::step_no> ended_; ///< whose children are not released yet
    std::priority_queue<ending, std::vector<ending>, std::greater<>> running_;
    std::uint64_t arrivals_ = 0;
    tasker::duration now_{};
    schedule result_;
};

/// The schedule that the file's run times give. Preconditions: at least one worker.
inline schedule plan(instance const& of, std::size_t workers, start_order order)
{
    return list_scheduler{of, workers, order}.play();
}

/// What no schedule goes below: the critical path, or the work shared out evenly.
inline tasker::duration shortest_possible(instance const& of, std::size_t workers)
{
    auto const count = static_cast<std::int64_t>(std::min(workers, std::max<std::size_t>(1, of.tasks.size())));
    tasker::duration const share{(of.work().count() + count - 1) / count};
    return std::max(critical_path_of(of).length, share);
}

} // namespace wfrun
