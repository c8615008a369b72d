#include <tasker/store/sql/row_mapping.hpp>

#include "support/catch.hpp"

using namespace tasker;

TEST_CASE("every word of the model is read back as the enumerator it names")
{
    for (std::size_t at = 0; at < state_names.size(); ++at) {
        CHECK(sql::enumerator<task_state>(state_names, state_names[at]) == static_cast<task_state>(at));
        CHECK(sql::enumerator<step_state>(state_names, state_names[at]) == static_cast<step_state>(at));
    }
    for (std::size_t at = 0; at < command_names.size(); ++at)
        CHECK(sql::enumerator<command_kind>(command_names, command_names[at]) == static_cast<command_kind>(at));
}

TEST_CASE("a word this library does not know is refused by name, as a newer version's")
{
    try {
        sql::enumerator<task_state>(state_names, "suspended");
        FAIL("an unknown word was taken");
    } catch (error const& problem) {
        CHECK(problem.code() == errc::schema_mismatch);
        CHECK(std::string{problem.what()}.find("\"suspended\"") != std::string::npos);
        CHECK(std::string{problem.what()}.find("newer version") != std::string::npos);
    }
}

TEST_CASE("a part of nothing is nothing")
{
    auto const length = [](std::string const& text) { return text.size(); };
    CHECK(sql::part_of(std::optional<std::string>{"four"}, length) == 4);
    CHECK(sql::part_of(std::optional<std::string>{}, length) == std::nullopt);
}
