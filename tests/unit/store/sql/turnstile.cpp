#include <tasker/store/sql/turnstile.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using tasker::sql::turnstile;

TEST_CASE("a turnstile lets one in at a time, and everybody in the end")
{
    auto const through = std::make_shared<turnstile>();
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    int counted = 0; // unguarded, but for the turnstile
    std::vector<std::thread> crowd;
    for (int count = 0; count < 4; ++count)
        crowd.emplace_back([&] {
            for (int round = 0; round < 500; ++round) {
                auto const turn = turnstile::enter(through);
                int const now = ++inside;
                if (now > most)
                    most = now;
                ++counted;
                --inside;
            }
        });
    for (std::thread& one : crowd)
        one.join();
    CHECK(most == 1);
    CHECK(counted == 2000);
}

TEST_CASE("a turn ends on another thread than it began on, and after its turnstile was let go of")
{
    auto through = std::make_shared<turnstile>();
    std::optional<turnstile::turn> first{turnstile::enter(through)};
    std::atomic<bool> is_second_inside = false;
    std::thread second{[through, &is_second_inside] {
        auto const turn = turnstile::enter(through);
        is_second_inside = true;
    }};
    through.reset();
    CHECK_FALSE(is_second_inside);
    std::thread{[taken = std::move(*first)]() mutable { taken.end(); }}.join();
    second.join();
    CHECK(is_second_inside);
    first.reset(); // its right has gone elsewhere
}

TEST_CASE("a turn that was moved from, ended or never taken keeps nobody out")
{
    auto const through = std::make_shared<turnstile>();
    turnstile::turn none;
    none.end();
    auto first = turnstile::enter(through);
    none = std::move(first);
    none.end();
    none.end();
    auto const second = turnstile::enter(through);
    CHECK(through.use_count() == 2);
}
