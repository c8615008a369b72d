#pragma once

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What travels between the steps of the shop's workflow. All amounts are in hundredths of the order's currency.
namespace order_service {

struct order_line {
    std::string sku;
    std::string title;
    int quantity = 0;
    std::int64_t unit_cents = 0;
    int grams = 0; ///< of one piece
};
BOOST_DESCRIBE_STRUCT(order_line, (), (sku, title, quantity, unit_cents, grams))

struct order {
    std::string id;
    std::string customer;
    std::string email;
    std::string country; ///< ISO 3166, two letters
    std::string currency;
    std::string card; ///< the payment gateway's token, never a card number
    bool express = false;
    std::optional<std::string> gift_note;
    std::optional<std::string> remark;
    std::vector<order_line> lines;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, customer, email, country, currency, card, express, gift_note, remark, lines))

/// What the order costs, found by `validate`.
struct quote {
    std::int64_t goods_cents = 0;
    std::int64_t shipping_cents = 0;
    std::int64_t wrapping_cents = 0;
    std::int64_t total_cents = 0;
    int grams = 0;
};
BOOST_DESCRIBE_STRUCT(quote, (), (goods_cents, shipping_cents, wrapping_cents, total_cents, grams))

/// Where the goods lie, found by `reserve`.
struct reservation {
    std::string warehouse;
    std::vector<std::string> shelves; ///< one for each line of the order
};
BOOST_DESCRIBE_STRUCT(reservation, (), (warehouse, shelves))

/// What the gateway took, found by `charge`.
struct receipt {
    std::string charge; ///< the gateway's number
    std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(receipt, (), (charge, cents))

/// What left the house, found by `ship`.
struct parcel {
    std::string carrier;
    std::string tracking;
};
BOOST_DESCRIBE_STRUCT(parcel, (), (carrier, tracking))

/// What the customer was told by `notify`; the result of the workflow.
struct notice {
    std::string to;
    std::string subject;
};
BOOST_DESCRIBE_STRUCT(notice, (), (to, subject))

} // namespace order_service
