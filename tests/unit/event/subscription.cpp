#include <tasker/event/event_bus.hpp>
#include <tasker/event/subscription.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace tasker;

namespace {

constexpr subscribe_options in_place{.delivery = delivery::in_place};
constexpr subscribe_options queued{.delivery = delivery::queued};

static_assert(std::is_nothrow_move_constructible_v<subscription> && !std::is_copy_constructible_v<subscription>);

/// Tells when the subscriber that holds its `owner()` is destroyed.
class last_words {
public:
    /// The promise lives as long as the call that keeps it, which may end after the waiting test.
    std::shared_ptr<void> owner()
    {
        auto said = std::make_shared<std::promise<void>>();
        heard_ = said->get_future();
        return {nullptr, [said](void*) { said->set_value(); }};
    }
    void wait() const { heard_.wait(); }

private:
    std::future<void> heard_;
};

} // namespace

TEST_CASE("when a subscription ends its subscriber is destroyed, and told nothing more")
{
    for (auto const& options : {in_place, queued}) {
        event_bus bus;
        std::atomic<int> heard = 0;
        auto const owned = std::make_shared<int>(0);
        {
            auto const s = bus.subscribe([&heard, owned](step_started const&) { ++heard; }, options);
            CHECK(owned.use_count() == 2);
            bus.publish(step_started{});
            s.flush();
        }
        CHECK(owned.use_count() == 1);
        bus.publish(step_started{});
        bus.flush();
        CHECK(heard == 1);
    }
}

TEST_CASE("an empty subscription does nothing and counts nothing")
{
    subscription none;
    CHECK_FALSE(none);
    none.flush();
    none.reset();
    CHECK(none.dropped() == 0);
    CHECK(none.failures() == 0);
}

TEST_CASE("a subscription that is moved goes on, and one that is assigned to ends what it was")
{
    event_bus bus;
    int first = 0;
    int second = 0;
    auto one = bus.subscribe([&](step_started const&) { ++first; }, in_place);
    auto two = bus.subscribe([&](step_started const&) { ++second; }, in_place);
    subscription moved{std::move(one)};
    CHECK_FALSE(one);
    CHECK(moved);
    bus.publish(step_started{});
    CHECK(first == 1);
    moved = std::move(two);
    bus.publish(step_started{});
    CHECK(first == 1);
    CHECK(second == 2);
}

