#include <tasker/event/heard_event.hpp>

#include "support/catch.hpp"

#include <bit>
#include <functional>
#include <type_traits>

using namespace tasker;

namespace {

[[maybe_unused]] void function(step_failed const&) {}

struct overloads {
    void operator()(step_failed const&) const {}
    void operator()(step_completed const&) const {}
};

template <class Callable>
using parameter = typename detail::signature_of<Callable>::parameter;

[[maybe_unused]] auto const generic = [](auto const&) {};
[[maybe_unused]] auto const by_value = [](task_failed) {};
[[maybe_unused]] auto mutable_one = [calls = 0](step_event const&) mutable noexcept { return ++calls; };
[[maybe_unused]] auto const two = [](step_event const&, int) {};

static_assert(std::is_same_v<parameter<decltype(&function)>, step_failed const&>);
static_assert(std::is_same_v<parameter<std::decay_t<decltype(by_value)>>, task_failed>);
static_assert(std::is_same_v<parameter<decltype(mutable_one)>, step_event const&>);
static_assert(std::is_same_v<parameter<std::reference_wrapper<decltype(by_value)>>, task_failed>);
static_assert(!has_one_parameter<std::decay_t<decltype(generic)>>);
static_assert(!has_one_parameter<std::decay_t<decltype(two)>>);
static_assert(!has_one_parameter<overloads>);
static_assert(!has_one_parameter<int>);
static_assert(takes_const<event const&> && takes_const<event> && !takes_const<event&> && !takes_const<event&&>);

} // namespace

TEST_CASE("a struct stands for itself, a base for all that derive from it, and event for everything")
{
    CHECK(std::popcount(event_set_of<step_failed>) == 1);
    CHECK(std::popcount(event_set_of<step_event>) == 7);
    CHECK(std::popcount(event_set_of<task_event>) == 18);
    CHECK(std::popcount(event_set_of<event>) == static_cast<int>(std::variant_size_v<event>));
    CHECK((event_set_of<step_event> & event_set_of<task_event>) == event_set_of<step_event>);
    CHECK((event_set_of<step_event> & event_set_of<custom_event>) != 0);
    CHECK((event_set_of<task_event> & event_set_of<engine_drained>) == 0);
}

TEST_CASE("what is no event and no base of one stands for nothing")
{
    CHECK(event_set_of<int> == 0);
    CHECK(event_set_of<failure> == 0);
}

TEST_CASE("a subscriber is called with what its parameter hears and with nothing else")
{
    int steps = 0;
    auto subscriber = [&](step_event const& e) { steps += e.attempt; };
    step_failed failed;
    failed.attempt = 3;
    call_with<step_event>(subscriber, event{failed});
    call_with<step_event>(subscriber, event{task_failed{}});
    CHECK(steps == 3);
}
