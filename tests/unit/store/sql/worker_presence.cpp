#include <tasker/store/sql/worker_presence.hpp>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

using namespace tasker::sql;

TEST_CASE("this process knows itself, and is not gone")
{
    local_presence const presence;
    auto const self = presence.self();
    CHECK_FALSE(self.host.empty());
    CHECK(self.process == ::getpid());
    CHECK(self.started > 0);
    CHECK(self == presence.self());
    CHECK_FALSE(presence.is_gone(self));
}

TEST_CASE("a killed process is gone, already as a zombie [F24]")
{
    local_presence const presence;
    support::child_process child{[&](support::child_process& parent) {
        parent.tell(static_cast<std::uint64_t>(presence.self().started));
        parent.hear(); // until it is killed
        return 0;
    }};
    auto const started = child.hear();
    REQUIRE(started);
    process_identity const other{presence.self().host, child.id(), static_cast<std::int64_t>(*started)};
    CHECK_FALSE(presence.is_gone(other));
    child.kill_without_waiting();
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child.id()), &ended, WEXITED | WNOWAIT) == 0);
    CHECK(presence.is_gone(other));
    child.kill();
    CHECK(presence.is_gone(other));
}

TEST_CASE("a later process with the same id is not taken for the earlier one")
{
    local_presence const presence;
    auto other = presence.self();
    --other.started;
    CHECK(presence.is_gone(other));
}

TEST_CASE("processes of other machines and unknown ones are never called gone")
{
    local_presence const presence;
    auto other = presence.self();
    other.process = 0;
    other.host += '2';
    CHECK_FALSE(presence.is_gone(other));
    CHECK_FALSE(presence.is_gone({}));
}

TEST_CASE("without /proc nobody is known and nobody is gone")
{
    support::scratch_directory const empty;
    local_presence const presence{empty.path()};
    CHECK(presence.self() == process_identity{});
    CHECK_FALSE(presence.is_gone({"", 1, 1}));
    CHECK_FALSE(presence.is_gone({"boot pid:[1]", 1, 1}));
}

TEST_CASE("a program's name cannot confuse the reading of its state")
{
    support::scratch_directory const proc;
    auto const write = [&](std::filesystem::path const& file, std::string const& text) {
        std::filesystem::create_directories((proc.path() / file).parent_path());
        std::ofstream{proc.path() / file} << text;
    };
    write("sys/kernel/random/boot_id", "b00t\n");
    std::filesystem::create_directories(proc.path() / "self/ns");
    std::filesystem::create_symlink("pid:[1]", proc.path() / "self/ns/pid");
    auto const stat = [](std::string const& name, char state) {
        return "42 (" + name + ") " + state + " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 19\n";
    };
    local_presence const presence{proc.path()};
    process_identity const other{"b00t pid:[1]", 42, 777};
    for (std::string const name : {"worker", "a) Z 1 (b", "two words"}) {
        write("42/stat", stat(name, 'S'));
        CHECK_FALSE(presence.is_gone(other));
        write("42/stat", stat(name, 'Z'));
        CHECK(presence.is_gone(other));
    }
    write("42/stat", "");
    CHECK(presence.is_gone(other));
}
