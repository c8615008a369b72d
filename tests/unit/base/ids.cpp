#include <tasker/base/ids.hpp>
#include <tasker/base/uuid_generator.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <unordered_set>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

// The timestamp of the example in RFC 9562, appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F.
constexpr time_point rfc_example{std::chrono::milliseconds{1'645'557'742'000}};

} // namespace

TEST_CASE("an id's text is the canonical one, and reads back as the same id")
{
    task_id const id{0x0193'03f2'7c1e'7a3b, 0x8d55'0123'4567'89ab};
    CHECK(to_text(id) == "019303f2-7c1e-7a3b-8d55-0123456789ab");
    CHECK(parse_id<task_id>("019303f2-7c1e-7a3b-8d55-0123456789ab") == id);
    CHECK(parse_id<task_id>("019303F2-7C1E-7A3B-8D55-0123456789AB") == id);
    CHECK(to_text(task_id{}) == "00000000-0000-0000-0000-000000000000");
}

TEST_CASE("text that is not a canonical id is no id")
{
    auto const text = GENERATE(as<std::string>{}, "", "019303f2", "019303f27c1e7a3b8d550123456789ab",
                               "019303f2-7c1e-7a3b-8d55-0123456789a", "019303f2-7c1e-7a3b-8d55-0123456789abc",
                               "019303f2-7c1e-7a3b-8d55+0123456789ab", "0193-03f27c1e-7a3b-8d55-0123456789ab",
                               "g19303f2-7c1e-7a3b-8d55-0123456789ab", "019303f2-7c1e-7a3b-8d55-0123456789-b",
                               "{19303f2-7c1e-7a3b-8d55-0123456789a}");
    CAPTURE(text);
    CHECK_FALSE(parse_id<task_id>(text).has_value());
}

TEST_CASE("an id of zeros means none, any other means something")
{
    CHECK_FALSE(task_id{});
    CHECK(task_id{0, 1});
    CHECK(task_id{1, 0});
}

TEST_CASE("ids order by their high half first, and equal ids hash alike")
{
    CHECK(task_id{1, 9} < task_id{2, 0});
    CHECK(task_id{1, 0} < task_id{1, 1});
    CHECK(std::hash<task_id>{}(task_id{3, 4}) == std::hash<task_id>{}(task_id{3, 4}));
}

TEST_CASE("a made id has the layout of a version 7 UUID: milliseconds, version, variant")
{
    uuid_generator make{42};
    for (int draw = 0; draw < 1'000; ++draw) {
        auto const id = make.next<task_id>(rfc_example + draw * 1s);
        CHECK(id.high >> 16 == 0x017f'22e2'79b0U + static_cast<std::uint64_t>(draw) * 1'000U);
        CHECK((id.high >> 12 & 0xf) == 7);
        CHECK(id.low >> 62 == 0b10);
    }
    CHECK(to_text(uuid_generator{1}.next<task_id>(rfc_example)).substr(0, 15) == "017f22e2-79b0-7");
}

TEST_CASE("ids of one generator strictly increase, also 10,000 within one millisecond")
{
    uuid_generator make{7};
    auto previous = make.next<task_id>(rfc_example);
    for (int draw = 0; draw < 10'000; ++draw) {
        auto const id = make.next<task_id>(rfc_example + 1us * (draw % 1'000));
        REQUIRE(previous < id);
        CHECK((id.high >> 12 & 0xf) == 7);
        previous = id;
    }
}

TEST_CASE("ids go on increasing when the clock steps back")
{
    uuid_generator make{7};
    auto const before = make.next<task_id>(rfc_example);
    auto const after = make.next<task_id>(rfc_example - 1h);
    CHECK(before < after);
    CHECK(after < make.next<task_id>(rfc_example + 1s));
}

TEST_CASE("at least 2,048 ids carry their own millisecond, whatever the seed, and later ones borrow the next")
{
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        uuid_generator make{seed};
        for (int draw = 0; draw < 2'048; ++draw)
            REQUIRE(make.next<task_id>(rfc_example).high >> 16 == 0x017f'22e2'79b0U);
        task_id last;
        for (int draw = 0; draw < 4'096; ++draw)
            last = make.next<task_id>(rfc_example);
        CHECK(last.high >> 16 == 0x017f'22e2'79b1U);
    }
}

TEST_CASE("generators with different seeds make different ids at the same instant, and no id comes twice")
{
    std::unordered_set<task_id> seen;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        uuid_generator make{seed};
        for (int draw = 0; draw < 20; ++draw)
            seen.insert(make.next<task_id>(rfc_example));
    }
    CHECK(seen.size() == 200 * 20);
}
