#pragma once

#include "schedule.hpp"

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace wfrun {

/// The command line was not understood; what() says why, in a sentence.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

enum class job { run, help };

struct options {
    job what = job::run;
    std::filesystem::path file;
    std::filesystem::path store;
    std::filesystem::path picture; ///< empty: beside the store
    std::optional<double> speed;   ///< nothing: as the unfinished run had it, else 100
    std::size_t workers = 4;
    start_order order = start_order::critical_path;
};
inline constexpr double usual_speed = 100;

inline constexpr std::string_view help_text =
    R"(wfrun: runs a recorded workflow again, durably, in a fraction of its time, and says how good its schedule was.

  wfrun [FILE] [--speed X] [--workers N] [--order critical|fifo|engine] [--store FILE] [--svg FILE]

  FILE           a WfFormat 1.5 file of the WfCommons project     (shipped: coastline-atlas.json)
  --speed X      X times as fast as it was recorded, 0.001 to 1000000                    (100)
  --workers N    how many steps may run at a time, 1 to 10000                            (4)
  --order O      which ready step starts first when a worker is free
      critical     the one from which the end is farthest, in recorded run time          (this one)
      fifo         the one that has been ready the longest
      engine       as tasker does by itself: the one with the most steps in a row behind it
  --store FILE   the SQLite file that keeps the run    (${XDG_STATE_HOME:-~/.local/state}/tasker/wfrun/wfrun.db)
  --svg FILE     where the Gantt chart is drawn        (beside the store, under the workflow's name)

Each step sleeps as long as the recorded task ran. Stop it with Ctrl-C, or kill it, at any moment: started again with the
same file and store, it goes on where it was. When a run is finished, the next one starts afresh.

At the end it prints how long the run took, the critical path, and how the two compare; the same for what each order comes to
by the recorded run times alone.

Exit status: 0 finished, or stopped by the first Ctrl-C; 1 the file is bad, or something failed; 2 bad command line;
130 stopped by the second Ctrl-C.
)";

/// Reads the words of a command line from left to right.
class command_line {
public:
    explicit command_line(std::span<char const* const> words) : words_{words} {}

    options read()
    {
        while (!words_.empty())
            read_word(next());
        return result_;
    }

private:
    std::string_view next()
    {
        std::string_view const word = words_.front();
        words_ = words_.subspan(1);
        return word;
    }

    std::string_view value_of(std::string_view option)
    {
        if (words_.empty() || std::string_view{words_.front()}.empty())
            throw usage_error{std::string{option} + " needs a value behind it; wfrun --help says which."};
        return next();
    }

    template <class Number>
    Number number_of(std::string_view option, Number least, Number most)
    {
        std::string_view const text = value_of(option);
        Number number{};
        auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (problem == std::errc{} && end == text.data() + text.size() && number >= least && number <= most)
            return number;
        char limits[64];
        std::snprintf(limits, sizeof limits, "%.10g to %.10g", static_cast<double>(least), static_cast<double>(most));
        throw usage_error{std::string{option} + " takes a number from " + limits + ", not \"" + std::string{text} +
                          "\"."};
    }

    start_order order()
    {
        std::string_view const word = value_of("--order");
        if (word == "critical")
            return start_order::critical_path;
        if (word == "fifo")
            return start_order::fifo;
        if (word == "engine")
            return start_order::engine;
        throw usage_error{"--order takes critical, fifo or engine, not \"" + std::string{word} + "\"."};
    }

    void read_word(std::string_view word)
    {
        if (word == "--help" || word == "-h")
            result_.what = job::help;
        else if (word == "--speed")
            result_.speed = number_of(word, 0.001, 1'000'000.0);
        else if (word == "--workers")
            result_.workers = number_of<std::size_t>(word, 1, 10'000);
        else if (word == "--order")
            result_.order = order();
        else if (word == "--store")
            result_.store = value_of(word);
        else if (word == "--svg")
            result_.picture = value_of(word);
        else if (word.starts_with('-') || word.empty())
            throw usage_error{"There is no option \"" + std::string{word} + "\"; wfrun --help lists them all."};
        else if (!result_.file.empty())
            throw usage_error{"wfrun runs one file at a time; \"" + std::string{word} + "\" is a second one."};
        else
            result_.file = word;
    }

    std::span<char const* const> words_;
    options result_;
};

inline std::filesystem::path usual_folder()
{
    auto const text = [](char const* name) { return std::string_view{std::getenv(name) ? std::getenv(name) : ""}; };
    std::filesystem::path state{text("XDG_STATE_HOME")};
    if (state.empty() && !text("HOME").empty())
        state = std::filesystem::path{text("HOME")} / ".local" / "state";
    return (state.empty() ? std::filesystem::temp_directory_path() : state) / "tasker" / "wfrun";
}

/// Reads a command line (without the program's name). `shipped` is the file unless another is named. Throws
/// usage_error.
inline options read_options(std::span<char const* const> words, std::filesystem::path const& shipped)
{
    options result = command_line{words}.read();
    if (result.file.empty())
        result.file = shipped;
    if (result.store.empty())
        result.store = usual_folder() / "wfrun.db";
    return result;
}

} // namespace wfrun
