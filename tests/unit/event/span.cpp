#include <tasker/event/span.hpp>

#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr task_id task{0x019303f27c1e7a3bU, 0x8d550123456789abU};

} // namespace

TEST_CASE("a trace is called by its task's id without dashes")
{
    CHECK(trace_id_of(task) == "019303f27c1e7a3b8d550123456789ab");
}

TEST_CASE("a span's id is the same in every process and version: another worker's attempts refer to it")
{
    CHECK(span_id_of(task) == "7d5c20f4bc93bf9b");
    CHECK(span_id_of(task, "charge", 1) == "1ef76136fc475dfe");
}

TEST_CASE("spans of different tasks, steps, attempts and starts have different ids")
{
    std::vector<std::string> ids{span_id_of(task),
                                 span_id_of(task, "charge", 1),
                                 span_id_of(task, "charge", 2),
                                 span_id_of(task, "ship", 1),
                                 span_id_of(task_id{1, 1}),
                                 span_id_of(task_id{1, 2}),
                                 span_id_of(task, "charge", 1, time_point{1us})};
    std::sort(ids.begin(), ids.end());
    CHECK(std::unique(ids.begin(), ids.end()) == ids.end());
}

TEST_CASE("a span is one JSON object with strings escaped, and without what it does not have")
{
    span one{"t", "s", "", "say \"hi\"\n", time_point{1us}, time_point{2s}, span_status::unset, "unused", {}};
    auto const text = to_json(one);
    CHECK(text.find('\n') == std::string::npos);
    auto const bare = boost::json::parse(text).as_object();
    CHECK(bare.at("name") == "say \"hi\"\n");
    CHECK(bare.at("startTimeUnixNano") == "1000");
    CHECK(bare.at("endTimeUnixNano") == "2000000000");
    CHECK(bare.at("status").as_object().empty());
    CHECK(bare.at("attributes").as_array().empty());
    CHECK_FALSE(bare.contains("parentSpanId"));
    one.attributes = {{"a", "1"}, {"b", "\\"}};
    one.parent = "p";
    one.status = span_status::ok;
    auto const full = boost::json::parse(to_json(one)).as_object();
    CHECK(full.at("parentSpanId") == "p");
    CHECK(full.at("status").at("code") == 1);
    CHECK_FALSE(full.at("status").as_object().contains("message"));
    CHECK(full.at("attributes").as_array().size() == 2);
    CHECK(full.at("attributes").at(1).at("value").at("stringValue") == "\\");
}
