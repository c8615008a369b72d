#pragma once

#include <fstream>
#include <map>
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

    /// All whole lines of `file`, each split at blanks.
    static std::vector<std::vector<std::string>> read(std::string const& file)
    {
        std::vector<std::vector<std::string>> lines;
        std::ifstream in{file};
        for (std::string line; std::getline(in, line);) {
            std::istringstream words{line};
            auto& split = lines.emplace_back();
            for (std::string word; words >> word;)
                split.push_back(word);
        }
        return lines;
    }

private:
    int descriptor_;
};

} // namespace crash
