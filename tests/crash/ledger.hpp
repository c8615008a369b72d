#pragma once

#include <fstream>
#include <ios>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace crash {

/// An append-only file of side effects, one line each, which outlives the process that writes it: a line is in the
/// kernel's hands when `append` returns, and kill -9 does not take it back.
class ledger {
public:
    explicit ledger(std::string const& file) : descriptor_{::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)}
    {
        if (descriptor_ < 0)
            throw std::runtime_error{"cannot open " + file};
    }
    ledger(ledger const&) = delete;
    ledger& operator=(ledger const&) = delete;
    ~ledger() { ::close(descriptor_); }

    void append(std::string line)
    {
        line += '\n';
        if (::write(descriptor_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
            throw std::runtime_error{"cannot write the ledger"};
    }

    using lines = std::vector<std::vector<std::string>>;

    /// All whole lines of `file`, each split at blanks.
    static lines read(std::string const& file)
    {
        std::streamoff position = 0;
        return read_on(file, position);
    }

    /// The whole lines from `position` on, which then is behind them.
    static lines read_on(std::string const& file, std::streamoff& position)
    {
        lines found;
        std::ifstream in{file};
        in.seekg(position);
        for (std::string line; std::getline(in, line) && !in.eof();) {
            position += static_cast<std::streamoff>(line.size()) + 1;
            std::istringstream words{line};
            auto& split = found.emplace_back();
            for (std::string word; words >> word;)
                split.push_back(word);
        }
        return found;
    }

private:
    int descriptor_;
};

} // namespace crash
