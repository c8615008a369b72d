#include <tasker/store/announcements.hpp>

#include "support/catch.hpp"

#include <limits>
#include <string>
#include <string_view>

using namespace tasker;

namespace {

constexpr worker_id worker{0x019303f27c1e7a3bU, 0x8d550123456789abU};
constexpr std::string_view spelled = "019303f2-7c1e-7a3b-8d55-0123456789ab";

time_point at(std::int64_t microseconds) { return time_point{duration{microseconds}}; }

} // namespace

TEST_CASE("an announcement is spelled as its kind, its time and its worker")
{
    using kind = announcement::kind;
    CHECK(to_text(announcement{kind::work_due, at(1'763'883'207'000'250), worker}) ==
          "due 1763883207000250 019303f2-7c1e-7a3b-8d55-0123456789ab");
    CHECK(to_text(announcement{kind::command_left, {}, worker}) == "ask 019303f2-7c1e-7a3b-8d55-0123456789ab");
    CHECK(to_text(announcement{kind::tasks_over, {}, worker}) == "over 019303f2-7c1e-7a3b-8d55-0123456789ab");
}

TEST_CASE("every announcement survives its text")
{
    using kind = announcement::kind;
    for (auto const what : {kind::command_left, kind::tasks_over})
        for (worker_id const who : {worker, worker_id{}, worker_id{~0ULL, ~0ULL}}) {
            announcement const said{what, {}, who};
            CHECK(parse_announcement(to_text(said)) == said);
        }
    for (auto const due : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
        announcement const said{kind::work_due, at(due), worker};
        CHECK(parse_announcement(to_text(said)) == said);
    }
}

TEST_CASE("a text that is no announcement of this version says nothing")
{
    std::string const id{spelled};
    for (std::string const& text : {
             std::string{}, std::string{"due"}, std::string{"due "}, std::string{"due 5"}, std::string{"due 5 "}, "due " + id,
             "due  5 " + id, "due 5  " + id, "due +5 " + id, "due 0x5 " + id, "due 5.0 " + id, "due 5\n" + id, "due five " + id,
             "due 9223372036854775808 " + id, "due 5 " + id + " more", "due 5 " + id.substr(1), std::string{"ask"}, std::string{"ask "},
             "ask  " + id, "ask " + id + " ", "ask " + id + "0", "ask " + id.substr(0, 35) + "g", "ASK " + id, "asks " + id,
             std::string{"over"}, "over" + id, "over\t" + id, "over 5 " + id, "overdue " + id, " over " + id, "hello " + id,
             "ask " + id + std::string(1, '\0')}) {
        INFO("text: '" << text << "'");
        CHECK(parse_announcement(text) == std::nullopt);
    }
}

TEST_CASE("no beginning of an announcement's text is taken for another one")
{
    for (auto const what : {announcement::kind::work_due, announcement::kind::command_left, announcement::kind::tasks_over}) {
        announcement said{what, {}, worker};
        if (what == announcement::kind::work_due)
            said.due = at(1'763'883'207'000'250);
        std::string const text = to_text(said);
        for (std::size_t length = 0; length < text.size(); ++length)
            CHECK(parse_announcement(text.substr(0, length)) == std::nullopt);
    }
}
