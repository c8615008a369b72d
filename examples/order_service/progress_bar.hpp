#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace order_service {

/// Where a run stands.
struct progress {
    std::size_t total = 0;
    std::size_t shipped = 0;
    std::size_t refused = 0; ///< by the bank or by the shop itself
    std::size_t failed = 0;
    std::size_t running = 0; ///< steps
    std::size_t waiting = 0; ///< steps in back-off

    std::size_t finished() const { return shipped + refused + failed; }
};

enum class screen { terminal, file, nothing };

/// What standard output is.
inline screen screen_of_stdout() { return ::isatty(STDOUT_FILENO) ? screen::terminal : screen::file; }

/// Shows a progress: on a terminal as one line, drawn over and over; in a file as a line for every tenth of the whole.
class progress_bar {
public:
    progress_bar(std::ostream& out, screen kind) : out_{out}, kind_{kind} {}

    /// Draws `now`, `seconds` after the start.
    void show(progress const& now, double seconds)
    {
        if (kind_ == screen::terminal)
            draw(now, seconds);
        else if (kind_ == screen::file)
            print_tenth(now, seconds);
    }

    /// Leaves the line, so that ordinary text can follow.
    void leave()
    {
        if (drawn_)
            out_ << '\n' << std::flush;
        drawn_ = false;
    }

private:
    static std::size_t percentage(progress const& now)
    {
        return now.total == 0 ? 100 : now.finished() * 100 / now.total;
    }

    static std::string in_words(progress const& now, double seconds)
    {
        char text[160];
        std::snprintf(text, sizeof text, "%zu shipped, %zu refused, %zu failed | %zu running, %zu waiting | %.0f s",
                      now.shipped, now.refused, now.failed, now.running, now.waiting, seconds);
        return text;
    }

    static bool speaks_utf8()
    {
        for (char const* name : {"LC_ALL", "LC_CTYPE", "LANG"})
            if (char const* const value = std::getenv(name); value != nullptr && *value != 0) {
                std::string_view const text{value};
                return text.find("UTF-8") != std::string_view::npos || text.find("utf8") != std::string_view::npos;
            }
        return false;
    }

    static std::size_t columns()
    {
        ::winsize size{};
        return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    }

    void draw(progress const& now, double seconds)
    {
        char counts[64];
        std::snprintf(counts, sizeof counts, " %3zu/%zu %3zu%% ", now.finished(), now.total, percentage(now));
        std::string line = counts + in_words(now, seconds);
        std::size_t const room = columns() - 1;
        line.resize(std::min(line.size(), room));
        std::size_t const width = std::min<std::size_t>(room - line.size(), 40);
        out_ << '\r' << bar(now, width) << line << "\x1b[K" << std::flush;
        drawn_ = true;
    }

    std::string bar(progress const& now, std::size_t width) const
    {
        if (width < 6)
            return {};
        std::size_t const filled = now.total == 0 ? width : now.finished() * width / now.total;
        std::string text;
        for (std::size_t at = 0; at < width; ++at)
            text += at < filled ? full_ : empty_;
        return text;
    }

    void print_tenth(progress const& now, double seconds)
    {
        std::size_t const tenth = percentage(now) / 10;
        if (tenth < next_tenth_)
            return;
        next_tenth_ = tenth + 1;
        out_ << "  " << now.finished() << " of " << now.total << " orders done (" << percentage(now)
             << " %): " << in_words(now, seconds) << '\n'
             << std::flush;
    }

    std::ostream& out_;
    screen kind_;
    std::string_view full_ = speaks_utf8() ? "█" : "#";
    std::string_view empty_ = speaks_utf8() ? "░" : ".";
    bool drawn_ = false;
    std::size_t next_tenth_ = 0;
};

} // namespace order_service
