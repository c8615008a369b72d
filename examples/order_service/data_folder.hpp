#pragma once

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace order_service {

/// Where a run keeps what must outlive it. A batch is over when its report exists.
class data_folder {
public:
    explicit data_folder(std::filesystem::path path) : path_{std::move(path)} {}

    std::filesystem::path const& path() const noexcept { return path_; }
    std::filesystem::path database() const { return path_ / "orders.db"; }
    /// Names the schema of the orders, when they are in PostgreSQL.
    std::filesystem::path schema() const { return path_ / "orders.schema"; }
    std::filesystem::path ledger() const { return path_ / "ledger.jsonl"; }
    std::filesystem::path report(int batch) const { return path_ / ("report-" + std::to_string(batch) + ".txt"); }
    std::filesystem::path picture(int batch) const { return path_ / ("slowest-" + std::to_string(batch) + ".svg"); }

    /// The batch after the last one that has a report.
    int current_batch() const
    {
        int batch = 1;
        while (std::filesystem::exists(report(batch)))
            ++batch;
        return batch;
    }

private:
    std::filesystem::path path_;
};

/// Written whole or not at all: a report's existence says that its batch is over.
inline void write_file(std::filesystem::path const& file, std::string const& text)
{
    auto const unfinished = file.string() + ".part";
    std::ofstream out{unfinished, std::ios::binary};
    out << text;
    out.close();
    if (!out)
        throw std::runtime_error{unfinished + " cannot be written; is the disk full?"};
    std::filesystem::rename(unfinished, file);
}

/// Keeps other processes off one role in a data folder, until destruction or death.
class folder_lock {
public:
    /// Creates the folder when there is none. Throws std::runtime_error when another process has the lock.
    folder_lock(data_folder const& folder, std::string const& role)
    {
        std::filesystem::create_directories(folder.path());
        auto const name = folder.path() / (role + ".lock");
        file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (file_ < 0)
            throw std::system_error{errno, std::generic_category(), name.string() + " cannot be opened"};
        if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
            ::close(file_);
            throw std::runtime_error{"Another order_service is at work in " + folder.path().string() +
                                     ". Wait for it, or choose another folder with --data DIR."};
        }
    }

    folder_lock(folder_lock const&) = delete;
    folder_lock& operator=(folder_lock const&) = delete;
    ~folder_lock() { ::close(file_); }

private:
    int file_ = -1;
};

} // namespace order_service
