#pragma once

#include "../order_service/svg.hpp"
#include "categories.hpp"
#include "reading.hpp"
#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace wfrun {

/// For each task the lane of the chart, and worker, on which it ran: the first one that was free when it started.
inline std::vector<std::size_t> lanes_of(schedule const& kept)
{
    std::vector<tasker::step_no> by_start(kept.slots.size());
    std::iota(by_start.begin(), by_start.end(), tasker::step_no{0});
    std::ranges::sort(by_start, {}, [&](auto no) { return std::tuple{kept.slots[no].start, kept.slots[no].end, no}; });
    std::vector<tasker::duration> free_from;
    std::vector<std::size_t> lanes(kept.slots.size());
    for (tasker::step_no const no : by_start) {
        auto lane = std::ranges::find_if(free_from, [&](auto from) { return from <= kept.slots[no].start; });
        if (lane == free_from.end())
            lane = free_from.insert(free_from.end(), tasker::duration{});
        *lane = kept.slots[no].end;
        lanes[no] = static_cast<std::size_t>(lane - free_from.begin());
    }
    return lanes;
}

/// The unit of a time axis, and the distance of its ticks in that unit: at most a dozen of them.
struct axis_scale {
    std::string_view unit;
    double seconds; ///< of one unit
    double distance;
};

inline axis_scale scale_for(double span)
{
    axis_scale scale{"s", 1, 1};
    if (span > 3 * 3600.0)
        scale = {"h", 3600, 1};
    else if (span > 3 * 60.0)
        scale = {"min", 60, 1};
    else if (span < 0.5)
        scale = {"ms", 1e-3, 1};
    double const raw = span / scale.seconds / 12;
    double const power = std::pow(10.0, std::floor(std::log10(raw)));
    for (double const step : {1.0, 2.0, 5.0, 10.0}) {
        scale.distance = step * power;
        if (raw <= scale.distance)
            break;
    }
    return scale;
}

/// Draws a finished run: a lane a worker, a bar a step in the colour of its category, the critical path framed and
/// joined.
class gantt_chart {
public:
    explicit gantt_chart(finished_run const& run)
        : run_{run}, path_{critical_path_of(run.of)}, colours_{run.of}, lanes_{lanes_of(run.kept)},
          lane_count_{*std::ranges::max_element(lanes_) + 1},
          lane_height_{std::clamp(420.0 / static_cast<double>(lane_count_), 12.0, 34.0)},
          bottom_{top + lane_height_ * static_cast<double>(lane_count_)}, span_{std::max(
                                                                              1e-3, seconds_of(run.kept.makespan()))}
    {
    }

