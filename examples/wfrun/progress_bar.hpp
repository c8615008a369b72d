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

namespace wfrun {

/// Where a run stands, in steps.
struct progress {
    std::size_t total = 0;
    std::size_t done = 0;
    std::size_t running = 0;
};

enum class screen { terminal, file };

/// What standard output is.
inline screen screen_of_stdout() { return ::isatty(STDOUT_FILENO) ? screen::terminal : screen::file; }

/// Shows a progress: on a terminal as one line, drawn over and over; in a file as a line for every tenth of the whole.
class progress_bar {
public:
    progress_bar(std::ostream& out, screen kind) : out_{out}, kind_{kind} {}

    /// Draws `now`, `seconds` after the start.
    void show(progress const& now, double seconds)
    {
        char text[96];
        std::size_t const percent = now.total == 0 ? 100 : now.done * 100 / now.total;
        std::snprintf(text, sizeof text, "%zu of %zu steps done (%zu %%), %zu running, %.1f s", now.done, now.total,
                      percent, now.running, seconds);
        if (kind_ == screen::terminal)
            draw(now, text);
        else if (percent / 10 >= next_tenth_) {
            next_tenth_ = percent / 10 + 1;
            out_ << "  " << text << '\n' << std::flush;
        }
    }

    /// Leaves the line, so that ordinary text can follow.
    void leave()
    {
        if (drawn_)
            out_ << '\n' << std::flush;
        drawn_ = false;
    }

private:
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
        return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
    }

    void draw(progress const& now, std::string_view words)
    {
        std::size_t const room = columns() - 1;
        std::string_view const text = words.substr(0, room);
        std::size_t const width = std::min<std::size_t>(room - text.size(), 41);
        out_ << '\r';
        for (std::size_t at = 0; width > 6 && at + 1 < width; ++at)
            out_ << (at * now.total < now.done * (width - 1) ? full_ : empty_);
        out_ << (width > 6 ? " " : "") << text << "\x1b[K" << std::flush;
        drawn_ = true;
    }

    std::ostream& out_;
    screen kind_;
    std::string_view full_ = speaks_utf8() ? "█" : "#";
    std::string_view empty_ = speaks_utf8() ? "░" : ".";
    bool drawn_ = false;
    std::size_t next_tenth_ = 0;
};

} // namespace wfrun
