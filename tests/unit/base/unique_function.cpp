#include <tasker/base/unique_function.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>
#include <type_traits>

using tasker::unique_function;

TEST_CASE("a unique_function says whether it holds anything")
{
    unique_function<int()> empty;
    unique_function<int()> full{[] { return 1; }};
    CHECK_FALSE(empty);
    CHECK(full);
    empty = std::move(full);
    CHECK(empty);
    CHECK_FALSE(full);
    CHECK(empty() == 1);
}

TEST_CASE("a unique_function holds what only moves, passes what only moves, and returns it")
{
    unique_function<std::unique_ptr<int>(std::unique_ptr<int>)> add{
        [own = std::make_unique<int>(40)](std::unique_ptr<int> other) {
            return std::make_unique<int>(*own + *other);
        }};
    CHECK(*add(std::make_unique<int>(2)) == 42);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<decltype(add)>);
}

TEST_CASE("a unique_function passes references through, and keeps the state of its target between calls")
{
    unique_function<void(int&)> count{[calls = 0](int& seen) mutable { seen = ++calls; }};
    int seen = 0;
    count(seen);
    count(seen);
    CHECK(seen == 2);
}

TEST_CASE("a unique_function that returns nothing takes a target that returns something")
{
    int calls = 0;
    unique_function<void()> call{[&calls] { return ++calls; }};
    call();
    CHECK(calls == 1);
}

TEST_CASE("a unique_function destroys its target once, when it ends or is replaced")
{
    auto const token = std::make_shared<int>(0);
    {
        unique_function<void()> hold{[token] { ++*token; }};
        CHECK(token.use_count() == 2);
        unique_function<void()> moved{std::move(hold)};
        CHECK(token.use_count() == 2);
        moved = [] {};
        CHECK(token.use_count() == 1);
        moved();
    }
    CHECK(*token == 0);
}

TEST_CASE("an exception of the target reaches the caller")
{
    unique_function<int()> fail{[]() -> int { throw std::string{"no"}; }};
    CHECK_THROWS_AS(fail(), std::string);
}
