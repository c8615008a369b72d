#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace benchmark {

/// A few digits, as people write them: 0.123, 12.3, 12,345.
inline std::string readable(double value)
{
    double const size = std::abs(value);
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3, value);
    std::string digits = text;
    auto const point = std::min(digits.find('.'), digits.size());
    std::string result;
    for (std::size_t at = 0; at < digits.size(); ++at) {
        if (at > 0 && at < point && (point - at) % 3 == 0 && digits[at - 1] != '-')
            result += ',';
        result += digits[at];
    }
    return result;
}

inline std::string escaped(std::string_view text)
{
    std::string result;
    for (char const one : text)
        result += one == '&' ? "&amp;" : one == '<' ? "&lt;" : one == '>' ? "&gt;" : std::string(1, one);
    return result;
}

/// Values at named places; a place may lack one.
struct series {
    std::string name;
    std::vector<std::optional<double>> values;
    bool is_baseline = false;
};

/// Draws lines over named places, or bars where there is no order, as an SVG of its own. The scale is logarithmic, so that equal
/// ratios are equal distances.
class chart {
public:
    chart(std::string title, std::string unit, std::vector<std::string> places, std::vector<series> all)
        : title_{std::move(title)}, unit_{std::move(unit)}, places_{std::move(places)}, all_{std::move(all)}
    {
        find_range();
    }

    std::string lines() const
    {
        double const height = top + plot_height + 54 + 18 * static_cast<double>(all_.size());
        std::ostringstream out;
        begin(out, height);
        for (double tick = low_; tick <= high_ * 1.001; tick *= 10)
            draw_horizontal(out, tick);
        for (std::size_t at = 0; at < places_.size(); ++at)
            text(out, x_of(at), top + plot_height + 20, "middle", places_[at]);
        for (std::size_t at = 0; at < all_.size(); ++at) {
            draw_line(out, all_[at], color(at));
            draw_legend(out, at, top + plot_height + 46 + 18 * static_cast<double>(at));
        }
        out << "</svg>\n";
        return out.str();
    }

    std::string bars() const
    {
        double const group = 13.0 * static_cast<double>(all_.size()) + 12;
        double const bottom = top + group * static_cast<double>(places_.size());
        std::ostringstream out;
        begin(out, bottom + 34 + 18 * static_cast<double>(all_.size()));
        for (std::size_t place = 0; place < places_.size(); ++place)
            draw_bars(out, place, top + group * static_cast<double>(place), group);
        for (std::size_t at = 0; at < all_.size(); ++at)
            draw_legend(out, at, bottom + 18 + 18 * static_cast<double>(at));
        out << "</svg>\n";
        return out.str();
    }

private:
    static constexpr double width = 760, left = 80, bar_left = 310, right = 24, top = 52, plot_height = 240;

    void find_range()
    {
        double least = 0;
        double most = 0;
        for (series const& one : all_)
            for (auto const& value : one.values)
                if (value && *value > 0) {
                    least = least == 0 ? *value : std::min(least, *value);
                    most = std::max(most, *value);
                }
        low_ = std::pow(10, std::floor(std::log10(least == 0 ? 1 : least)));
        high_ = std::max(low_ * 10, std::pow(10, std::ceil(std::log10(most == 0 ? 10 : most))));
    }

    double share_of(double value) const
    {
        return std::clamp(std::log10(std::max(value, low_) / low_) / std::log10(high_ / low_), 0.0, 1.0);
    }
    double x_of(std::size_t place) const
    {
        return left + (width - left - right) * (static_cast<double>(place) + 0.5) / static_cast<double>(places_.size());
    }
    double y_of(double value) const { return top + plot_height * (1 - share_of(value)); }

    std::string color(std::size_t at) const
    {
        static constexpr char const* colors[] = {"#1f5fa8", "#c2571a", "#2a8a4a", "#8a3ab9", "#a8861f", "#b92a5c"};
        return all_[at].is_baseline ? "#8a8f98" : colors[at % std::size(colors)];
    }

    void begin(std::ostream& out, double height) const
    {
        out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << height << "\" width=\"" << width
            << "\" height=\"" << height << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n"
            << "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"16\" y=\"22\" font-size=\"14\" font-weight=\"bold\">"
            << escaped(title_) << "</text>\n<text x=\"16\" y=\"40\" fill=\"#666\">" << escaped(unit_) << ", logarithmic</text>\n";
    }

    static void text(std::ostream& out, double x, double y, char const* anchor, std::string_view what)
    {
        out << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\">" << escaped(what) << "</text>\n";
    }

    void draw_horizontal(std::ostream& out, double value) const
    {
        out << "<line x1=\"" << left << "\" x2=\"" << width - right << "\" y1=\"" << y_of(value) << "\" y2=\"" << y_of(value)
            << "\" stroke=\"#ddd\"/>\n";
        text(out, left - 8, y_of(value) + 4, "end", readable(value));
    }

    void draw_line(std::ostream& out, series const& one, std::string const& stroke) const
    {
        std::ostringstream points;
        for (std::size_t at = 0; at < one.values.size(); ++at)
            if (one.values[at]) {
                points << x_of(at) << ',' << y_of(*one.values[at]) << ' ';
                out << "<circle cx=\"" << x_of(at) << "\" cy=\"" << y_of(*one.values[at]) << "\" r=\"3.5\" fill=\"" << stroke
                    << "\"><title>" << escaped(one.name) << ", " << escaped(places_[at]) << ": " << readable(*one.values[at])
                    << "</title></circle>\n";
            }
        out << "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" << stroke << "\"" << (one.is_baseline ? " stroke-dasharray=\"6 4\"" : "")
            << " points=\"" << points.str() << "\"/>\n";
    }

    void draw_bars(std::ostream& out, std::size_t place, double y, double group) const
    {
        text(out, bar_left - 8, y + group / 2, "end", places_[place]);
        for (std::size_t at = 0; at < all_.size(); ++at) {
            auto const& value = all_[at].values[place];
            if (!value)
                continue;
            double const length = std::max(1.0, (width - bar_left - right - 70) * share_of(*value));
            double const from = y + 13.0 * static_cast<double>(at);
            out << "<rect x=\"" << bar_left << "\" y=\"" << from << "\" width=\"" << length << "\" height=\"11\" fill=\"" << color(at)
                << "\"/>\n";
            text(out, bar_left + length + 6, from + 10, "start", readable(*value));
        }
    }

    void draw_legend(std::ostream& out, std::size_t at, double y) const
    {
        out << "<rect x=\"" << left << "\" y=\"" << y - 9 << "\" width=\"14\" height=\"10\" fill=\"" << color(at) << "\"/>\n";
        text(out, left + 20, y, "start", all_[at].name);
    }

    std::string title_;
    std::string unit_;
    std::vector<std::string> places_;
    std::vector<series> all_;
    double low_ = 1;
    double high_ = 10;
};

} // namespace benchmark
