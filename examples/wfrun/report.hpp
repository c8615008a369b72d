#pragma once

#include "critical_path.hpp"
#include "instance.hpp"
#include "reading.hpp"
#include "schedule.hpp"

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace wfrun {

/// A finished run and how it was run.
struct finished_run {
    instance const& of;
    schedule kept; ///< in the recorded workflow's time
    std::size_t workers = 1;
    start_order order = start_order::critical_path;
    double speed = 1.0;
    bool interrupted = false; ///< it went on after its process had ended
};

inline double ratio(tasker::duration makespan, tasker::duration path)
{
    return path == tasker::duration::zero() ? 1.0
                                            : static_cast<double>(makespan.count()) / static_cast<double>(path.count());
}

/// What wfrun prints at the end.
class report {
public:
    explicit report(finished_run const& run) : run_{run}, path_{critical_path_of(run.of)} {}

    std::string text() const
    {
        std::string const text = heading() + '\n' + comparison() + '\n' + path_in_words();
        return run_.interrupted ? text + std::string{interruption} : text;
    }

private:
    static constexpr std::string_view interruption =
        "\nThis run was stopped in between and went on later: its makespan holds the time in which nothing ran, and "
        "steps\nthat were cut off ran again.\n";

    std::string heading() const
    {
        char speed[64];
        std::snprintf(speed, sizeof speed, "%g times as fast as recorded\n", run_.speed);
        return run_.of.name + ": " + in_number(run_.of.tasks.size(), "task") + ", " +
               in_number(run_.of.shape.edges().size(), "edge") + ", " + in_number(run_.workers, "worker") + ", " +
               speed + "critical path  " + in_words(path_.length) + '\n' + "all the work   " +
               in_words(run_.of.work()) + '\n';
    }

    std::string comparison() const
    {
        std::string table = row("", "makespan", "/ critical path");
        table += row("this run, " + std::string{name(run_.order)}, run_.kept.makespan());
        for (start_order const order : {start_order::critical_path, start_order::fifo, start_order::engine})
            table += row("planned, " + std::string{name(order)}, plan(run_.of, run_.workers, order).makespan());
        table += row("no schedule can be shorter than", shortest_possible(run_.of, run_.workers));
        return table +
               "Planned: by the recorded run times alone, as if starting and recording a step took no time. In " +
               "this run,\na millisecond of that counts for " +
               in_seconds(scaled(std::chrono::milliseconds{1}, run_.speed)) + ".\n";
    }

    std::string path_in_words() const
    {
        std::string list = "The critical path, " + in_number(path_.tasks.size(), "task") + ":\n";
        for (tasker::step_no const no : path_.tasks) {
            char length[32];
            std::snprintf(length, sizeof length, "  %12s  ", in_seconds(run_.of.tasks[no].runtime).c_str());
            list += length + run_.of.tasks[no].id + '\n';
        }
        return list;
    }

    std::string row(std::string const& what, tasker::duration makespan) const
    {
        char quotient[32];
        std::snprintf(quotient, sizeof quotient, "%.3f", ratio(makespan, path_.length));
        return row(what, in_seconds(makespan), quotient);
    }

    static std::string row(std::string const& what, std::string const& makespan, std::string const& quotient)
    {
        char text[160];
        std::snprintf(text, sizeof text, "%-34s %12s  %15s\n", what.c_str(), makespan.c_str(), quotient.c_str());
        return text;
    }

    finished_run const& run_;
    critical_path path_;
};

} // namespace wfrun
