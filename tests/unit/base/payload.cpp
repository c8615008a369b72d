#include <tasker/base/payload.hpp>

#include "support/catch.hpp"

#include <string>

using tasker::payload;

TEST_CASE("a payload that was given nothing is the JSON null")
{
    CHECK(payload{}.is_null());
    CHECK(payload{}.text() == "null");
    CHECK(payload{"null"}.is_null());
    CHECK(payload{"null"} == payload{});
}

TEST_CASE("a payload keeps its text byte for byte, and equals every payload of the same text")
{
    payload const order{R"({"sku": "A1",  "quantity": 2})"};
    CHECK_FALSE(order.is_null());
    CHECK(order.text() == R"({"sku": "A1",  "quantity": 2})");
    CHECK(order == payload{R"({"sku": "A1",  "quantity": 2})"});
    CHECK_FALSE(order == payload{R"({"sku": "A1", "quantity": 2})"});
    CHECK_FALSE(order == payload{});
}

TEST_CASE("copies of a payload share one text, which outlives the original")
{
    std::string const long_text = '"' + std::string(1'000, 'x') + '"';
    payload copy;
    {
        payload const original{long_text};
        copy = original;
        CHECK(copy.text().data() == original.text().data());
    }
    CHECK(copy.text() == long_text);
}
