// What `#include <tasker/tasker.hpp>` costs a source that uses nothing of it, beside one that includes the Asio and JSON
// headers which tasker.hpp includes in the end: as headers only, and with separate compilation.

#include "report.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using command = std::vector<std::string>;

struct cost {
    double seconds = 0;   ///< of a processor
    double megabytes = 0; ///< of the largest process
};

struct costs {
    std::vector<double> seconds;
    std::vector<double> megabytes;
};

[[noreturn]] void become(command const& words)
{
    std::vector<char*> arguments;
    for (std::string const& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments.front(), arguments.data());
    ::_exit(127);
}

double seconds_of(timeval const& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; }

/// What running a command costs, its children included.
cost run(command const& words)
{
    pid_t const child = ::fork();
    if (child < 0)
        throw std::runtime_error{"cannot fork"};
    if (child == 0)
        become(words);
    int status = 0;
    rusage used{};
    if (::wait4(child, &status, 0, &used) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw std::runtime_error{"the compiler failed; try it by hand: " + words.front() + " ... " + words.back()};
    return {seconds_of(used.ru_utime) + seconds_of(used.ru_stime), static_cast<double>(used.ru_maxrss) / 1024};
}

void write(std::filesystem::path const& file, std::string const& text)
{
    std::ofstream out{file};
    out << text;
    if (!out.flush())
        throw std::runtime_error{"cannot write " + file.string()};
}

std::string text_of(std::filesystem::path const& file)
{
    std::ifstream in{file};
    std::ostringstream text;
    text << in.rdbuf();
    if (!in)
        throw std::runtime_error{"cannot read " + file.string()};
    return text.str();
}

/// A source, compiled as projects do that set no options but the language's.
class measured_source {
public:
    measured_source(std::string compiler, std::filesystem::path file, std::string const& text, command const& options)
        : words_{std::move(compiler), "-std=c++20", "-I", TASKER_SOURCE_DIRECTORY "/include", "-o", file.string() + ".out"},
          file_{file}
    {
        write(file, text);
        words_.insert(words_.end(), options.begin(), options.end());
    }

    void compile()
    {
        cost const now = run(with("-c"));
        taken_.seconds.push_back(now.seconds);
        taken_.megabytes.push_back(now.megabytes);
    }

    /// The files it includes, as the compiler lists them for make.
    std::vector<std::string> included() const
    {
        run(with("-M"));
        std::istringstream listed{text_of(file_.string() + ".out")};
        std::vector<std::string> files;
        for (std::string word; listed >> word;)
            files.push_back(word);
        return files;
    }

    costs const& taken() const { return taken_; }

private:
    command with(char const* option) const
    {
        command words = words_;
        words.insert(words.end(), {option, file_.string()});
        return words;
    }

    command words_;
    std::filesystem::path file_;
    costs taken_;
};

/// The lines with which the library's headers among these include Asio and JSON, each once.
std::string needed_of_boost(std::vector<std::string> const& files)
{
    std::set<std::string> lines;
    for (std::string const& file : files) {
        if (file.find("/include/tasker/") == std::string::npos)
            continue;
        std::istringstream text{text_of(file)};
        for (std::string line; std::getline(text, line);)
            if (line.starts_with("#include <boost/asio/") || line.starts_with("#include <boost/json/"))
                lines.insert(line + '\n');
    }
    if (lines.empty())
        throw std::runtime_error{"tasker.hpp seems to include no Asio: the compiler's list of headers is not understood"};
    std::string all;
    for (std::string const& line : lines)
        all += line;
    return all;
}

void compare(benchmark::report& to, std::string const& what, costs const& ours, costs const& baseline, double target)
{
    using benchmark::compared;
    auto const bounded = benchmark::bound::ratio_at_most;
    to.add(compared(what + ", time", "s", ours.seconds, baseline.seconds, bounded, target));
    to.add(compared(what + ", memory", "MB", ours.megabytes, baseline.megabytes, bounded, target));
}

void measure(benchmark::report& to, std::string const& compiler, int count)
{
    std::filesystem::path const folder = std::filesystem::temp_directory_path() / ("tasker-compile-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    std::string const include = "#include <tasker/tasker.hpp>\n";
    measured_source headers_only{compiler, folder / "headers_only.cpp", include, {}};
    measured_source separate{compiler, folder / "separate.cpp", include, {"-DTASKER_SEPARATE_COMPILATION=1"}};
    measured_source boost{compiler, folder / "boost.cpp", needed_of_boost(headers_only.included()), {}};
    for (int turn = 0; turn < count; ++turn)
        for (measured_source* one : {&boost, &headers_only, &separate})
            one->compile();
    compare(to, "headers only", headers_only.taken(), boost.taken(), 1.5);
    compare(to, "separate compilation", separate.taken(), boost.taken(), 1.15);
    std::filesystem::remove_all(folder);
}

} // namespace

int main(int arguments, char** words)
{
    benchmark::arguments const given{arguments, words, "compile [--count 3 ] [--compiler FILE ]"};
    int const count = given.number("--count", 3, 1);
    benchmark::report result{"An empty source with tasker.hpp, medians of " + std::to_string(count) +
                             " compilations. Baseline: one with the Asio and JSON headers that it includes."};
    measure(result, given.text("--compiler", TASKER_COMPILER), count);
    given.finish(result);
}