    std::string svg()
    {
        double const rows = std::ceil(static_cast<double>(colours_.entries().size() + 1) / entries_a_row);
        picture_ = order_service::svg_picture{width, bottom_ + 84 + 22 * rows};
        heading();
        lanes();
        axis();
        std::set<tasker::step_no> const critical(path_.tasks.begin(), path_.tasks.end());
        for (tasker::step_no no = 0; no < run_.of.tasks.size(); ++no)
            if (!critical.contains(no))
                bar(no, R"(stroke="#ffffff" stroke-width="0.5")");
        join_critical_path();
        for (tasker::step_no const no : path_.tasks)
            bar(no, critical_frame);
        legend();
        return picture_.text();
    }

private:
    static constexpr double width = 1200;
    static constexpr double left = 92;
    static constexpr double right = 30;
    static constexpr double top = 92;
    static constexpr int entries_a_row = 4;
    static constexpr std::string_view critical_frame = R"(stroke="#111827" stroke-width="2.2")";

    double x(double seconds) const { return left + seconds / span_ * (width - left - right); }
    double x(tasker::duration at) const { return x(seconds_of(at)); }
    double y(std::size_t lane) const { return top + lane_height_ * static_cast<double>(lane); }

    void heading()
    {
        picture_.text(24, 38,
                      run_.of.name + ": " + in_number(run_.of.tasks.size(), "task") + " on " +
                          in_number(run_.workers, "worker") + ", " + std::string{name(run_.order)},
                      R"(font-size="21" font-weight="600" fill="#1f2933")");
        char text[96];
        std::snprintf(text, sizeof text, ", ratio %.3f. Run %g times as fast as recorded",
                      ratio(run_.kept.makespan(), path_.length), run_.speed);
        picture_.text(24, 62,
                      "Makespan " + in_words(run_.kept.makespan()) + ", critical path " + in_words(path_.length) +
                          text + (run_.interrupted ? ", and interrupted in between." : "."),
                      R"(font-size="13.5" fill="#52606d")");
    }

    void lanes()
    {
        auto const every = static_cast<std::size_t>(std::ceil(14 / lane_height_));
        for (std::size_t lane = 0; lane < lane_count_; ++lane) {
            if (lane % 2 == 0)
                picture_.box(left, y(lane), width - left - right, lane_height_, R"(fill="#f4f6f8")");
            if (lane % every == 0)
                picture_.text(left - 10, y(lane) + lane_height_ / 2 + 4, "worker " + std::to_string(lane + 1),
                              R"(font-size="12" fill="#52606d" text-anchor="end")");
        }
    }

    void axis()
    {
        axis_scale const scale = scale_for(span_);
        for (int tick = 0; tick * scale.distance * scale.seconds <= span_ * 1.0001; ++tick) {
            double const at = x(tick * scale.distance * scale.seconds);
            picture_.line(at, top, at, bottom_ + 5, R"(stroke="#d5dbe3")");
            char label[32];
            std::snprintf(label, sizeof label, "%g %s", tick * scale.distance, scale.unit.data());
            picture_.text(at, bottom_ + 21, label, R"(font-size="12" fill="#52606d" text-anchor="middle")");
        }
        picture_.line(left, bottom_, width - right, bottom_, R"(stroke="#9aa5b1")");
        picture_.text((left + width - right) / 2, bottom_ + 42,
                      "time since the start, at the speed of the recorded execution",
                      R"(font-size="12" fill="#7b8794" text-anchor="middle")");
    }

    void bar(tasker::step_no no, std::string_view frame)
    {
        auto const& slot = run_.kept.slots[no];
        wf_task const& task = run_.of.tasks[no];
        double const gap = lane_height_ > 20 ? 3 : 1.5;
        double const wide = std::max(1.5, x(slot.end) - x(slot.start));
        double const high = lane_height_ - 2 * gap;
        picture_.box(x(slot.start), y(lanes_[no]) + gap, wide, high,
                     R"(class="step" rx="2" fill=")" + std::string{colours_.colour_of(task.category)} + "\" " +
                         std::string{frame},
                     task.id + ": " + in_seconds(slot.start) + " to " + in_seconds(slot.end) + ", recorded run time " +
                         in_seconds(task.runtime));
        if (high >= 14 && wide > 7.0 * static_cast<double>(task.category.size()) + 8)
            picture_.text(x(slot.start) + wide / 2, y(lanes_[no]) + lane_height_ / 2 + 4, task.category,
                          R"(font-size="11.5" fill="#ffffff" text-anchor="middle" pointer-events="none")");
    }

    void join_critical_path()
    {
        for (std::size_t at = 1; at < path_.tasks.size(); ++at) {
            tasker::step_no const before = path_.tasks[at - 1];
            tasker::step_no const next = path_.tasks[at];
            picture_.line(x(run_.kept.slots[before].end), y(lanes_[before]) + lane_height_ / 2,
                          x(run_.kept.slots[next].start), y(lanes_[next]) + lane_height_ / 2,
                          R"(stroke="#111827" stroke-width="1.4" stroke-dasharray="5 3")");
        }
    }

    void legend()
    {
        int place = 0;
        auto const entry = [&](std::string_view style, std::string_view what) {
            double const at = left + (width - left - right) / entries_a_row * (place % entries_a_row);
            double const line = bottom_ + 62 + 22.0 * (place / entries_a_row);
            ++place;
            picture_.box(at, line, 20, 13, style);
            picture_.text(at + 28, line + 11, what.substr(0, 34), R"(font-size="12.5" fill="#3e4c59")");
        };
        entry(R"(rx="2" fill="#ffffff" )" + std::string{critical_frame}, "framed and joined: critical path");
        for (auto const& [colour, what] : colours_.entries())
            entry(R"(rx="2" fill=")" + colour + '"', what);
    }

    finished_run const& run_;
    critical_path path_;
    category_colours colours_;
    std::vector<std::size_t> lanes_;
    std::size_t lane_count_;
    double lane_height_;
    double bottom_;
    double span_;
    order_service::svg_picture picture_{0, 0};
};

} // namespace wfrun
