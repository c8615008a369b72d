#include <tasker/model/graph.hpp>

#include "support/catch.hpp"
#include "support/step_records.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace tasker;
using namespace steps;

namespace {

graph linear() // L6
{
    return graph_of({"initialize_data", "validate_input", "process_data", "transform_results", "validate_output",
                     "finalize_workflow"},
                    {{"initialize_data", "validate_input"},
                     {"validate_input", "process_data"},
                     {"process_data", "transform_results"},
                     {"transform_results", "validate_output"},
                     {"validate_output", "finalize_workflow"}});
}

graph tree() // T8
{
    return graph_of({"root", "a_setup", "b_setup", "a_one", "a_two", "b_one", "b_two", "aggregate"},
                    {{"root", "a_setup"},
                     {"root", "b_setup"},
                     {"a_setup", "a_one"},
                     {"a_setup", "a_two"},
                     {"b_setup", "b_one"},
                     {"b_setup", "b_two"},
                     {"a_one", "aggregate"},
                     {"a_two", "aggregate"},
                     {"b_one", "aggregate"},
                     {"b_two", "aggregate"}});
}

graph parallel_merge() // P7
{
    return graph_of({"fetch_user_data", "fetch_order_data", "fetch_inventory", "fetch_pricing", "process_user_data",
                     "process_order_data", "merge_all_data"},
                    {{"fetch_user_data", "process_user_data"},
                     {"fetch_order_data", "process_order_data"},
                     {"process_user_data", "merge_all_data"},
                     {"process_order_data", "merge_all_data"},
                     {"fetch_inventory", "merge_all_data"},
                     {"fetch_pricing", "merge_all_data"}});
}

graph mixed() // M9
{
    return graph_of({"init_auth", "validate_permissions", "init_config", "setup_environment", "begin_processing",
                     "process_critical_data", "process_optional_data", "cleanup_temp_files", "finalize_and_report"},
                    {{"init_auth", "validate_permissions"},
                     {"init_config", "setup_environment"},
                     {"validate_permissions", "begin_processing"},
                     {"setup_environment", "begin_processing"},
                     {"begin_processing", "process_critical_data"},
                     {"begin_processing", "process_optional_data"},
                     {"setup_environment", "cleanup_temp_files"},
                     {"process_critical_data", "finalize_and_report"},
                     {"cleanup_temp_files", "finalize_and_report"}});
}

std::vector<std::uint32_t> levels_of(graph const& of)
{
    std::vector<std::uint32_t> levels;
    for (step_no no = 0; no < of.size(); ++no)
        levels.push_back(of.level(no));
    return levels;
}

std::vector<std::uint32_t> paths_of(graph const& of)
{
    std::vector<std::uint32_t> paths;
    for (step_no no = 0; no < of.size(); ++no)
        paths.push_back(of.remaining_path(no));
    return paths;
}

std::vector<std::string> parents_of(graph const& of, std::string const& name)
{
    std::vector<std::string> names;
    for (step_no const parent : of.parents(of.find(name)))
        names.push_back(of.step(parent).name);
    return names;
}

std::vector<std::string> children_of(graph const& of, std::string const& name)
{
    std::vector<std::string> names;
    for (step_no const child : of.children(of.find(name)))
        names.push_back(of.step(child).name);
    return names;
}

std::size_t count_of(graph const& of, bool (*property)(graph const&, step_no))
{
    std::size_t count = 0;
    for (step_no no = 0; no < of.size(); ++no)
        count += property(of, no) ? 1 : 0;
    return count;
}

bool is_root(graph const& of, step_no no) { return of.parents(no).empty(); }
bool is_leaf(graph const& of, step_no no) { return of.children(no).empty(); }

void check_order(graph const& of)
{
    auto const order = of.topological_order();
    REQUIRE(order.size() == of.size());
    std::vector<std::size_t> place(of.size(), of.size());
    for (std::size_t at = 0; at < order.size(); ++at)
        place[order[at]] = at;
    CHECK(std::count(place.begin(), place.end(), of.size()) == 0); // every step stands in it
    for (edge const& e : of.edges())
        CHECK(place[e.parent] < place[e.child]);
}

using numbers = std::vector<std::uint32_t>;
using words = std::vector<std::string>;

} // namespace

