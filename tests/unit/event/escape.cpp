#include <tasker/event/escape.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <string_view>

using namespace tasker;
using namespace std::string_view_literals;
using namespace std::chrono_literals;

namespace {

std::string json(std::string_view text)
{
    std::string out;
    detail::append_json(out, text);
    return out;
}

std::string word(std::string_view text)
{
    std::string out;
    detail::append_word(out, text);
    return out;
}

std::string label(std::string_view text)
{
    std::string out;
    detail::append_label(out, text);
    return out;
}

std::string seconds(duration length)
{
    std::string out;
    detail::append_seconds(out, length);
    return out;
}

constexpr std::string_view replaced = "\"\xef\xbf\xbd\"";

} // namespace

TEST_CASE("a JSON string escapes quotes, backslashes and every control character")
{
    CHECK(json("plain") == R"("plain")");
    CHECK(json("") == R"("")");
    CHECK(json("a\"b\\c") == R"("a\"b\\c")");
    CHECK(json("\n\r\t") == R"("\n\r\t")");
    CHECK(json("\0\x1f\x7f"sv) == R"("\u0000\u001f\u007f")");
}

TEST_CASE("a JSON string keeps UTF-8 and replaces each byte that is none")
{
    CHECK(json("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x80") == "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x80\"");
    CHECK(json("\xf4\x8f\xbf\xbf") == "\"\xf4\x8f\xbf\xbf\""); // the last code point
    CHECK(json("\xff") == replaced);
    CHECK(json("\x80") == replaced);         // a continuation of nothing
    CHECK(json("\xe2\x82").size() == 2 + 6); // cut off
    CHECK(json("\xc0\xaf").size() == 2 + 6); // overlong
    CHECK(json("\xe0\x80\xaf").size() == 2 + 9);
    CHECK(json("\xed\xa0\x80").size() == 2 + 9);     // surrogate
    CHECK(json("\xf4\x90\x80\x80").size() == 2 + 12); // above U+10FFFF
    CHECK(json("a\xffz") == "\"a\xef\xbf\xbdz\"");
}

TEST_CASE("a value of a key=value line is quoted unless it is one plain word")
{
    CHECK(word("shop/fulfil-order@1.0.0") == "shop/fulfil-order@1.0.0");
    CHECK(word("") == R"("")");
    CHECK(word("two words") == R"("two words")");
    CHECK(word("a=b") == R"("a=b")");
    CHECK(word("line\nbreak") == R"("line\nbreak")");
    CHECK(word("quote\"") == R"("quote\"")");
}

TEST_CASE("a Prometheus label escapes backslash, quote and line feed, and nothing else")
{
    CHECK(label("a\\b\"c\nd\te") == "\"a\\\\b\\\"c\\nd\te\"");
}

TEST_CASE("seconds are written exactly, to the microsecond")
{
    CHECK(seconds(25s) == "25.000000");
    CHECK(seconds(1us) == "0.000001");
    CHECK(seconds(1h + 250ms) == "3600.250000");
    CHECK(seconds(-1'500ms) == "-1.500000");
    CHECK(seconds(0s) == "0.000000");
}
