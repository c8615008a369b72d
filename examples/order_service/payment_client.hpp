#pragma once

#include "charge_request.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

#include <string>
#include <string_view>

namespace order_service {

/// What the gateway said.
struct gateway_answer {
    unsigned status = 0;
    std::string retry_after; ///< the header, or empty
    std::string body;
};

/// Asks a payment gateway for charges, one connection a request.
/// Thread safety: constant after construction.
class payment_client {
public:
    explicit payment_client(boost::asio::ip::tcp::endpoint gateway) : gateway_{gateway} {}

    /// Throws boost::system::system_error when no answer can be had.
    /// Cancellation: at once; the connection is closed, and whether money moved only the gateway knows.
    boost::asio::awaitable<gateway_answer> charge(std::string_view key, charge_request const& wanted) const
    {
        namespace asio = boost::asio;
        namespace http = boost::beast::http;
        asio::ip::tcp::socket socket{co_await asio::this_coro::executor};
        co_await socket.async_connect(gateway_, asio::use_awaitable);

        http::request<http::string_body> request{http::verb::post, "/charges", 11};
        request.set(http::field::host, gateway_.address().to_string());
        request.set(http::field::content_type, "application/json");
        request.set("Idempotency-Key", key);
        request.keep_alive(false);
        request.body() = boost::json::serialize(boost::json::value_from(wanted));
        request.prepare_payload();
        co_await http::async_write(socket, request, asio::use_awaitable);

        boost::beast::flat_buffer buffer;
        http::response<http::string_body> response;
        co_await http::async_read(socket, buffer, response, asio::use_awaitable);
        gateway_answer answer{response.result_int(), std::string{response[http::field::retry_after]}, response.body()};
        co_return answer;
    }

private:
    boost::asio::ip::tcp::endpoint gateway_;
};

} // namespace order_service
