#pragma once

#include "reading.hpp"
#include "story.hpp"
#include "svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace order_service {

/// What the picture of one order shows.
struct timeline {
    std::string title;
    std::string subtitle;
    std::vector<std::string> rows; ///< the steps, top to bottom
    order_story story;
};

namespace detail {

struct look {
    std::string_view fill;
    std::string_view caption; ///< beneath a bar
};

/// By ending. The hues stay apart for colour-blind eyes as well (Okabe and Ito), and every bar has its caption.
inline constexpr std::array<look, 9> looks{{{"#2a9d74", ""},
                                            {"#e6a100", "429"},
                                            {"#d1495b", "500"},
                                            {"#7b5ea7", "timed out"},
                                            {"#7a1f2b", "refused"},
                                            {"#4f8fc0", "busy"},
                                            {"#6b7280", "killed"},
                                            {"#b5651d", "failed"},
                                            {"#b9c2cc", "running"}}};

constexpr look const& look_of(ending how) { return looks[static_cast<std::size_t>(how)]; }

/// A tick distance of 1, 2 or 5 times a power of ten that gives at most a dozen ticks.
inline double tick_distance(double seconds)
{
    double const raw = seconds / 12;
    double const power = std::pow(10.0, std::floor(std::log10(raw)));
    for (double const step : {1.0, 2.0, 5.0})
        if (raw <= step * power)
            return step * power;
    return 10 * power;
}

} // namespace detail

/// Draws a timeline: a row a step, a bar an attempt, a hatched stretch a wait, an axis in seconds and a legend.
class timeline_picture {
public:
    explicit timeline_picture(timeline const& shown)
        : shown_{shown}, span_{std::max<double>(1e-3, seconds(shown.story.elapsed()))},
          bottom_{top + row_height * static_cast<double>(shown.rows.size())}
    {
    }

