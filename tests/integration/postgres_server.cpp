#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/postgres.hpp"
#include "support/scratch_directory.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace {

bool exists(std::string const& schema)
{
    support::pg_session session{support::postgres_connection().value()};
    return session.value("select 1 from pg_namespace where nspname = $1", {schema}).has_value();
}

std::string quoted(std::filesystem::path const& folder) { return "'" + folder.string() + "'"; }

} // namespace

TEST_CASE("a scratch schema is there within its scope and gone after it, with its tables")
{
    if (!support::postgres_connection())
        return;
    std::string name;
    {
        support::scratch_schema const schema;
        name = schema.name();
        CHECK(exists(name));
        support::pg_session session = schema.session();
        session.exec("create table seen (text text); insert into seen values ('here')");
        CHECK(session.value("select text from " + name + ".seen where text <> $1", {"there"}) == "here");
        CHECK(support::scratch_schema{}.name() != name);
    }
    CHECK_FALSE(exists(name));
}

TEST_CASE("a session tells a null and a missing row from an empty text, and how PostgreSQL names an error")
{
    if (!support::postgres_connection())
        return;
    support::pg_session session{*support::postgres_connection()};
    CHECK(session.value("select ''") == "");
    CHECK(session.value("select null") == std::nullopt);
    CHECK(session.value("select 1 where false") == std::nullopt);
    try {
        session.exec("select 1; select 1 / 0");
        FAIL("a division by zero went through");
    } catch (support::pg_error const& refused) {
        CHECK(refused.sqlstate == "22012");
        CHECK_THAT(refused.what(), support::contains("division by zero"));
    }
    CHECK_THROWS_AS(support::pg_session{"host=/nowhere"}, support::pg_error);
}

TEST_CASE("a throw-away server is started once, made anew after a crash, and leaves nothing behind")
{
    if (support::run_postgres_script("find").status != 0) {
        WARN("Skipped: there is no PostgreSQL server. Install one.");
        return;
    }
    support::scratch_directory const scratch;
    auto const folder = scratch.path() / "server";
    std::string const first = support::start_postgres(folder);
    CHECK(support::start_postgres(folder) == first);
    support::pg_session session{first};
    CHECK(session.value("show fsync") == "off");
    session.exec("create table lost (text text)");

    std::string process;
    std::getline(std::ifstream{folder / "data" / "postmaster.pid"}, process);
    ::kill(std::stoi(process), SIGKILL);
    while (PQping(first.c_str()) == PQPING_OK)
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    support::pg_session anew{support::start_postgres(folder)};
    CHECK(anew.value("select to_regclass('lost')") == std::nullopt);

    auto const socket = std::filesystem::read_symlink(folder / "socket");
    CHECK(support::run_postgres_script("stop " + quoted(folder)).status == 0);
    CHECK_FALSE(std::filesystem::exists(folder));
    CHECK_FALSE(std::filesystem::exists(socket));
}

TEST_CASE("a durable server goes on with its data after the processes that it was started for have ended")
{
    if (support::run_postgres_script("find").status != 0) {
        WARN("Skipped: there is no PostgreSQL server. Install one.");
        return;
    }
    support::scratch_directory const scratch;
    auto const folder = scratch.path() / "server";
    support::child_process user{[&](support::child_process& self) {
        auto const started =
            support::run_postgres_script("start --durable --for " + std::to_string(::getpid()) + ' ' + quoted(folder));
        self.tell(static_cast<std::uint64_t>(started.status));
        return self.hear() ? 0 : 1;
    }};
    REQUIRE(user.hear() == 0);
    std::string connection;
    std::getline(std::ifstream{folder / "connection"}, connection);
    {
        support::pg_session session{connection};
        CHECK(session.value("show fsync") == "on");
        session.exec("create table kept (text text)");
    }
    user.kill();
    while (PQping(connection.c_str()) == PQPING_OK)
        std::this_thread::sleep_for(std::chrono::milliseconds{5});

    auto const again = support::run_postgres_script("start --durable " + quoted(folder));
    REQUIRE(again.status == 0);
    CHECK(support::pg_session{again.output}.value("select to_regclass('kept')") == "kept");
    CHECK(support::run_postgres_script("stop " + quoted(folder)).status == 0);
}

TEST_CASE("a folder with files of something else is not taken for a server's")
{
    if (support::run_postgres_script("find").status != 0) {
        WARN("Skipped: there is no PostgreSQL server. Install one.");
        return;
    }
    support::scratch_directory const scratch;
    std::filesystem::create_directory(scratch.path() / "data");
    auto const refused = support::run_postgres_script("start " + quoted(scratch.path()));
    CHECK(refused.status == 1);
    CHECK_THAT(refused.output, support::contains("holds files of something else"));
    CHECK(support::run_postgres_script("stop " + quoted(scratch.path())).status == 0);
    CHECK(std::filesystem::exists(scratch.path() / "data"));
}
