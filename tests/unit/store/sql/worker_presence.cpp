#include <tasker/store/sql/worker_presence.hpp>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <fstream>

using namespace tasker::sql;

namespace {

/// A directory that looks like /proc, but shows only the processes that a test writes into it.
class imitated_proc {
public:
    imitated_proc()
    {
        write("sys/kernel/random/boot_id", "b00t\n");
        std::filesystem::create_directories(path() / "self/ns");
        std::filesystem::create_symlink("pid:[1]", path() / "self/ns/pid");
    }

    std::filesystem::path const& path() const { return directory_.path(); }

    void write(std::filesystem::path const& file, std::string const& text) const
    {
        std::filesystem::create_directories((path() / file).parent_path());
        std::ofstream{path() / file} << text;
    }

    static std::string stat(std::string const& name, char state, int threads, int started)
    {
        return "42 (" + name + ") " + state + " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 " + std::to_string(threads) + " 0 " +
               std::to_string(started) + " 19\n";
    }

    /// One that started at 777.
    static process_identity process(pid_t id) { return {"b00t pid:[1]", id, 777}; }

private:
    support::scratch_directory directory_;
};

} // namespace

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

TEST_CASE("a process that /proc hides is gone only when there is none with its id")
{
    imitated_proc const proc;
    local_presence const presence{proc.path()};
    CHECK_FALSE(presence.is_gone(imitated_proc::process(::getpid())));
    proc.write(std::to_string(::getpid()) + "/stat", ""); // may be seen, but not read
    CHECK_FALSE(presence.is_gone(imitated_proc::process(::getpid())));
    support::child_process child{[](support::child_process& parent) {
        parent.hear(); // until it is killed
        return 0;
    }};
    auto const hidden = imitated_proc::process(child.id());
    CHECK_FALSE(presence.is_gone(hidden));
    child.kill();
    CHECK(presence.is_gone(hidden));
}

TEST_CASE("what /proc shows counts more than a later process with the same id")
{
    imitated_proc const proc;
    local_presence const presence{proc.path()};
    auto const own = std::to_string(::getpid());
    proc.write(own + "/stat", imitated_proc::stat("worker", 'S', 1, 778));
    CHECK(presence.is_gone(imitated_proc::process(::getpid())));
    proc.write(own + "/stat", imitated_proc::stat("worker", 'S', 1, 777));
    CHECK_FALSE(presence.is_gone(imitated_proc::process(::getpid())));
}

TEST_CASE("a process whose first thread alone has ended is not gone")
{
    imitated_proc const proc;
    local_presence const presence{proc.path()};
    proc.write("42/stat", imitated_proc::stat("worker", 'Z', 2, 777));
    CHECK_FALSE(presence.is_gone(imitated_proc::process(42)));
    proc.write("42/stat", imitated_proc::stat("worker", 'Z', 1, 777));
    CHECK(presence.is_gone(imitated_proc::process(42)));
}

TEST_CASE("a program's name cannot confuse the reading of its state")
{
    imitated_proc const proc;
    local_presence const presence{proc.path()};
    for (std::string const name : {"worker", "a) Z 1 (b", "two words"}) {
        proc.write("42/stat", imitated_proc::stat(name, 'S', 1, 777));
        CHECK_FALSE(presence.is_gone(imitated_proc::process(42)));
        proc.write("42/stat", imitated_proc::stat(name, 'Z', 1, 777));
        CHECK(presence.is_gone(imitated_proc::process(42)));
    }
}
