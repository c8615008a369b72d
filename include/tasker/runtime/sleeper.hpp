#pragma once

#include <tasker/flow/step_context.hpp>
#include <tasker/runtime/parker.hpp>

#include <boost/asio/error.hpp>

#include <list>
#include <memory>
#include <utility>

namespace tasker {

/// A body asleep on the engine's clock. Owned by the engine's list of sleepers while it is parked.
template <class Lazy>
class basic_sleeper final : public wait_node {
public:
    using list = std::list<std::shared_ptr<basic_sleeper>>;

    explicit basic_sleeper(attempt_services::wake then) : then_{std::move(then)} {}

    /// Parks `one` until `due`; a sleeper that was cancelled before wakes at once.
    static void lie_down(std::shared_ptr<basic_sleeper> const& one, list& sleepers, parker& waits, time_point due)
    {
        if (!one->then_)
            return;
        one->sleepers_ = &sleepers;
        one->place_ = sleepers.insert(sleepers.end(), one);
        waits.park(*one, due);
    }

    void on_due() override { end({}); }
    void cancel() { end(boost::asio::error::operation_aborted); }

private:
    void end(boost::system::error_code result)
    {
        auto then = std::exchange(then_, {});
        std::shared_ptr<basic_sleeper> self;
        if (auto* const sleepers = std::exchange(sleepers_, nullptr)) {
            self = *place_;
            sleepers->erase(place_);
        }
        if (then)
            then(result);
    }

    attempt_services::wake then_;
    list* sleepers_ = nullptr;
    list::iterator place_;
};
using sleeper = basic_sleeper<void>;

} // namespace tasker
