#include <tasker/runtime/parker.hpp>
#include <tasker/testing/virtual_clock.hpp>

#include "support/catch.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

struct lot {
    explicit lot(std::function<void()> wake = [] {}) : spaces{*time, context.get_executor(), [this, wake] { ++wakes, wake(); }} {}

    time_point in(duration length) const { return time->now() + length; }
    void advance(duration length)
    {
        time->advance_to(in(length));
        context.restart();
        context.poll();
    }

    boost::asio::io_context context;
    std::shared_ptr<testing::virtual_clock> time = std::make_shared<testing::virtual_clock>();
    int wakes = 0;
    parker spaces;
};

struct car final : wait_node {
    explicit car(std::function<void(car&)> then = [](car&) {}) : on_fire{std::move(then)} {}
    void on_due() override { on_fire(*this); }
    std::function<void(car&)> on_fire;
};

} // namespace

TEST_CASE("nodes fire earliest first, whatever the order they came in")
{
    lot here;
    std::vector<int> fired;
    std::vector<std::unique_ptr<car>> cars;
    for (int const seconds : {5, 1, 4, 2, 3}) {
        cars.push_back(std::make_unique<car>([&fired, seconds](car&) { fired.push_back(seconds); }));
        here.spaces.park(*cars.back(), here.in(duration{1s} * seconds));
    }
    here.spaces.fire(here.in(3s));
    CHECK(fired == std::vector<int>{1, 2, 3});
    CHECK(here.spaces.size() == 2);
    here.spaces.fire(here.in(5s));
    CHECK(fired == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("a node is due at its instant and not a microsecond before")
{
    lot here;
    car one;
    here.spaces.park(one, here.in(1s));
    CHECK(one.due() == here.in(1s));
    here.spaces.fire(here.in(1s - 1us));
    CHECK(one.is_parked());
    here.spaces.fire(here.in(1s));
    CHECK_FALSE(one.is_parked());
}

TEST_CASE("a node that is removed or destroyed never fires")
{
    lot here;
    int fired = 0;
    car removed{[&](car&) { ++fired; }};
    here.spaces.park(removed, here.in(1s));
    {
        car destroyed{[&](car&) { ++fired; }};
        here.spaces.park(destroyed, here.in(1s));
    }
    here.spaces.remove(removed);
    here.spaces.remove(removed);
    CHECK(here.spaces.size() == 0);
    here.spaces.fire(here.in(2s));
    CHECK(fired == 0);
}

TEST_CASE("parking a parked node moves it")
{
    lot here;
    car one;
    here.spaces.park(one, here.in(1s));
    here.spaces.park(one, here.in(3s));
    CHECK(here.spaces.size() == 1);
    here.spaces.fire(here.in(2s));
    CHECK(one.is_parked());
    here.spaces.park(one, here.in(1s));
    here.spaces.fire(here.in(1s));
    CHECK_FALSE(one.is_parked());
}

TEST_CASE("a node may park itself again, and others, while it fires")
{
    lot here;
    int fired = 0;
    car other{[&](car&) { ++fired; }};
    car one{[&](car& self) {
        ++fired;
        here.spaces.park(other, here.in(1s));
        here.spaces.park(self, here.in(5s));
    }};
    here.spaces.park(one, here.in(1s));
    here.spaces.fire(here.in(1s));
    CHECK(fired == 2);
    CHECK(one.is_parked());
    CHECK_FALSE(other.is_parked());
}

TEST_CASE("one alarm is set, for the earliest node")
{
    lot here;
    car early, late;
    here.spaces.park(late, here.in(9s));
    CHECK(here.time->next_due() == here.in(9s));
    here.spaces.park(early, here.in(2s));
    CHECK(here.time->next_due() == here.in(2s));
    here.advance(2s);
    CHECK(here.wakes == 1);
    here.spaces.fire(here.in(0s));
    CHECK(here.time->next_due() == here.in(7s));
}

TEST_CASE("an alarm that rings when its parker is gone wakes nobody")
{
    lot here;
    int wakes = 0;
    {
        parker brief{*here.time, here.context.get_executor(), [&] { ++wakes; }};
        car one;
        brief.park(one, here.in(0s)); // due at once: the alarm is on its way already
    }
    here.advance(1s);
    CHECK(wakes == 0);
}

TEST_CASE("a node outlives its parker")
{
    lot here;
    car one;
    {
        parker brief{*here.time, here.context.get_executor(), [] {}};
        brief.park(one, here.in(1s));
    }
    CHECK_FALSE(one.is_parked());
}

TEST_CASE("ten thousand random operations agree with a sorted map")
{
    lot here;
    std::mt19937 random{7};
    auto const below = [&](int bound) { return std::uniform_int_distribution<int>{0, bound - 1}(random); };
    std::vector<std::unique_ptr<car>> cars;
    std::vector<time_point> fired;
    for (int at = 0; at < 100; ++at)
        cars.push_back(std::make_unique<car>([&](car& self) { fired.push_back(self.due()); }));
    std::multimap<time_point, car*> oracle;
    auto const forget = [&](car* one) { std::erase_if(oracle, [&](auto const& entry) { return entry.second == one; }); };
    std::size_t mistakes = 0;
    for (int turn = 0; turn < 10'000; ++turn) {
        car* const one = cars[static_cast<std::size_t>(below(100))].get();
        if (int const choice = below(10); choice < 6) {
            time_point const due = here.in(duration{1 + below(1'000)});
            forget(one);
            oracle.emplace(due, one);
            here.spaces.park(*one, due);
        } else if (choice < 8) {
            forget(one);
            here.spaces.remove(*one);
        } else {
            here.advance(duration{below(100)});
            fired.clear();
            here.spaces.fire(here.in(0s));
            std::vector<time_point> expected;
            while (!oracle.empty() && oracle.begin()->first <= here.in(0s)) {
                expected.push_back(oracle.begin()->first);
                oracle.erase(oracle.begin());
            }
            mistakes += fired == expected ? 0U : 1U;
        }
        mistakes += here.spaces.size() == oracle.size() ? 0U : 1U;
        bool const is_known = std::any_of(oracle.begin(), oracle.end(), [&](auto const& entry) { return entry.second == one; });
        mistakes += one->is_parked() == is_known ? 0U : 1U;
        bool const is_guarded = oracle.empty() || (here.time->next_due() && *here.time->next_due() <= oracle.begin()->first);
        mistakes += is_guarded ? 0U : 1U;
    }
    CHECK(mistakes == 0);
}
