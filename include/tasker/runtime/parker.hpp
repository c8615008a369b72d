#pragma once

#include <tasker/runtime/clock.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace tasker {

template <class>
class basic_parker;
using parker = basic_parker<void>;

/// Something that waits for a time. Removes itself from its parker when destroyed.
template <class Lazy>
class basic_wait_node {
public:
    basic_wait_node() = default;
    basic_wait_node(basic_wait_node const&) = delete;
    basic_wait_node& operator=(basic_wait_node const&) = delete;
    virtual ~basic_wait_node();

    /// Called once when the time has come; the node is no longer parked then and may be parked again.
    virtual void on_due() = 0;

    bool is_parked() const noexcept { return owner_ != nullptr; }
    time_point due() const noexcept { return due_; }

private:
    template <class>
    friend class basic_parker;
    parker* owner_ = nullptr;
    std::size_t position_ = 0;
    time_point due_{};
};
using wait_node = basic_wait_node<void>;

/// Keeps every wait of an engine in one heap and arms one alarm for the earliest: a wait costs a heap entry, not a timer.
/// Thread safety: none; belongs to the engine's strand. `wake` is called on that strand when something may be due.
template <class Lazy>
class basic_parker {
public:
    basic_parker(clock& time, boost::asio::any_io_executor executor, unique_function<void()> wake)
        : alarm_{time.make_alarm(std::move(executor))},
          wake_{std::make_shared<unique_function<void()>>(std::move(wake))}
    {
    }
    ~basic_parker()
    {
        alarm_->cancel();
        for (wait_node* node : heap_)
            node->owner_ = nullptr;
    }
    basic_parker(basic_parker const&) = delete;
    basic_parker& operator=(basic_parker const&) = delete;

    /// Alarms that ring after `owner` is gone are silent; without one, those that ring after the parker is.
    void serve(std::weak_ptr<void> owner) { owner_ = std::move(owner); }

    /// Parks `node` until `due`, moving it when it is parked already.
    void park(wait_node& node, time_point due)
    {
        if (node.is_parked())
            remove(node);
        node.owner_ = this;
        node.due_ = due;
        node.position_ = heap_.size();
        heap_.push_back(&node);
        sift_up(node.position_);
        arm();
    }

    void remove(wait_node& node)
    {
        if (node.owner_ != this)
            return;
        std::size_t const hole = node.position_;
        node.owner_ = nullptr;
        wait_node* const last = heap_.back();
        heap_.pop_back();
        if (last == &node)
            return;
        place(last, hole);
        sift_up(hole);
        sift_down(last->position_);
    }

    /// Calls `on_due` of every node whose time has come, earliest first.
    void fire(time_point now)
    {
        while (!heap_.empty() && heap_.front()->due_ <= now) {
            wait_node& node = *heap_.front();
            remove(node);
            node.on_due();
        }
        arm();
    }

    std::size_t size() const noexcept { return heap_.size(); }

private:
    void arm()
    {
        if (heap_.empty() || (armed_for_ && *armed_for_ <= heap_.front()->due_))
            return;
        armed_for_ = heap_.front()->due_;
        alarm_->set(*armed_for_, [this, owner = owner_, alive = std::weak_ptr{wake_}] {
            auto const held = owner ? owner->lock() : nullptr;
            auto const wake = owner && !held ? nullptr : alive.lock();
            if (!wake)
                return;
            armed_for_.reset();
            (*wake)();
        });
    }

    void place(wait_node* node, std::size_t at)
    {
        heap_[at] = node;
        node->position_ = at;
    }

    void sift_up(std::size_t at)
    {
        wait_node* const node = heap_[at];
        for (; at > 0 && node->due_ < heap_[(at - 1) / 2]->due_; at = (at - 1) / 2)
            place(heap_[(at - 1) / 2], at);
        place(node, at);
    }

    void sift_down(std::size_t at)
    {
        wait_node* const node = heap_[at];
        for (;;) {
            std::size_t child = 2 * at + 1;
            if (child >= heap_.size())
                break;
            if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_)
                ++child;
            if (!(heap_[child]->due_ < node->due_))
                break;
            place(heap_[child], at);
            at = child;
        }
        place(node, at);
    }

    std::unique_ptr<alarm> alarm_;
    std::shared_ptr<unique_function<void()>> wake_; ///< also tells a late alarm that the parker is gone
    std::optional<std::weak_ptr<void>> owner_;
    std::vector<wait_node*> heap_;
    std::optional<time_point> armed_for_;
};

template <class Lazy>
basic_wait_node<Lazy>::~basic_wait_node()
{
    if (owner_ != nullptr)
        owner_->remove(*this);
}

} // namespace tasker
