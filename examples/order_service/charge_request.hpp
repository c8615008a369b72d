#pragma once

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

namespace order_service {

/// The body of `POST /charges`.
struct charge_request {
    std::string reference; ///< the merchant's own name of the payment, `<batch>/<order id>`
    std::string order;
    std::string card;
    std::string currency;
    std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(charge_request, (), (reference, order, card, currency, cents))

/// The body of the answer 200.
struct charge_made {
    std::string charge;
    std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(charge_made, (), (charge, cents))

} // namespace order_service
