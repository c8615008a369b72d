#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace tasker {

/// Waits for news on a socket that is somebody else's. Watches a duplicate: the owner closes its own when the connection
/// breaks, and by the time we would let go of it the number may be that of another file. Belongs to the strand.
template <class Lazy>
class basic_watched_socket {
public:
    /// Throws `std::system_error` when this process has no descriptor left.
    basic_watched_socket(boost::asio::any_io_executor strand, int descriptor) : duplicate_{std::move(strand)}
    {
        int const number = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        if (number < 0)
            throw std::system_error{errno, std::generic_category(), "cannot watch the connection"};
        boost::system::error_code problem;
        duplicate_.assign(number, problem);
        if (problem) {
            ::close(number);
            throw std::system_error{problem, "cannot watch the connection"};
        }
    }

    /// Calls `then(error_code)` on the strand once the socket is readable, or with `operation_aborted` when this is destroyed.
    template <class Then>
    void when_readable(Then then)
    {
        duplicate_.async_wait(boost::asio::posix::descriptor_base::wait_read, std::move(then));
    }

private:
    boost::asio::posix::stream_descriptor duplicate_;
};
using watched_socket = basic_watched_socket<void>;

} // namespace tasker
