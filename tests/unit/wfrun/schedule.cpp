#include "../examples/wfrun/schedule.hpp"
#include "../examples/wfrun/gantt.hpp"
#include "../examples/wfrun/report.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using wfrun::start_order;

namespace {

wfrun::instance make_instance(std::vector<tasker::duration> const& runtimes, std::vector<tasker::edge> edges)
{
    wfrun::instance made;
    made.name = "made";
    std::vector<tasker::step_definition> steps;
    for (auto const runtime : runtimes) {
        std::string const id(1, static_cast<char>('a' + made.tasks.size()));
        made.tasks.push_back({id, id, runtime});
        steps.push_back({id, {}});
    }
    made.shape = tasker::graph{std::move(steps), std::move(edges)};
    return made;
}

/// Two short tasks stand first in the file, and a long chain behind them: c -> d.
wfrun::instance late_chain() { return make_instance({2s, 2s, 1s, 5s}, {{2, 3}}); }

std::vector<tasker::step_no> starts(wfrun::instance const& of, std::size_t workers, start_order order)
{
    return wfrun::plan(of, workers, order).order_of_start;
}

std::size_t count(std::string const& text, std::string const& part)
{
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

} // namespace

TEST_CASE("the critical path is the chain with the longest sum of run times, not the one with the most steps")
{
    // a -> b -> c -> e and a -> d -> e
    auto const made = make_instance({1s, 2s, 3s, 6s, 1s}, {{0, 1}, {1, 2}, {2, 4}, {0, 3}, {3, 4}});
    auto const path = wfrun::critical_path_of(made);
    CHECK(path.length == 8s);
    CHECK(path.tasks == std::vector<tasker::step_no>{0, 3, 4});
    CHECK(wfrun::times_to_end(made) == std::vector<tasker::duration>{8s, 6s, 4s, 7s, 1s});
}

TEST_CASE("among chains of one length the critical path follows the one that stands first in the file")
{
    auto const made = make_instance({1s, 2s, 2s, 1s}, {{0, 2}, {0, 1}, {1, 3}, {2, 3}});
    CHECK(wfrun::critical_path_of(made).tasks == std::vector<tasker::step_no>{0, 1, 3});
}

TEST_CASE("critical path first starts the task from which the end is farthest")
{
    auto const planned = wfrun::plan(late_chain(), 1, start_order::critical_path);
    CHECK(planned.order_of_start == std::vector<tasker::step_no>{2, 0, 3, 1});
    CHECK(wfrun::plan(late_chain(), 2, start_order::critical_path).makespan() == 7s);
}

TEST_CASE("first in, first out starts what became ready first, and at one instant what stands first in the file")
{
    CHECK(starts(late_chain(), 1, start_order::fifo) == std::vector<tasker::step_no>{0, 1, 2, 3});
    CHECK(wfrun::plan(late_chain(), 2, start_order::fifo).makespan() == 8s);
    // b and c wait for a, d does not
    auto const made = make_instance({1s, 1s, 1s, 1s}, {{0, 1}, {0, 2}});
    CHECK(starts(made, 1, start_order::fifo) == std::vector<tasker::step_no>{0, 3, 1, 2});
}

TEST_CASE("the engine's own order counts steps and not seconds")
{
    auto const made = make_instance({9s, 1s, 1s}, {{1, 2}});
    CHECK(starts(made, 1, start_order::engine) == std::vector<tasker::step_no>{1, 0, 2});
    CHECK(starts(made, 1, start_order::critical_path) == std::vector<tasker::step_no>{0, 1, 2});
}

TEST_CASE("with a worker for every task each starts when its last parent ends")
{
    auto const planned = wfrun::plan(late_chain(), 4, start_order::fifo);
    using slot = wfrun::schedule::slot;
    CHECK(planned.slots == std::vector<slot>{{0s, 2s}, {0s, 2s}, {0s, 1s}, {1s, 6s}});
    CHECK(wfrun::shortest_possible(late_chain(), 4) == 6s);
    CHECK(wfrun::shortest_possible(late_chain(), 1) == 10s);
    CHECK(wfrun::shortest_possible(late_chain(), std::numeric_limits<std::size_t>::max()) == 6s);
}

TEST_CASE("a free worker takes what is ready already, before the children of the task that it has just ended")
{
    // b and c are ready when a ends, which releases the more urgent d
    auto const made = make_instance({9s, 1s, 1s, 5s}, {{0, 3}});
    CHECK(starts(made, 1, start_order::critical_path) == std::vector<tasker::step_no>{0, 1, 3, 2});
}

TEST_CASE("tasks that take no time at all are planned all the same")
{
    auto const made = make_instance({0s, 0s, 0s}, {{0, 1}, {1, 2}});
    CHECK(starts(made, 1, start_order::critical_path).size() == 3);
    CHECK(wfrun::plan(made, 2, start_order::fifo).makespan() == 0s);
}

TEST_CASE("no two tasks of one lane of the chart overlap, and there are no more lanes than workers")
{
    auto const planned = wfrun::plan(late_chain(), 2, start_order::fifo);
    auto const lanes = wfrun::lanes_of(planned);
    CHECK(lanes == std::vector<std::size_t>{0, 1, 0, 0});
}

TEST_CASE("the chart holds a bar for every task, the critical path framed, an axis with its unit, and escaped names")
{
    auto made = late_chain();
    made.name = "a <b> & c";
    wfrun::finished_run const run{made, wfrun::plan(made, 2, start_order::fifo), 2, start_order::fifo, 10.0, false};
    auto const svg = wfrun::gantt_chart{run}.svg();
    CHECK(count(svg, "class=\"step\"") == 4);
    CHECK(count(svg, "stroke=\"#111827\" stroke-width=\"2.2\"") == 3); // c, d, and the legend's
    CHECK(count(svg, ">worker ") == 2);
    CHECK_THAT(svg, support::contains("a &lt;b&gt; &amp; c: 4 tasks on 2 workers, first in, first out"));
    CHECK_THAT(svg, support::contains(">8 s</text>"));
    CHECK_THAT(svg, support::contains("Makespan 8.000 s, critical path 6.000 s, ratio 1.333"));
}

TEST_CASE("the axis of a chart has at most a dozen ticks, in the unit that suits its length")
{
    CHECK(wfrun::scale_for(0.2).unit == "ms");
    CHECK(wfrun::scale_for(100).unit == "s");
    CHECK(wfrun::scale_for(100).distance == 10);
    CHECK(wfrun::scale_for(1300).unit == "min");
    CHECK(wfrun::scale_for(1300).distance == 2);
    CHECK(wfrun::scale_for(40'000).unit == "h");
    CHECK(wfrun::scale_for(40'000).distance == 1);
}

TEST_CASE("the report sets this run beside the plans, each with its ratio to the critical path")
{
    auto const made = late_chain();
    wfrun::schedule const kept = wfrun::plan(made, 2, start_order::critical_path);
    auto const text = wfrun::report{{made, kept, 2, start_order::critical_path, 10.0, false}}.text();
    CHECK(text == "made: 4 tasks, 1 edge, 2 workers, 10 times as fast as recorded\n"
                  "critical path  6.000 s\n"
                  "all the work   10.0 s\n"
                  "\n"
                  "                                       makespan  / critical path\n"
                  "this run, critical path first           7.000 s            1.167\n"
                  "planned, critical path first            7.000 s            1.167\n"
                  "planned, first in, first out            8.000 s            1.333\n"
                  "planned, the engine's own order         7.000 s            1.167\n"
                  "no schedule can be shorter than         6.000 s            1.000\n"
                  "Planned: by the recorded run times alone, as if starting and recording a step took no time. In "
                  "this run,\na millisecond of that counts for 0.010 s.\n"
                  "\n"
                  "The critical path, 2 tasks:\n"
                  "       1.000 s  c\n"
                  "       5.000 s  d\n");
}