TEST_CASE("unsubscribing waits until the call that runs on another thread has ended")
{
    for (auto const& options : {in_place, queued}) {
        event_bus bus;
        std::latch entered{1};
        std::atomic<bool> finished = false;
        auto s = bus.subscribe(
            [&](step_started const&) {
                entered.count_down();
                for (int more = 0; more < 1'000; more += bus.wants<step_started>() ? 0 : 1) // until it is unsubscribed
                    std::this_thread::yield();
                finished = true;
            },
            options);
        std::thread publisher{[&] { bus.publish(step_started{}); }};
        entered.wait();
        s.reset();
        CHECK(finished);
        publisher.join();
    }
}

TEST_CASE("unsubscribing discards what waits in the queue")
{
    event_bus bus;
    last_words destroyed;
    std::latch published{1};
    std::atomic<int> heard = 0;
    subscription s;
    s = bus.subscribe([&, kept = destroyed.owner()](step_started const&) {
        published.wait();
        ++heard;
        s.reset();
    });
    for (int at = 0; at < 10; ++at)
        bus.publish(step_started{});
    published.count_down();
    destroyed.wait();
    CHECK(heard == 1);
}

TEST_CASE("a subscriber may end its own subscription from within a call, which is then its last")
{
    for (auto const& options : {in_place, queued}) {
        event_bus bus;
        std::atomic<int> heard = 0;
        last_words destroyed;
        subscription s;
        std::latch subscribed{1};
        s = bus.subscribe(
            [&, kept = destroyed.owner()](step_started const&) {
                subscribed.wait();
                ++heard;
                s.reset();
                s.reset();
            },
            options);
        subscribed.count_down();
        bus.publish(step_started{});
        destroyed.wait();
        bus.publish(step_started{});
        bus.flush();
        CHECK(heard == 1);
        CHECK_FALSE(bus.wants<step_started>());
    }
}

TEST_CASE("flush from within the subscriber returns at once")
{
    event_bus bus;
    subscription s;
    std::promise<void> returned;
    std::latch subscribed{1};
    s = bus.subscribe([&](step_started const&) {
        subscribed.wait();
        s.flush();
        bus.flush();
        returned.set_value();
    });
    subscribed.count_down();
    bus.publish(step_started{});
    returned.get_future().wait();
    s.flush();
    CHECK(s.failures() == 0);
}

TEST_CASE("a subscriber that owns its own subscription is destroyed with the bus, without waiting for itself")
{
    for (auto const& options : {in_place, queued}) {
        auto const alive = std::make_shared<int>(0);
        {
            event_bus bus;
            auto own = std::make_shared<subscription>();
            *own = bus.subscribe([own, alive](step_started const&) {}, options);
            own.reset();
            bus.publish(step_started{});
            CHECK(alive.use_count() == 2);
        }
        CHECK(alive.use_count() == 1);
    }
}

TEST_CASE("a subscription may outlive its bus")
{
    for (auto const& options : {in_place, queued}) {
        subscription s;
        std::atomic<int> heard = 0;
        {
            event_bus bus;
            s = bus.subscribe([&](step_started const&) { ++heard; }, options);
            bus.publish(step_started{});
        }
        CHECK(heard == 1);
        CHECK(s);
        s.flush();
        CHECK(s.dropped() == 0);
        s.reset();
        CHECK_FALSE(s);
    }
}

TEST_CASE("a subscriber may destroy the bus, and what is queued is delivered all the same")
{
    for (auto const& options : {in_place, queued}) {
        auto bus = std::make_unique<event_bus>();
        std::latch published{1};
        std::promise<int> last;
        auto const s = bus->subscribe(
            [&](step_started const& e) {
                published.wait();
                if (e.attempt == 1)
                    bus.reset();
                if (e.attempt == 2 || options.delivery == delivery::in_place)
                    last.set_value(e.attempt);
            },
            options);
        step_started e;
        e.attempt = 1;
        if (options.delivery == delivery::in_place) {
            published.count_down();
            bus->publish(e);
            CHECK(last.get_future().get() == 1);
        } else {
            bus->publish(e);
            e.attempt = 2;
            bus->publish(e);
            published.count_down();
            CHECK(last.get_future().get() == 2);
        }
        CHECK(bus == nullptr);
    }
}

TEST_CASE("bus and subscriptions may end at the same time on different threads")
{
    for (int round = 0; round < 100; ++round) {
        auto bus = std::make_unique<event_bus>();
        std::atomic<int> heard = 0;
        auto a = bus->subscribe([&](step_started const&) { ++heard; }, queued);
        auto b = bus->subscribe([&](step_started const&) { ++heard; }, in_place);
        bus->publish(step_started{});
        std::latch start{3};
        std::thread first{[&] {
            start.arrive_and_wait();
            a.reset();
        }};
        std::thread second{[&] {
            start.arrive_and_wait();
            b.reset();
        }};
        start.arrive_and_wait();
        bus.reset();
        first.join();
        second.join();
        CHECK(heard >= 1);
        CHECK(heard <= 2);
    }
}

TEST_CASE("subscribers come and go while many threads publish, and one that stays misses nothing")
{
    constexpr int threads = 3;
    constexpr int each = 1'000;
    event_bus bus;
    std::atomic<int> stayed = 0;
    std::atomic<int> running = threads;
    auto const steady = bus.subscribe([&](step_started const&) { ++stayed; });
    std::vector<std::thread> publishers;
    for (int thread = 0; thread < threads; ++thread)
        publishers.emplace_back([&] {
            for (int at = 0; at < each; ++at)
                bus.publish(step_started{});
            --running;
        });
    int rounds = 0;
    do {
        auto owned = std::make_shared<std::atomic<int>>(0);
        auto passing = bus.subscribe([owned](step_event const&) { ++*owned; }, rounds % 2 == 0 ? in_place : queued);
        passing.reset();
        CHECK(owned.use_count() == 1);
        ++rounds;
    } while (running > 0);
    for (auto& publisher : publishers)
        publisher.join();
    steady.flush();
    CHECK(stayed == threads * each);
}
