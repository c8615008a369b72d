#include <tasker/model/diagram.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace tasker;
using support::contains;

namespace {

graph order_graph()
{
    return graph{{{.name = "charge"}, {.name = "reserve"}, {.name = "ship"}}, {{0, 2}, {1, 2}}};
}

graph graph_of_one(std::string const& name) { return graph{{{.name = name}}, {}}; }

step_record record(step_state state, int attempts = 0)
{
    step_record result;
    result.state = state;
    result.attempts = attempts;
    return result;
}

} // namespace

TEST_CASE("a workflow's dot has its title, a node for each step and an arrow for each edge")
{
    CHECK(to_dot(order_graph(), "shop/order@1.0.0") == R"(digraph workflow {
    graph [fontname="Helvetica", fontsize=16, labelloc=t, nodesep=0.4, ranksep=0.45, pad=0.2];
    node [fontname="Helvetica", fontsize=12, shape=box, style="rounded,filled", margin="0.2,0.1", penwidth=1.4];
    edge [color="#52525b", arrowsize=0.7];
    label="shop/order@1.0.0\n ";
    s0 [label="charge", fillcolor="#f4f4f5", color="#71717a"];
    s1 [label="reserve", fillcolor="#f4f4f5", color="#71717a"];
    s2 [label="ship", fillcolor="#f4f4f5", color="#71717a"];
    s0 -> s2;
    s1 -> s2;
}
)");
}

TEST_CASE("a workflow's mermaid has its title, a node for each step and an arrow for each edge")
{
    CHECK(to_mermaid(order_graph(), "shop/order@1.0.0") == R"(---
title: "shop/order@1.0.0"
---
flowchart TD
    s0("charge")
    s1("reserve")
    s2("ship")
    s0 --> s2
    s1 --> s2
    classDef pending fill:#f4f4f5,stroke:#71717a,color:#18181b
    class s0,s1,s2 pending
)");
}

TEST_CASE("a task's diagram says each step's state in words and in its colour, and the attempts when there are several")
{
    std::vector<step_record> const records{record(step_state::error, 3), record(step_state::complete, 1), record(step_state::pending)};
    std::string const dot = to_dot(order_graph(), "t", records);
    CHECK_THAT(dot, contains(R"(s0 [label="charge\nerror, 3 attempts", fillcolor="#fecaca", color="#b91c1c"])"));
    CHECK_THAT(dot, contains(R"(s1 [label="reserve\ncomplete", fillcolor="#dcfce7", color="#15803d"])"));
    CHECK_THAT(dot, contains(R"(s2 [label="ship", fillcolor="#f4f4f5", color="#71717a"])"));
    std::string const mermaid = to_mermaid(order_graph(), "t", records);
    CHECK_THAT(mermaid, contains(R"(s0("charge<br/>error, 3 attempts"))"));
    CHECK_THAT(mermaid, contains(R"(s1("reserve<br/>complete"))"));
    CHECK_THAT(mermaid, contains("class s1 complete\n    classDef error fill:#fecaca,stroke:#b91c1c,color:#18181b\n    class s0 error\n"));
}

TEST_CASE("a step that runs shows the number of the running attempt from the second on")
{
    std::vector<step_record> const records{record(step_state::in_progress), record(step_state::in_progress, 1), record(step_state::pending, 2)};
    std::string const dot = to_dot(order_graph(), "t", records);
    CHECK_THAT(dot, contains(R"("charge\nin progress")"));
    CHECK_THAT(dot, contains(R"("reserve\nin progress, attempt 2")"));
    CHECK_THAT(dot, contains(R"("ship\npending, 2 attempts")"));
}

TEST_CASE("every state has a colour of its own, found by the state itself")
{
    for (std::size_t at = 0; at < state_colours.size(); ++at) {
        auto const state = static_cast<step_state>(at);
        CHECK(colour_of(state).state == state);
        for (std::size_t other = 0; other < at; ++other)
            CHECK(state_colours[other].fill != state_colours[at].fill);
        CHECK_THAT(to_dot(graph_of_one("a"), "t", std::vector{record(state)}), contains("fillcolor=\"" + std::string{colour_of(state).fill}));
    }
}

TEST_CASE("names and titles in dot keep their quotes, backslashes, entities and line breaks")
{
    CHECK_THAT(to_dot(graph_of_one(R"(a "b" \N &amp; <i>)"), "t"), contains(R"(s0 [label="a \"b\" \\N &amp;amp; <i>",)"));
    CHECK_THAT(to_dot(graph_of_one("two\nlines\tand a tab"), "t"), contains(R"(s0 [label="two\nlines and a tab",)"));
    CHECK_THAT(to_dot(graph_of_one("a"), R"(\G "quoted")"), contains(R"(label="\\G \"quoted\"\n ";)"));
}

TEST_CASE("names and titles in mermaid cannot end their quotes, become markup or open a directive")
{
    CHECK_THAT(to_mermaid(graph_of_one(R"(a "b" #1; <i> & %%{init}%% `x` *y*)"), "t"),
               contains("s0(\"a #34;b#34; #35;1#59; #60;i#62; #38; #37;#37;#123;init#125;#37;#37; #96;x#96; #42;y#42;\")"));
    CHECK_THAT(to_mermaid(graph_of_one("two\nlines"), "t"), contains("s0(\"two<br/>lines\")"));
    CHECK_THAT(to_mermaid(graph_of_one("größe_in-cm (1:2)"), "t"), contains("s0(\"größe_in-cm (1:2)\")"));
    CHECK_THAT(to_mermaid(graph_of_one("a"), "a \"b\" \\c\n---"), contains("title: \"a \\\"b\\\" \\\\c ---\"\n"));
}

TEST_CASE("records that do not fit the graph are refused with both counts")
{
    std::vector<step_record> const two(2);
    CHECK_THROWS_WITH(to_dot(order_graph(), "t", two), "a diagram of 3 steps takes one record a step or none at all, got 2");
    CHECK_THROWS_WITH(to_mermaid(order_graph(), "t", two), "a diagram of 3 steps takes one record a step or none at all, got 2");
}

TEST_CASE("a graph without steps is an empty diagram")
{
    CHECK_THAT(to_dot(graph{}, "t"), contains("digraph workflow {"));
    CHECK(to_mermaid(graph{}, "t") == "---\ntitle: \"t\"\n---\nflowchart TD\n");
}
