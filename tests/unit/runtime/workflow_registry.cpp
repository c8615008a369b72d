#include <tasker/flow/workflow_builder.hpp>
#include <tasker/runtime/workflow_registry.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>

using namespace tasker;

namespace {

std::shared_ptr<registered_workflow> known(workflow_id id, std::string name_space, std::string name, std::string version)
{
    workflow_builder flow{std::move(name_space), std::move(name), std::move(version)};
    return std::make_shared<registered_workflow>(registered_workflow{std::move(flow).build(), id, 0, 0});
}

std::string refusal(workflow_registry const& registry, std::string_view name)
{
    try {
        static_cast<void>(registry.find(name));
    } catch (error const& problem) {
        CHECK(problem.code() == errc::unknown_workflow);
        return problem.what();
    }
    return "";
}

} // namespace

TEST_CASE("a workflow is found by its number and by its full name")
{
    workflow_registry registry;
    registry.add(known(7, "shop", "sell", "1.0.0"));
    CHECK(registry.find(7)->id == 7);
    CHECK(registry.find(8) == nullptr);
    CHECK(registry.find("shop/sell@1.0.0")->id == 7);
    CHECK(registry.find("shop/sell")->id == 7);
}

TEST_CASE("the latest version is the highest by semantic order [A15]", "[A15]")
{
    workflow_registry registry;
    registry.add(known(2, "shop", "sell", "0.10.0"));
    registry.add(known(1, "shop", "sell", "0.9.0"));
    CHECK(registry.find("shop/sell")->id == 2);
    CHECK(registry.find("shop/sell@0.9.0")->id == 1);
    registry.add(known(3, "shop", "sell", "0.11.0-beta"));
    registry.add(known(4, "shop", "sell", "0.11.0"));
    CHECK(registry.find("shop/sell")->id == 4);
}

TEST_CASE("equal names in two namespaces are two workflows [A13]", "[A13]")
{
    workflow_registry registry;
    registry.add(known(1, "shop", "sell", "1.0.0"));
    registry.add(known(2, "market", "sell", "1.0.0"));
    CHECK(registry.find("shop/sell")->id == 1);
    CHECK(registry.find("market/sell")->id == 2);
    CHECK_THAT(refusal(registry, "bazaar/sell"), support::contains("no workflow named \"sell\" in namespace \"bazaar\""));
}

TEST_CASE("a name without a namespace means the default one")
{
    workflow_registry registry;
    registry.add(known(1, "default", "sell", "1.0.0"));
    registry.add(known(2, "shop", "sell", "2.0.0"));
    CHECK(registry.find("sell")->id == 1);
    CHECK(registry.find("sell@1.0.0")->id == 1);
}

TEST_CASE("the same version added again takes the place of the former")
{
    workflow_registry registry;
    auto const first = known(1, "shop", "sell", "1.0.0");
    auto const second = known(1, "shop", "sell", "1.0.0");
    registry.add(first);
    registry.add(second);
    CHECK(registry.find("shop/sell") == second);
    CHECK(registry.find(1) == second);
}

TEST_CASE("a refusal names what was asked for and what there is [A12]", "[A12]")
{
    workflow_registry registry;
    CHECK(refusal(registry, "shop/sell") ==
          "no workflow named \"sell\" in namespace \"shop\" is registered; none is: call engine.add first");
    registry.add(known(1, "shop", "sell", "1.0.0"));
    registry.add(known(2, "shop", "sell", "1.1.0"));
    CHECK(refusal(registry, "shop/buy") == "no workflow named \"buy\" in namespace \"shop\" is registered; registered: shop/sell");
    CHECK(refusal(registry, "shop/sell@2.0.0") ==
          "workflow \"sell\" in namespace \"shop\" has no version \"2.0.0\"; registered: 1.0.0, 1.1.0");
    CHECK_THAT(refusal(registry, "shop/sell@latest"), support::contains("has no version \"latest\""));
}
