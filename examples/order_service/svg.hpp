#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace order_service {

/// Collects the shapes of one SVG picture on a white ground.
class svg_picture {
public:
    svg_picture(double width, double height)
    {
        body_ = R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" + number(width) + ' ' + number(height) +
                R"(" width=")" + number(width) + R"(" height=")" + number(height) +
                R"(" font-family="Inter, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif">)" + '\n';
        box(0, 0, width, height, R"(fill="#ffffff")");
    }

    void define(std::string_view definitions) { body_.append("<defs>").append(definitions).append("</defs>\n"); }

    /// `tooltip` is what a browser shows when the mouse rests on the box; empty: nothing.
    void box(double x, double y, double width, double height, std::string_view style, std::string_view tooltip = {})
    {
        body_ += "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) + "\" height=\"" +
                 number(height) + "\" ";
        body_.append(style);
        body_ += tooltip.empty() ? "/>\n" : "><title>" + escaped(tooltip) + "</title></rect>\n";
    }

    void line(double x1, double y1, double x2, double y2, std::string_view style)
    {
        body_ += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" +
                 number(y2) + "\" ";
        body_.append(style).append("/>\n");
    }

    void text(double x, double y, std::string_view words, std::string_view style)
    {
        body_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" ";
        body_.append(style).append(">").append(escaped(words)).append("</text>\n");
    }

    std::string text() const { return body_ + "</svg>\n"; }

private:
    static std::string number(double value)
    {
        char text[32];
        std::snprintf(text, sizeof text, "%.2f", value);
        return text;
    }

    static std::string escaped(std::string_view words)
    {
        std::string safe;
        for (char const c : words)
            switch (c) {
            case '&': safe += "&amp;"; break;
            case '<': safe += "&lt;"; break;
            case '>': safe += "&gt;"; break;
            case '"': safe += "&quot;"; break;
            default: safe += c;
            }
        return safe;
    }

    std::string body_;
};

} // namespace order_service
