#include <tasker/store/sql/array_literal.hpp>

#include "support/catch.hpp"

#include <optional>
#include <string>

using namespace tasker;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST_CASE("an array is written as PostgreSQL reads it")
{
    sql::array_literal numbers;
    CHECK(std::string{sql::array_literal{}.text()} == "{}");
    numbers.add(1);
    numbers.add(std::optional<int>{});
    numbers.add(-3);
    numbers.add(std::optional{2s});
    CHECK(std::string{numbers.text()} == "{1,NULL,-3,2000000}");

    sql::array_literal texts;
    for (auto const* text : {"", "NULL", "a,b", "say \"hi\" \\ {}"})
        texts.add(std::string_view{text});
    CHECK(std::string{texts.text()} == R"({"","NULL","a,b","say \"hi\" \\ {}"})");

    sql::array_literal ids;
    ids.add(task_id{0x0193'0000'0000'7000U, 0x8000'0000'0000'000aU});
    ids.add(task_id{});
    ids.add(true);
    CHECK(std::string{ids.text()} == "{01930000-0000-7000-8000-00000000000a,NULL,t}");
}

TEST_CASE("well-formed UTF-8 is stored as it is")
{
    for (std::string const& text : {""s, "plain"s, "\xc3\xa9"s, "\xe2\x82\xac"s, "\xf0\x9f\x9a\x80"s, "\xf4\x8f\xbf\xbf"s, "\xed\x9f\xbf"s})
        CHECK(sql::storable(text) == text);
}

TEST_CASE("bytes that are no UTF-8 become replacement characters, one each, and what follows them stays")
{
    std::string const mark = "\xef\xbf\xbd";
    CHECK(sql::storable("caf\xe9!") == "caf" + mark + "!");
    CHECK(sql::storable("a\0b"s) == "a" + mark + "b");
    CHECK(sql::storable("\xc3") == mark);                               // cut short
    CHECK(sql::storable("\xc0\xaf") == mark + mark);                    // overlong
    CHECK(sql::storable("\xe0\x80\xaf") == mark + mark + mark);         // overlong
    CHECK(sql::storable("\xed\xa0\x80") == mark + mark + mark);         // surrogate
    CHECK(sql::storable("\xf4\x90\x80\x80") == mark + mark + mark + mark); // beyond the last
    CHECK(sql::storable("\xf5x") == mark + "x");
    CHECK(sql::storable("\xe2\x82\xc3\xa9") == mark + mark + "\xc3\xa9");
}
