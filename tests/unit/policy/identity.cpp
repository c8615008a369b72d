#include <tasker/policy/identity.hpp>

#include "support/catch.hpp"

#include <array>
#include <set>
#include <string>
#include <string_view>

using tasker::content_identity;

namespace {

using fields = std::array<std::string_view, 7>;

constexpr fields order{"shop", "fulfil-order", "1.0.0", R"({"sku":"A1"})", "why", "me", "web"};

std::string identity_of(fields const& of)
{
    return content_identity(of[0], of[1], of[2], of[3], of[4], of[5], of[6]);
}

} // namespace

TEST_CASE("a content identity is 64 hexadecimal digits, and stays the same from release to release [A08]", "[A08]")
{
    // Stored keys outlive a release, so the value itself is a promise: SHA-256 over `length:bytes` of every field.
    CHECK(identity_of(order) == "01a595af530ec0bf09217c1a4164d6b62b94093e6941c4eb39c30077518e84a1");
    CHECK(identity_of(order).size() == 64);
    CHECK(identity_of(order).find_first_not_of("0123456789abcdef") == std::string::npos);
}

TEST_CASE("requests that differ in input, reason or any other field have different identities [A08]", "[A08]")
{
    std::set<std::string> seen{identity_of(order)};
    for (std::size_t at = 0; at < order.size(); ++at) {
        fields changed = order;
        changed[at] = "other";
        seen.insert(identity_of(changed));
        changed[at] = "";
        seen.insert(identity_of(changed));
    }
    CHECK(seen.size() == 1 + 2 * order.size());
}

TEST_CASE("the same input to two versions, or to two namespaces, has two identities [A10]", "[A10]")
{
    fields newer = order;
    newer[2] = "2.0.0";
    CHECK(identity_of(order) != identity_of(newer));
    fields elsewhere = order;
    elsewhere[0] = "depot";
    CHECK(identity_of(order) != identity_of(elsewhere));
}

TEST_CASE("text moved from one field into its neighbour makes another identity [A08]", "[A08]")
{
    CHECK(content_identity("ab", "c", "", "", "", "", "") != content_identity("a", "bc", "", "", "", "", ""));
    CHECK(content_identity("", "", "", "x", "", "", "") != content_identity("", "", "", "", "x", "", ""));
    CHECK(content_identity("a", "1:b", "", "", "", "", "") != content_identity("a1:", "b", "", "", "", "", ""));
    // Separators inside a field cannot imitate the frame of the next one.
    CHECK(content_identity("x1:y", "", "", "", "", "", "") != content_identity("x", "y", "", "", "", "", ""));
}

TEST_CASE("an identity key, or a message's, may have 512 bytes and no more")
{
    CHECK_FALSE(tasker::problem_of_identity_key(std::string(512, 'k')));
    CHECK(tasker::problem_of_identity_key(std::string(513, 'k')).value().find("513") != std::string::npos);
    CHECK_FALSE(tasker::problem_of_message_key(std::string(512, 'k')));
    CHECK(tasker::problem_of_message_key(std::string(513, 'k')).value().find("513") != std::string::npos);
}