    std::string svg()
    {
        picture_ = svg_picture{width, bottom_ + 108};
        picture_.define(hatching);
        heading();
        rows();
        axis();
        for (auto const& one : shown_.story.attempts)
            bar(one);
        waits();
        legend();
        return picture_.text();
    }

private:
    static constexpr double width = 1120;
    static constexpr double left = 118;
    static constexpr double right = 36;
    static constexpr double top = 92;
    static constexpr double row_height = 62;
    static constexpr double bar_height = 26;
    static constexpr std::string_view hatching =
        R"svg(<pattern id="wait" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">)svg"
        R"(<rect width="7" height="7" fill="#f3efe4"/><rect width="2" height="7" fill="#d9cfb8"/></pattern>)";

    static double seconds(tasker::duration length) { return static_cast<double>(length.count()) / 1e6; }

    double x(tasker::time_point at) const { return x(seconds(at - shown_.story.attempts.front().from)); }
    double x(double at) const { return left + at / span_ * (width - left - right); }

    double y(std::string_view step) const
    {
        auto const at = std::find(shown_.rows.begin(), shown_.rows.end(), step);
        return top + row_height * static_cast<double>(at - shown_.rows.begin()) + 9;
    }

    void heading()
    {
        picture_.text(24, 38, shown_.title, R"(font-size="21" font-weight="600" fill="#1f2933")");
        picture_.text(24, 62, shown_.subtitle, R"(font-size="13.5" fill="#52606d")");
    }

    void rows()
    {
        for (std::size_t no = 0; no < shown_.rows.size(); ++no) {
            double const begins = top + row_height * static_cast<double>(no);
            if (no % 2 == 0)
                picture_.box(0, begins, width, row_height, R"(fill="#f6f8fa")");
            picture_.text(left - 16, begins + 27, shown_.rows[no],
                          R"(font-size="14" font-weight="600" fill="#323f4b" text-anchor="end")");
        }
    }

    void axis()
    {
        double const distance = detail::tick_distance(span_);
        for (int tick = 0; tick * distance <= span_ * 1.0001; ++tick) {
            double const at = x(tick * distance);
            picture_.line(at, top, at, bottom_ + 5, R"(stroke="#dde3ea")");
            char label[32];
            std::snprintf(label, sizeof label,
                          distance < 0.1 ? "%.2f s"
                          : distance < 1 ? "%.1f s"
                                         : "%.0f s",
                          tick * distance);
            picture_.text(at, bottom_ + 21, label, R"(font-size="12" fill="#52606d" text-anchor="middle")");
        }
        picture_.line(left, bottom_, width - right, bottom_, R"(stroke="#9aa5b1")");
    }

    void bar(attempt_story const& one)
    {
        double const begins = x(one.from);
        double const wide = std::max(3.0, x(one.to) - begins);
        auto const& look = detail::look_of(one.how);
        picture_.box(begins, y(one.step), wide, bar_height,
                     R"(rx="3" stroke="#ffffff" stroke-width="0.75" fill=")" + std::string{look.fill} + '"',
                     one.step + ", attempt " + std::to_string(one.attempt) + ": " + reading(one.length()) + ", " +
                         (one.detail.empty() ? std::string{name(one.how)} : one.detail));
        if (wide >= 14)
            picture_.text(begins + wide / 2, y(one.step) + 18, std::to_string(one.attempt),
                          R"(font-size="13" font-weight="600" fill="#ffffff" text-anchor="middle")");
        std::string const caption = one.how == ending::done ? reading(one.length()) : std::string{look.caption};
        caption_beneath(one.step, begins + wide / 2, caption);
    }

    /// Captions of neighbours that would run into each other: the later one is left out; its bar's colour tells.
    void caption_beneath(std::string const& step, double middle, std::string const& caption)
    {
        double const half = 3.4 * static_cast<double>(caption.size());
        middle = std::min(middle, width - 6 - half);
        if (caption_row_ == step && middle - half < caption_end_)
            return;
        caption_row_ = step;
        caption_end_ = middle + half + 4;
        picture_.text(middle, y(step) + bar_height + 16, caption,
                      R"(font-size="12" fill="#3e4c59" text-anchor="middle")");
    }

    void waits()
    {
        for (auto const& one : retries_in(shown_.story))
            wait(*one.failed, *one.next);
    }

    void wait(attempt_story const& before, attempt_story const& next)
    {
        double const begins = std::max(x(before.to), x(before.from) + 3);
        double const wide = x(next.from) - begins;
        if (wide < 1)
            return;
        std::string const length = reading(next.from - before.to);
        picture_.box(begins, y(next.step) + 4, wide, bar_height - 8, R"svg(fill="url(#wait)")svg",
                     "waited " + length + " after: " + std::string{name(before.how)});
        double const label = 6.8 * static_cast<double>(length.size()) + 8;
        if (wide < label + 16)
            return;
        picture_.box(begins + (wide - label) / 2, y(next.step) + 5, label, bar_height - 10, R"(rx="8" fill="#fdfbf6")");
        picture_.text(begins + wide / 2, y(next.step) + 17.5, length,
                      R"(font-size="12" fill="#6b5d3e" text-anchor="middle")");
    }

    void legend()
    {
        double at = left;
        double const line = bottom_ + 58;
        auto const entry = [&](std::string_view fill, std::string_view what) {
            picture_.box(at, line, 20, 13, R"(rx="3" fill=")" + std::string{fill} + '"');
            picture_.text(at + 27, line + 11, what, R"(font-size="12.5" fill="#3e4c59")");
            at += 27 + 6.9 * static_cast<double>(what.size()) + 20;
        };
        for (std::size_t how = 0; how < ending_names.size(); ++how)
            if (std::any_of(shown_.story.attempts.begin(), shown_.story.attempts.end(),
                            [&](auto const& one) { return static_cast<std::size_t>(one.how) == how; }))
                entry(detail::looks[how].fill, ending_names[how]);
        entry("url(#wait)", "waiting for the next attempt");
        picture_.text(left, line + 34,
                      "A bar is one attempt, with its number; beneath it what came of it. Where nothing is drawn, the "
                      "step waits for its parents or its turn.",
                      R"(font-size="12" fill="#7b8794")");
    }

    timeline const& shown_;
    double span_;
    double bottom_;
    svg_picture picture_{0, 0};
    std::string caption_row_;
    double caption_end_ = 0;
};

} // namespace order_service
