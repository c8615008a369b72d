#pragma once

#include "order.hpp"

#include <tasker/base/error.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/model/codec.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace order_service {

namespace detail {

inline std::string text_of(std::filesystem::path const& file)
{
    std::ifstream in{file, std::ios::binary};
    if (!in)
        throw std::runtime_error{"The orders file " + file.string() +
                                 " cannot be opened. Name another one with --orders FILE."};
    return {std::istreambuf_iterator<char>{in}, {}};
}

inline order order_from(boost::json::value const& entry, std::size_t number)
{
    try {
        return tasker::codec<order>::decode(tasker::payload{boost::json::serialize(entry)});
    } catch (tasker::error const& problem) {
        throw std::runtime_error{"Order number " + std::to_string(number) +
                                 " of the orders file cannot be read: " + problem.what() + "."};
    }
}

} // namespace detail

/// The orders of a JSON file, in its order.
/// Throws std::runtime_error, saying what to mend, when the file cannot be read, holds no order, or one order's id
/// twice.
inline std::vector<order> read_orders(std::filesystem::path const& file)
{
    boost::system::error_code problem;
    auto const entries = boost::json::parse(detail::text_of(file), problem);
    if (problem || !entries.is_array())
        throw std::runtime_error{"The orders file " + file.string() + " is not a JSON array of orders" +
                                 (problem ? " (" + problem.message() + ")." : ".")};
    std::vector<order> orders;
    std::set<std::string> ids;
    for (auto const& entry : entries.get_array()) {
        orders.push_back(detail::order_from(entry, orders.size() + 1));
        if (!ids.insert(orders.back().id).second)
            throw std::runtime_error{"The orders file holds order " + orders.back().id + " twice; remove one."};
    }
    if (orders.empty())
        throw std::runtime_error{"The orders file " + file.string() + " holds no order."};
    return orders;
}

} // namespace order_service
