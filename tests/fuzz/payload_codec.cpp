// Payloads as they come from a database: see codec.

#include <tasker/model/codec.hpp>

#include "fuzz/target.hpp"

#include <boost/describe.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace tasker;

namespace shop {

BOOST_DEFINE_ENUM_CLASS(colour, red, green)

struct line {
    std::string sku;
    std::int8_t pieces = 0;
    std::uint64_t price = 0;
};
BOOST_DESCRIBE_STRUCT(line, (), (sku, pieces, price))

struct order {
    std::int64_t number = 0;
    double weight = 0;
    float discount = 0;
    bool urgent = false;
    std::optional<colour> paint;
    std::vector<line> lines;
    std::map<std::string, std::optional<int>> extra;
    boost::json::value rest;
};
BOOST_DESCRIBE_STRUCT(order, (), (number, weight, discount, urgent, paint, lines, extra, rest))

} // namespace shop

namespace {

/// Equal, but for the last digits of fractions: Boost.JSON before 1.82 may read back the neighbour of the double it wrote.
bool same(boost::json::value const& a, boost::json::value const& b)
{
    if (a.is_double() && b.is_double())
        return std::abs(a.get_double() - b.get_double()) <= 1e-14 * std::abs(a.get_double());
    if (a.is_array() && b.is_array())
        return std::ranges::equal(a.get_array(), b.get_array(), same);
    if (a.is_object() && b.is_object())
        return std::ranges::equal(a.get_object(), b.get_object(),
                                  [](auto const& one, auto const& other) { return one.key() == other.key() && same(one.value(), other.value()); });
    return a == b;
}

/// Decoding gives a value that survives being encoded, or says what is wrong with the payload.
template <class Value>
void check(payload const& given)
{
    using fuzz::require;
    Value value{};
    try {
        value = codec<Value>::decode(given);
    } catch (error const& problem) {
        require(problem.code() == errc::bad_payload, "a payload that does not fit is a bad payload");
        fuzz::require_sentence(problem.what());
        return;
    }
    payload const written = codec<Value>::encode(value);
    payload const again = codec<Value>::encode(codec<Value>::decode(written));
    require(same(boost::json::parse(written.text()), boost::json::parse(again.text())), "a value that is encoded and decoded is the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    payload const given{std::string{fuzz::text_of(data, size)}};
    check<shop::order>(given);
    check<std::vector<shop::line>>(given);
    check<std::map<std::string, double>>(given);
    check<std::optional<std::int32_t>>(given);
    check<std::string>(given);
    check<boost::json::value>(given);
    return 0;
}
