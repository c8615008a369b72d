#pragma once

#include "progress_bar.hpp"
#include "story.hpp"

#include <tasker/base/ids.hpp>
#include <tasker/base/overloaded.hpp>
#include <tasker/event/events.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>

namespace order_service {

/// Counts an order that has ended so; an unfinished one counts as nothing.
inline void count(progress& sum, outcome how)
{
    switch (how) {
    case outcome::shipped: ++sum.shipped; break;
    case outcome::refused_by_bank:
    case outcome::refused_by_shop: ++sum.refused; break;
    case outcome::given_up: ++sum.failed; break;
    case outcome::unfinished: break;
    }
}

/// Keeps a `progress` up to date by listening to the engine. Thread safety: none; subscribe it in place.
class progress_tracker {
public:
    explicit progress_tracker(progress start) : now_{start} {}

    progress now() const
    {
        progress copy = now_;
        copy.running = running_.size();
        copy.waiting = waiting_.size();
        return copy;
    }

    void hear(tasker::event const& heard)
    {
        std::visit(tasker::overloaded{[this](tasker::step_started const& e) { start(e); },
                                      [this](tasker::step_completed const& e) {
                                          running_.erase({e.task, e.step});
                                      },
                                      [this](tasker::step_cancelled const& e) {
                                          running_.erase({e.task, e.step});
                                      },
                                      [this](tasker::step_failed const& e) { fail(e); },
                                      [this](tasker::task_completed const&) { ++now_.shipped; },
                                      [this](tasker::task_failed const& e) {
                                          ++(refused_.erase(e.task) > 0 ? now_.refused : now_.failed);
                                      },
                                      [](auto const&) {}},
                   heard);
    }

private:
    using attempt = std::pair<tasker::task_id, std::string>;

    void start(tasker::step_started const& e)
    {
        waiting_.erase({e.task, e.step});
        running_.insert({e.task, e.step});
    }

    void fail(tasker::step_failed const& e)
    {
        running_.erase({e.task, e.step});
        if (e.next_retry_at)
            waiting_.insert({e.task, e.step});
        else if (ending_of(tasker::step_state::error, e.what) == ending::refused)
            refused_.insert(e.task);
    }

    progress now_;
    std::set<attempt> running_;
    std::set<attempt> waiting_;
    std::set<tasker::task_id> refused_;
};

} // namespace order_service
