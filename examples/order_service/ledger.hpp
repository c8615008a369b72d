#pragma once

#include <boost/describe/class.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace order_service {

/// One request that reached the gateway, and what came of it.
struct ledger_entry {
    std::string key;       ///< the request's Idempotency-Key
    std::string reference; ///< the merchant's own name of the payment, `<batch>/<order id>`
    int status = 0;        ///< the answer's HTTP status; 0: never answered
    bool charged = false;  ///< whether this very request moved money
    std::int64_t cents = 0;
    std::string charge; ///< the number of the charge, when there is one
};
BOOST_DESCRIBE_STRUCT(ledger_entry, (), (key, reference, status, charged, cents, charge))

/// Every complete line of a ledger file; none when there is no such file.
inline std::vector<ledger_entry> read_ledger(std::filesystem::path const& file)
{
    std::vector<ledger_entry> entries;
    std::ifstream in{file};
    std::string line;
    while (std::getline(in, line) && !in.eof()) // a line without its end was never finished
        entries.push_back(boost::json::value_to<ledger_entry>(boost::json::parse(line)));
    return entries;
}

/// The gateway's memory of every request it received: an append-only file of one JSON object a line.
/// An entry that `append` returned from survives any death of the process; one that moved money, of the machine too.
class ledger {
public:
    /// Throws std::system_error when the file cannot be opened or written.
    explicit ledger(std::filesystem::path const& file)
    {
        for (auto const& entry : read_ledger(file))
            remember(entry);
        file_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (file_ < 0)
            throw std::system_error{errno, std::generic_category(),
                                    "The ledger " + file.string() + " cannot be opened"};
        cut_unfinished_line(file);
    }

    ledger(ledger const&) = delete;
    ledger& operator=(ledger const&) = delete;
    ~ledger() { ::close(file_); }

    /// How many requests with this key were received so far.
    std::size_t requests(std::string const& key) const
    {
        auto const at = keys_.find(key);
        return at == keys_.end() ? 0 : at->second.requests;
    }

    /// The entry that charged this key, or null.
    ledger_entry const* charge_of(std::string const& key) const
    {
        auto const at = keys_.find(key);
        return at == keys_.end() || !at->second.paid.charged ? nullptr : &at->second.paid;
    }

    std::size_t charges() const noexcept { return charges_; }

    void append(ledger_entry const& entry)
    {
        std::string const line = boost::json::serialize(boost::json::value_from(entry)) + '\n';
        if (::write(file_, line.data(), line.size()) != static_cast<::ssize_t>(line.size()) ||
            (entry.charged && ::fdatasync(file_) != 0))
            throw std::system_error{errno, std::generic_category(), "The ledger cannot be written"};
        remember(entry);
    }

private:
    struct history {
        std::size_t requests = 0;
        ledger_entry paid;
    };

    void remember(ledger_entry const& entry)
    {
        auto& known = keys_[entry.key];
        ++known.requests;
        if (entry.charged) {
            known.paid = entry;
            ++charges_;
        }
    }

    void cut_unfinished_line(std::filesystem::path const& file) const
    {
        std::ifstream in{file, std::ios::binary};
        std::string const text{std::istreambuf_iterator<char>{in}, {}};
        auto const end = static_cast<::off_t>(text.rfind('\n') + 1); // npos + 1 is 0
        if (::ftruncate(file_, end) != 0 || ::lseek(file_, end, SEEK_SET) < 0)
            throw std::system_error{errno, std::generic_category(),
                                    "The ledger " + file.string() + " cannot be written"};
    }

    int file_ = -1;
    std::map<std::string, history> keys_;
    std::size_t charges_ = 0;
};

} // namespace order_service