TEST_CASE("L6 has 6 steps, 5 edges, levels 0 to 5, one root, one leaf, and runs as declared [A02] [J07]", "[A02][J07]")
{
    auto const steps = linear();
    CHECK(steps.size() == 6);
    CHECK(steps.edges().size() == 5);
    CHECK(levels_of(steps) == numbers{0, 1, 2, 3, 4, 5});
    CHECK(paths_of(steps) == numbers{6, 5, 4, 3, 2, 1});
    CHECK(count_of(steps, is_root) == 1);
    CHECK(count_of(steps, is_leaf) == 1);
    auto const order = steps.topological_order();
    CHECK(std::vector<step_no>{order.begin(), order.end()} == std::vector<step_no>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("D7 widens to two steps on a level and merges again, without a cycle [J08]", "[J08]")
{
    auto const steps = diamond();
    CHECK(levels_of(steps) == numbers{0, 1, 2, 1, 2, 3, 4});
    CHECK(paths_of(steps) == numbers{5, 4, 3, 4, 3, 2, 1});
    CHECK(parents_of(steps, "merge_branches") == words{"branch_one_validate", "branch_two_validate"});
    CHECK(children_of(steps, "start_workflow") == words{"branch_one_process", "branch_two_process"});
    check_order(steps);
}

TEST_CASE("T8 has one root, four tasks on one level and an aggregate after all of them [F10]", "[F10]")
{
    auto const steps = tree();
    CHECK(levels_of(steps) == numbers{0, 1, 1, 2, 2, 2, 2, 3});
    CHECK(paths_of(steps) == numbers{4, 3, 3, 2, 2, 2, 2, 1});
    CHECK(parents_of(steps, "aggregate") == words{"a_one", "a_two", "b_one", "b_two"});
    CHECK(count_of(steps, is_root) == 1);
    check_order(steps);
}

TEST_CASE("P7 has four roots, and its merge has four parents on two levels [F11]", "[F11]")
{
    auto const steps = parallel_merge();
    CHECK(count_of(steps, is_root) == 4);
    CHECK(levels_of(steps) == numbers{0, 0, 0, 0, 1, 1, 2});
    CHECK(paths_of(steps) == numbers{3, 3, 2, 2, 2, 2, 1});
    CHECK(parents_of(steps, "merge_all_data") ==
          words{"fetch_inventory", "fetch_pricing", "process_user_data", "process_order_data"});
    check_order(steps);
}

TEST_CASE("M9's longest path leads over the critical data, not over the clean-up [F12]", "[F12]")
{
    auto const steps = mixed();
    CHECK(levels_of(steps) == numbers{0, 1, 0, 1, 2, 3, 3, 2, 4});
    CHECK(paths_of(steps) == numbers{5, 4, 5, 4, 3, 2, 1, 2, 1});
    CHECK(children_of(steps, "setup_environment") == words{"begin_processing", "cleanup_temp_files"});
    CHECK(count_of(steps, is_leaf) == 2);
    check_order(steps);
}

TEST_CASE("DM4: three has parent two, four has parent three, one and two have none [A01]", "[A01]")
{
    auto const steps = dummy();
    CHECK(parents_of(steps, "three") == words{"two"});
    CHECK(parents_of(steps, "four") == words{"three"});
    CHECK(parents_of(steps, "one").empty());
    CHECK(parents_of(steps, "two").empty());
    CHECK(levels_of(steps) == numbers{0, 0, 1, 2});
    CHECK(paths_of(steps) == numbers{1, 3, 2, 1});
    check_order(steps);
}

TEST_CASE("the path of a cycle is spelled, from a step back to itself [A16] [J09]", "[A16][J09]")
{
    auto const refusal = [](std::vector<std::string> const& names, links const& edges) -> std::string {
        try {
            graph_of(names, edges);
        } catch (error const& refused) {
            CHECK(refused.code() == errc::invalid_definition);
            return refused.what();
        }
        return "accepted";
    };
    CHECK(refusal({"A", "B"}, {{"A", "B"}, {"B", "A"}}) == "the steps form a cycle: A -> B -> A");
    CHECK(refusal({"A", "B", "C"}, {{"A", "B"}, {"B", "C"}, {"C", "A"}}) == "the steps form a cycle: A -> B -> C -> A");
    CHECK(refusal({"A"}, {{"A", "A"}}) == "the steps form a cycle: A -> A");
}

TEST_CASE("only the steps of the cycle are named, not those before or after it [A16] [J09]", "[A16][J09]")
{
    CHECK_THROWS_WITH(graph_of({"after", "start", "x", "y", "z", "end"}, {{"start", "x"},
                                                                         {"x", "y"},
                                                                         {"y", "z"},
                                                                         {"z", "x"},
                                                                         {"z", "after"},
                                                                         {"after", "end"}}),
                      "the steps form a cycle: z -> x -> y -> z");
}

TEST_CASE("every named cycle is one: each arrow of the message is an edge [A16]", "[A16]")
{
    std::mt19937 random{16};
    std::size_t refused_count = 0;
    for (int draw = 0; draw < 300; ++draw) {
        std::vector<std::string> const names{"a", "b", "c", "d", "e", "f", "g", "h"};
        std::uniform_int_distribution<std::size_t> any{0, names.size() - 1};
        links edges;
        for (int count = 0; count < 9; ++count) {
            auto const& parent = names[any(random)];
            edges.emplace_back(parent, names[any(random)]);
        }
        try {
            check_order(graph_of(names, edges));
        } catch (error const& refused) {
            ++refused_count;
            std::string const text = refused.what();
            auto const path = text.substr(text.find(": ") + 2);
            REQUIRE(path.size() >= 6);
            CHECK(path.front() == path.back());
            for (std::size_t at = 0; at + 5 < path.size(); at += 5) {
                std::pair const arrow{std::string{path[at]}, std::string{path[at + 5]}};
                CHECK(std::find(edges.begin(), edges.end(), arrow) != edges.end());
            }
        }
    }
    CHECK(refused_count > 50);
    CHECK(refused_count < 300);
}

TEST_CASE("several paths to one step are no cycle [A17]", "[A17]")
{
    auto const steps = graph_of({"A", "B", "C", "D"}, {{"A", "B"}, {"A", "C"}, {"B", "D"}, {"C", "D"}});
    CHECK(parents_of(steps, "D") == words{"B", "C"});
    CHECK(steps.level(steps.find("D")) == 2);
    check_order(steps);
}

TEST_CASE("an edge given twice counts once [D24]", "[D24]")
{
    auto const steps = graph_of({"A", "B"}, {{"A", "B"}, {"A", "B"}});
    CHECK(steps.edges().size() == 1);
    CHECK(parents_of(steps, "B") == words{"A"});
    CHECK(children_of(steps, "A") == words{"B"});
}

TEST_CASE("an edge that names no step is refused, at either end [A18]", "[A18]")
{
    auto const two_steps = [] { return std::vector<step_definition>{{.name = "A"}, {.name = "B"}}; };
    CHECK_THROWS_WITH((graph{two_steps(), {{0, 2}}}), support::contains("names no step"));
    CHECK_THROWS_WITH((graph{two_steps(), {{7, 1}}}), support::contains("from step 7 to step 1"));
    CHECK_THROWS_AS((graph{{}, {{0, 0}}}), error);
}

TEST_CASE("a graph without steps is a graph [E11]", "[E11]")
{
    CHECK(graph{}.size() == 0);
    graph const built{{}, {}};
    CHECK(built.size() == 0);
    CHECK(built.topological_order().empty());
    CHECK(built.find("anything") == 0);
}

TEST_CASE("a step is found by its name, an unknown name gives the size")
{
    auto const steps = dummy();
    CHECK(steps.find("one") == 0);
    CHECK(steps.find("four") == 3);
    CHECK(steps.find("five") == 4);
    CHECK(steps.find("") == 4);
}

TEST_CASE("among steps that could stand first the order is that of declaration")
{
    auto const steps = graph_of({"late", "root_b", "root_a"}, {{"root_a", "late"}});
    auto const order = steps.topological_order();
    CHECK(std::vector<step_no>{order.begin(), order.end()} == std::vector<step_no>{1, 2, 0});
}

TEST_CASE("a fully connected ladder of 40 steps is measured edge by edge, not path by path [J10]", "[J10]")
{
    std::vector<step_definition> steps;
    std::vector<edge> edges;
    for (step_no no = 0; no < 40; ++no) {
        steps.push_back({.name = "step " + std::to_string(no)});
        if (no >= 2)
            for (step_no const parent : {no / 2 * 2 - 2, no / 2 * 2 - 1})
                edges.push_back({parent, no});
    }
    graph const ladder{std::move(steps), std::move(edges)}; // 2^20 paths: this would not end
    for (step_no no = 0; no < 40; ++no) {
        CHECK(ladder.level(no) == no / 2);
        CHECK(ladder.remaining_path(no) == 20 - no / 2);
    }
}

TEST_CASE("levels and remaining paths are the longest ones in any acyclic graph")
{
    std::mt19937 random{19};
    for (int draw = 0; draw < 100; ++draw) {
        std::size_t const size = 2 + random() % 12;
        std::vector<step_definition> steps(size);
        std::vector<edge> edges;
        for (step_no child = 1; child < size; ++child)
            for (step_no parent = 0; parent < child; ++parent)
                if (random() % 3 == 0)
                    edges.push_back({parent, child});
        std::vector<std::uint32_t> level(size, 0);
        std::vector<std::uint32_t> path(size, 1);
        for (std::size_t round = 0; round < size; ++round) // Bellman and Ford's way, as the oracle
            for (edge const& e : edges) {
                level[e.child] = std::max(level[e.child], level[e.parent] + 1);
                path[e.parent] = std::max(path[e.parent], path[e.child] + 1);
            }
        graph const made{std::move(steps), std::move(edges)};
        CHECK(levels_of(made) == level);
        CHECK(paths_of(made) == path);
        check_order(made);
    }
}
