#include <tasker/event/event_catalogue.hpp>

#include "support/catch.hpp"

#include <optional>
#include <string>
#include <vector>

using namespace tasker;

namespace {

std::vector<std::string> names(std::vector<catalogued_event> const& events)
{
    std::vector<std::string> all;
    for (auto const& one : events)
        all.push_back(one.name);
    return all;
}

std::optional<errc> refusal(event_catalogue& catalogue, std::string_view name)
{
    try {
        static_cast<void>(catalogue.register_event(name, "refused"));
    } catch (error const& problem) {
        return problem.code();
    }
    return std::nullopt;
}

bool mentions(std::optional<std::string> const& text, std::string_view part)
{
    return text && text->find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a custom event needs a namespace of its own, and a name nobody has [I07]", "[I07]")
{
    event_catalogue catalogue;
    CHECK(catalogue.register_event("order.shipped", "The parcel left.", {"ship"}) == event_registration::added);
    auto const before = catalogue.all();
    for (std::string_view const name : {"nodot", "task.mine", "step.mine", "workflow.mine", "observability.mine",
                                        "test.mine", "engine.mine", "store.mine", "task.completed", "custom.event", "",
                                        ".", "order.", ".shipped", "order..shipped", "order.was shipped",
                                        "order.\nshipped"}) {
        INFO(name);
        CHECK(refusal(catalogue, name) == errc::invalid_definition);
    }
    CHECK(catalogue.all() == before);
    REQUIRE(catalogue.find("order.shipped") != nullptr);
    CHECK(*catalogue.find("order.shipped") ==
          catalogued_event{"order.shipped", "The parcel left.", {"ship"}, event_origin::custom});
}

TEST_CASE("names that merely begin like a reserved namespace are free [I07]", "[I07]")
{
    for (std::string_view const name : {"tasks.mine", "stepping.stone", "order.task.done", "custom.mine"}) {
        INFO(name);
        CHECK(problem_of_event_name(name) == std::nullopt);
    }
}

TEST_CASE("what is wrong with an event's name is said with what to do about it [I07] [I09]", "[I07][I09]")
{
    CHECK(mentions(problem_of_event_name("nodot"), "\"nodot\" has no namespace: write one before a dot"));
    CHECK(mentions(problem_of_event_name("task.mine"), "\"task\", which is reserved"));
    CHECK(mentions(problem_of_event_name("step.failed"), "one of the engine's own events"));
    CHECK(mentions(problem_of_event_name("order."), "empty part"));
    CHECK(mentions(problem_of_event_name("order. x"), "white space"));
}

TEST_CASE("a duplicate custom event is reported, and the first stays as it was [I08]", "[I08]")
{
    event_catalogue catalogue;
    REQUIRE(catalogue.register_event("order.shipped", "first", {"ship"}) == event_registration::added);
    CHECK(catalogue.register_event("order.shipped", "second", {"other"}) == event_registration::duplicate);
    CHECK(catalogue.find("order.shipped")->description == "first");
    CHECK(catalogue.find("order.shipped")->fired_by == std::vector<std::string>{"ship"});
}

TEST_CASE("the catalogue is searched in names and descriptions, in any case [I11]", "[I11]")
{
    event_catalogue catalogue;
    CHECK(catalogue.register_event("order.shipped", "The parcel left.") == event_registration::added);
    CHECK(catalogue.register_event("parcel.weighed", "Weight of the Order known.") == event_registration::added);
    CHECK(catalogue.register_event("invoice.sent", "Money is due.") == event_registration::added);
    CHECK(names(catalogue.search("ORDER.S")) == std::vector<std::string>{"order.shipped"});
    CHECK(names(catalogue.search("the order")) == std::vector<std::string>{"parcel.weighed"});
    CHECK(names(catalogue.search("PARCEL")) == std::vector<std::string>{"order.shipped", "parcel.weighed"});
    CHECK(names(catalogue.search("no such thing")).empty());
    CHECK(catalogue.search("").size() == catalogue.all().size());
}

TEST_CASE("the events of a namespace are those whose name begins with it and a dot [I11]", "[I11]")
{
    event_catalogue catalogue;
    CHECK(catalogue.register_event("order.shipped", "") == event_registration::added);
    CHECK(catalogue.register_event("order.returned", "") == event_registration::added);
    CHECK(catalogue.register_event("orders.counted", "of an order") == event_registration::added);
    CHECK(names(catalogue.in_namespace("order")) == std::vector<std::string>{"order.returned", "order.shipped"});
    CHECK(names(catalogue.in_namespace("store")) == std::vector<std::string>{"store.failing", "store.recovered"});
    CHECK(catalogue.in_namespace("ord").empty());
}

TEST_CASE("a new catalogue holds exactly the engine's own events [I11]", "[I11]")
{
    event_catalogue const catalogue;
    CHECK(catalogue.all().size() == event_table.size());
    for (auto const& row : event_table) {
        INFO(row.name);
        REQUIRE(catalogue.find(row.name) != nullptr);
        CHECK(catalogue.find(row.name)->description == row.description);
        CHECK(catalogue.find(row.name)->origin == event_origin::engine);
    }
}
