#pragma once

#include "charge_request.hpp"
#include "http_date.hpp"
#include "ledger.hpp"
#include "pace.hpp"
#include "temper.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

namespace order_service {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

struct gateway_settings {
    asio::ip::port_type port = 0; ///< 0: any that is free
    order_service::pace pace;
    std::filesystem::path ledger; ///< where it remembers, over its own death
};

/// A payment gateway on the loopback interface, with the moods of a real one: see `temper.hpp`.
/// It charges a key once and answers every repetition from its ledger. Everything runs on one executor of one thread.
class gateway {
public:
    /// Throws when the port is taken or the ledger cannot be opened. Lifetime: until its executor has stopped.
    gateway(asio::any_io_executor executor, gateway_settings const& settings)
        : pace_{settings.pace}, ledger_{settings.ledger}, acceptor_{executor,
                                                                    {asio::ip::address_v4::loopback(), settings.port}}
    {
        asio::co_spawn(executor, listen(), report_failure);
    }

    asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
    std::size_t charges() const noexcept { return ledger_.charges(); }

private:
    using request = http::request<http::string_body>;
    using response = http::response<http::string_body>;

    static void report_failure(std::exception_ptr failure)
    {
        try {
            if (failure)
                std::rethrow_exception(failure);
        } catch (boost::system::system_error const&) {
            return; // the peer hung up: its own business
        } catch (std::exception const& problem) {
            std::cerr << "The gateway dropped a request: " << problem.what() << '\n';
        }
    }

    asio::awaitable<void> listen()
    {
        for (;;) {
            auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), report_failure);
        }
    }

    asio::awaitable<void> serve(asio::ip::tcp::socket socket)
    {
        beast::flat_buffer buffer;
        for (bool more = true; more;) {
            request asked;
            co_await http::async_read(socket, buffer, asked, asio::use_awaitable);
            more = asked.keep_alive();
            std::optional<response> answer = co_await answer_to(asked);
            if (!answer) { // silence, until the client has had enough
                co_await socket.async_wait(asio::ip::tcp::socket::wait_read, asio::use_awaitable);
                co_return;
            }
            answer->keep_alive(more);
            answer->prepare_payload();
            co_await http::async_write(socket, *answer, asio::use_awaitable);
        }
    }

    asio::awaitable<std::optional<response>> answer_to(request const& asked)
    {
        if (asked.method() != http::verb::post || asked.target() != "/charges")
            co_return refusal(http::status::not_found, "There is only POST /charges here.");
        std::string const key{asked["Idempotency-Key"]};
        if (key.empty())
            co_return refusal(http::status::bad_request, "A charge needs an Idempotency-Key.");
        auto const wanted = charge_in(asked.body());
        if (!wanted)
            co_return refusal(http::status::bad_request, "The body is no charge.");
        std::string const moment = key + std::to_string(ledger_.requests(key));
        asio::steady_timer thinking{acceptor_.get_executor()};
        thinking.expires_after(pace_(between(thinking_at_least, thinking_at_most, dice(moment, "thinking"))));
        co_await thinking.async_wait(asio::use_awaitable);
        co_return decide(key, *wanted);
    }

    static std::optional<charge_request> charge_in(std::string const& body)
    {
        try {
            return boost::json::value_to<charge_request>(boost::json::parse(body));
        } catch (boost::system::system_error const&) {
            return std::nullopt;
        }
    }

    std::optional<response> decide(std::string const& key, charge_request const& wanted)
    {
        ledger_entry entry{key, wanted.reference, 0, false, wanted.cents, {}};
        if (auto const* paid = ledger_.charge_of(key)) {
            if (paid->cents != wanted.cents || paid->reference != wanted.reference)
                return refusal(http::status::unprocessable_entity, "This Idempotency-Key paid for something else.");
            entry.charge = paid->charge;
            return settle(entry, success(*paid));
        }
        auto const chosen = reply_to(wanted.order, wanted.card, ledger_.requests(key) + 1);
        entry.charged = chosen == reply::ok || chosen == reply::charged_in_silence;
        if (entry.charged)
            entry.charge = charge_number(key);
        return settle(entry, answer_for(chosen, entry));
    }

    /// Remember, then tell.
    std::optional<response> settle(ledger_entry& entry, std::optional<response> answer)
    {
        entry.status = answer ? static_cast<int>(answer->result_int()) : 0;
        ledger_.append(entry);
        return answer;
    }

    std::optional<response> answer_for(reply chosen, ledger_entry const& entry) const
    {
        switch (chosen) {
        case reply::ok: return success(entry);
        case reply::declined: return refusal(http::status::payment_required, "The card was declined.");
        case reply::wait_seconds: return come_back(std::to_string(pace_.whole_seconds(2)));
        case reply::wait_until: return come_back(http_date(in_seconds(pace_.whole_seconds(2))));
        case reply::broken: return refusal(http::status::internal_server_error, "Something is broken here.");
        case reply::silent:
        case reply::charged_in_silence: break;
        }
        return std::nullopt;
    }

    static std::chrono::sys_seconds in_seconds(int count)
    {
        return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::seconds{count};
    }

    static response success(ledger_entry const& entry)
    {
        charge_made const made{entry.charge, entry.cents};
        return json(http::status::ok, boost::json::value_from(made));
    }

    static response refusal(http::status status, std::string_view why)
    {
        return json(status, boost::json::value{{"error", why}});
    }

    static response come_back(std::string const& when)
    {
        auto answer = refusal(http::status::too_many_requests, "Too many requests.");
        answer.set(http::field::retry_after, when);
        return answer;
    }

    static response json(http::status status, boost::json::value const& body)
    {
        response answer{status, 11};
        answer.set(http::field::content_type, "application/json");
        answer.body() = boost::json::serialize(body);
        return answer;
    }

    static std::string charge_number(std::string const& key)
    {
        char text[24];
        std::snprintf(text, sizeof text, "ch_%016llx", static_cast<unsigned long long>(dice(key, "charge")));
        return text;
    }

    static constexpr std::chrono::milliseconds thinking_at_least{60};
    static constexpr std::chrono::milliseconds thinking_at_most{320};

    order_service::pace pace_;
    ledger ledger_;
    asio::ip::tcp::acceptor acceptor_;
};

} // namespace order_service
