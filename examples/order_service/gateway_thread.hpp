#pragma once

#include "gateway.hpp"

#include <boost/asio/io_context.hpp>

#include <thread>

namespace order_service {

/// A gateway on a thread of its own, from construction to destruction.
class gateway_thread {
public:
    explicit gateway_thread(gateway_settings const& settings)
        : gateway_{io_.get_executor(), settings}, endpoint_{gateway_.endpoint()}, thread_{[this] { io_.run(); }}
    {
    }

    gateway_thread(gateway_thread const&) = delete;
    gateway_thread& operator=(gateway_thread const&) = delete;

    ~gateway_thread()
    {
        io_.stop();
        thread_.join();
    }

    asio::ip::tcp::endpoint endpoint() const { return endpoint_; }

private:
    asio::io_context io_{1};
    gateway gateway_;
    asio::ip::tcp::endpoint endpoint_;
    std::thread thread_;
};

} // namespace order_service
