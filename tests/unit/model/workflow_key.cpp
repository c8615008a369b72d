#include <tasker/model/workflow_key.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

using namespace tasker;

namespace {

semantic_version version(std::string const& text)
{
    auto const parsed = semantic_version::parse(text);
    INFO(text);
    REQUIRE(parsed);
    return *parsed;
}

graph graph_of(std::vector<std::string> const& names, std::vector<edge> edges)
{
    std::vector<step_definition> steps;
    for (auto const& name : names)
        steps.push_back({.name = name});
    return graph{std::move(steps), std::move(edges)};
}

} // namespace

TEST_CASE("version 0.10.0 comes after 0.9.0, so it is the latest [A15]", "[A15]")
{
    CHECK(version("0.9.0") < version("0.10.0"));
    CHECK(version("1.9.9") < version("1.10.0"));
    CHECK(version("9.0.0") < version("10.0.0"));
}

TEST_CASE("versions order as the examples of semver.org do [A15]", "[A15]")
{
    // Precedence, items 11.2 to 11.4.
    std::vector<std::string> const ascending{"1.0.0-alpha",      "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
                                             "1.0.0-beta.2",     "1.0.0-beta.11", "1.0.0-rc.1",       "1.0.0",
                                             "2.0.0",            "2.1.0",         "2.1.1"};
    for (std::size_t a = 0; a < ascending.size(); ++a)
        for (std::size_t b = 0; b < ascending.size(); ++b) {
            CAPTURE(ascending[a], ascending[b]);
            CHECK((version(ascending[a]) <=> version(ascending[b])) == (a <=> b));
            CHECK((version(ascending[a]) == version(ascending[b])) == (a == b));
        }
}

TEST_CASE("numeric identifiers order as numbers at any length, and before words [A15]", "[A15]")
{
    CHECK(version("1.0.0-9") < version("1.0.0-10"));
    CHECK(version("1.0.0-9999999999") < version("1.0.0-10000000000"));
    CHECK(version("1.0.0-20261123060327") > version("1.0.0-9999"));
    CHECK(version("1.0.0-99999999999999999999") < version("1.0.0-a"));
    CHECK(version("1.0.0-rc.1") < version("1.0.0-rc.1.0"));
    CHECK(version("1.0.0-Beta") < version("1.0.0-alpha")); // ASCII order: capitals first
    CHECK(version("1.0.0-1a") > version("1.0.0-2"));       // a word, though it begins with a digit
    CHECK(version("1.0.0--") > version("1.0.0-1"));
}

TEST_CASE("build metadata is accepted and does not order versions [A15]", "[A15]")
{
    CHECK(version("1.0.0+20130313144700") == version("1.0.0"));
    CHECK(version("1.0.0-beta+exp.sha.5114f85") == version("1.0.0-beta"));
    CHECK(version("1.0.0+21AF26D3---117B344092BD") == version("1.0.0+001"));
}

TEST_CASE("what semver.org calls invalid is no version [A15]", "[A15]")
{
    auto const text = GENERATE(as<std::string>{}, "", "1", "1.2", "1.2.3.4", "a.b.c", "v1.0.0", "1.0.0 ", " 1.0.0",
                               "-1.0.0", "+1.0.0", "1..0", "1.0.", ".1.0", "01.1.1", "1.01.1", "1.1.01", "1.2.3-",
                               "1.2.3-0123", "1.2.3-0123.0123", "1.2.3-a..b", "1.2.3-a.", "1.2.3-.a", "1.2.3+",
                               "1.2.3+a+b", "1.2.3+a..b", "1.2.3-beta_1", "1.2.3-\xc3\xa4", "1.0.0-alpha.01",
                               "4294967296.0.0", "99999999999999999999.0.0", "1,0,0");
    CAPTURE(text);
    CHECK_FALSE(semantic_version::parse(text));
}

TEST_CASE("a version's parts are read as they stand")
{
    auto const read = version("1.20.4294967295-rc-1.0a");
    CHECK(read.numbers == std::array<std::uint32_t, 3>{1, 20, 4'294'967'295});
    CHECK(read.pre_release == "rc-1.0a");
    CHECK(version("0.0.0").numbers == std::array<std::uint32_t, 3>{0, 0, 0});
    CHECK(version("1.0.0-0").pre_release == "0");
    CHECK(version("1.0.0-00a").pre_release == "00a"); // a word may begin with zeros
}

TEST_CASE("a workflow's full name is namespace/name@version, with the original's defaults")
{
    workflow_key key;
    key.name = "fulfil-order";
    CHECK(to_text(key) == "default/fulfil-order@0.1.0");
    CHECK(to_text(workflow_key{"shop", "fulfil-order", "1.0.0"}) == "shop/fulfil-order@1.0.0");
}

TEST_CASE("the same name in two namespaces, or in two versions, is two workflows [A13]", "[A13]")
{
    workflow_key const key{"shop", "fulfil", "1.0.0"};
    CHECK(key == workflow_key{"shop", "fulfil", "1.0.0"});
    CHECK_FALSE(key == workflow_key{"depot", "fulfil", "1.0.0"});
    CHECK_FALSE(key == workflow_key{"shop", "fulfil", "2.0.0"});
    CHECK_FALSE(key == workflow_key{"shop", "refund", "1.0.0"});
}

TEST_CASE("graphs of the same steps and edges have the same shape, whatever the options and the order of edges [A14]",
          "[A14]")
{
    auto const before = graph_of({"a", "b", "c"}, {{0, 1}, {0, 2}});
    CHECK_FALSE(shape_difference(before, before));
    CHECK_FALSE(shape_difference(before, graph_of({"a", "b", "c"}, {{0, 2}, {0, 1}, {0, 1}})));
    std::vector<step_definition> other_options{{.name = "a", .options = {.priority = 9}}, {.name = "b"}, {.name = "c"}};
    CHECK_FALSE(shape_difference(before, graph{std::move(other_options), {{0, 1}, {0, 2}}}));
    CHECK_FALSE(shape_difference(graph{}, graph{}));
}

TEST_CASE("a changed shape is named: which step or edge is new, gone or other [A14]", "[A14]")
{
    auto const before = graph_of({"a", "b", "c"}, {{0, 1}, {1, 2}});
    auto const difference = [&](std::vector<std::string> const& names, std::vector<edge> edges) {
        return shape_difference(before, graph_of(names, std::move(edges))).value_or("none");
    };
    CHECK(difference({"a", "x", "c"}, {{0, 1}, {1, 2}}) == R"(step 2 was "b" and is "x")");
    CHECK(difference({"a", "b", "c", "d"}, {{0, 1}, {1, 2}}) == R"(step "d" is new)");
    CHECK(difference({"a", "b"}, {{0, 1}}) == R"(step "c" is gone)");
    CHECK(difference({"a", "b", "c"}, {{0, 1}, {1, 2}, {0, 2}}) == R"(edge "a" -> "c" is new)");
    CHECK(difference({"a", "b", "c"}, {{0, 1}}) == R"(edge "b" -> "c" is gone)");
    CHECK(difference({"a", "b", "c"}, {{1, 0}, {1, 2}}) == R"(edge "b" -> "a" is new)");
    CHECK(difference({}, {}) == R"(step "a" is gone)");
}
