#include <tasker/store/sqlite_store.hpp>

#include "crash/ledger.hpp"
#include "crash/shop_process.hpp"
#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

// What can befall the file of a SQLite store: a torn write-ahead log, a full disk, a file that nobody may write.

using namespace tasker;
using namespace crash;
namespace fs = std::filesystem;

namespace {

/// Makes a log that ends before `at`, or goes on there in bytes that nobody wrote.
std::string torn(std::string log, std::size_t at, std::mt19937& random)
{
    if (random() % 2 == 0)
        return log.substr(0, at);
    std::size_t const end = std::min<std::size_t>(log.size(), at + 1 + random() % 64);
    for (; at < end; ++at)
        log[at] = static_cast<char>(log[at] ^ static_cast<char>(1 + random() % 255));
    return log;
}

/// The last state of the file of a worker that was killed, which had committed again and again.
class killed_writer {
public:
    killed_writer()
    {
        sqlite_store{file_}.migrate(); // closed: the log is all the worker's
        support::child_process child{[&](support::child_process& parent) { return write(parent); }};
        while (ends_.size() < commits)
            ends_.push_back(child.hear().value());
        child.kill();
        database_ = read_bytes(file_);
        log_ = read_bytes(log_of(file_));
        REQUIRE(log_.size() == ends_.back());
    }

    std::string const& log() const { return log_; }

    /// Where in the log the commit ends, counted from 1; 0 is where it begins.
    std::size_t end_of(std::size_t commit) const { return commit == 0 ? 0 : ends_[commit - 1]; }
    std::size_t commits_before(std::size_t position) const
    {
        return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), position) - ends_.begin());
    }

    /// Opens the file with another log, and finds exactly so many commits in it, each of them whole.
    void check_with(std::string const& log, std::size_t expected) const
    {
        fs::path const copy = folder_.path() / "copy.db";
        write_bytes(copy, database_);
        write_bytes(log_of(copy), log);
        fs::remove(copy.string() + "-shm");
        CHECK(first_text(copy, "pragma integrity_check") == "ok");
        sqlite_store store{copy, {.synchronous = sqlite_synchronous::off}};
        store.migrate();
        check_commits(store, expected);
        store.commit(batch_of(store, expected + 1));
        check_commits(store, expected + 1);
    }

    static constexpr std::size_t commits = 30;

private:
    static constexpr std::uint64_t tasks = 3;
    static constexpr worker_id self{1, 1};

    static task_id id_of(std::uint64_t number) { return {0x0193'0000'0000'7000U, number}; }

    /// All tasks, their first step and their history are to say that this is the commit of that number.
    static commit_batch batch_of(sqlite_store& store, std::size_t number)
    {
        commit_batch batch;
        batch.worker = self;
        if (number == 1)
            create_all(batch, store.register_workflow({"shop", "fulfil", "1.0.0"}, graph{{{"charge", {}}}, {}}));
        for (std::uint64_t at = 1; at <= tasks; ++at) {
            task_write row;
            row.id = id_of(at);
            row.epoch = 1;
            row.recoveries = static_cast<int>(number);
            batch.tasks.push_back(row);
            step_record step;
            step.attempts = static_cast<int>(number);
            batch.steps.push_back({row.id, 1, 0, step});
            transition_record line;
            line.task = row.id;
            line.to = "pending";
            batch.transitions.push_back(line);
            batch.transition_epochs.push_back(1);
        }
        return batch;
    }

    static void create_all(commit_batch& batch, workflow_id workflow)
    {
        for (std::uint64_t at = 1; at <= tasks; ++at) {
            task_record task;
            task.id = id_of(at);
            task.workflow = workflow;
            task.identity_key = std::to_string(at);
            task.worker = self;
            task.epoch = 1;
            batch.created.push_back(task);
        }
    }

    int write(support::child_process& parent) const
    {
        sqlite_store store{file_};
        for (std::size_t number = 1; number <= commits; ++number) {
            store.commit(batch_of(store, number));
            parent.tell(fs::file_size(log_of(file_)));
        }
        parent.hear();
        return 0;
    }

    static void check_commits(sqlite_store& store, std::size_t expected)
    {
        auto const found = store.find({}, {});
        REQUIRE(found.size() == (expected == 0 ? 0 : tasks));
        for (auto const& task : found) {
            CHECK(static_cast<std::size_t>(task.recoveries) == expected);
            CHECK(static_cast<std::size_t>(store.load(task.id)->steps.at(0).second.attempts) == expected);
            CHECK(store.history(task.id).size() == expected);
        }
    }

    support::scratch_directory folder_;
    fs::path file_ = folder_.path() / "orders.db";
    std::vector<std::size_t> ends_;
    std::string database_;
    std::string log_;
};

/// A way to take a process the room on its disk, and to give it back.
struct shortage {
    std::function<void(pid_t)> begin;
    std::function<void(pid_t)> end;
    std::string expected; ///< of the sentence
};

/// Two shops meet a full disk: the first is killed in it, the second goes on by itself when there is room again.
void survive_full_disk(shop::place const& where, shortage const& room)
{
    auto const is_busy = [&] { return fs::exists(log_of(where.file)) && fs::file_size(log_of(where.file)) > 300'000; };
    {
        open_shop first{where};
        first.wait_until(is_busy);
        room.begin(first.id());
        first.wait_for(news::failing, 2);
        first.kill();
        room.end(first.id());
        ledger{where.ledger}.append("killed");
    }
    open_shop second{where};
    second.wait_for(news::line, 50);
    second.wait_until(is_busy);
    room.begin(second.id());
    second.wait_for(news::failing, 3);
    room.end(second.id());
    write_bytes(where.closed, "");
    must(second.wait() == 0, "the shop did not go on");
    must_say(sentences(where, "failing"), {"SQLite file " + where.file.string() + ' ', room.expected});
    must(ledger::read(where.ledger).back().at(0) == "told" && !sentences(where, "recovered").empty(),
         "nothing was told after the recovery");
    must_have_held_back(where);
    must_have_lost_nothing(where);
}

/// Writes until nothing more can be written.
void fill(fs::path const& filler)
{
    for (std::size_t const size : {std::size_t{65'536}, std::size_t{4'096}, std::size_t{1}})
        for (std::ofstream out{filler, std::ios::binary | std::ios::app}; out << std::string(size, 'x') << std::flush;) {
        }
}

/// Gives this process a small file system of its own at `place`; false when it may not have one.
bool mount_own(fs::path const& place)
{
    auto const user = std::to_string(::geteuid());
    auto const group = std::to_string(::getegid());
    if (::unshare(CLONE_NEWNS) != 0) {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        write_bytes("/proc/self/setgroups", "deny");
        write_bytes("/proc/self/uid_map", user + ' ' + user + " 1");
        write_bytes("/proc/self/gid_map", group + ' ' + group + " 1");
    }
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tasker-test", place.c_str(), "tmpfs", 0, "size=6m") == 0;
}

shop::place place_in(fs::path const& folder)
{
    fs::create_directory(folder / "disk");
    return {folder / "disk/orders.db", folder / "ledger", folder / "closed"};
}

/// Runs `story(where)` in a process of its own, which may give up rights that the tests need later.
template <class Story>
void tell_apart(Story const& story)
{
    support::scratch_directory const folder;
    shop::place const where = place_in(folder.path());
    support::child_process child{[&](support::child_process&) {
        story(where);
        return 0;
    }};
    CHECK(child.wait() == 0);
}

/// As `tell_apart`, on a file system of its own. Where processes may not mount any, the stories beside this one tell all
/// there is.
template <class Story>
void tell_on_own_disk(Story const& story)
{
    tell_apart([&](shop::place const& where) {
        if (mount_own(where.file.parent_path()))
            story(where);
        else
            std::cout << "this process may not mount a file system: another one's errors were tried only\n";
    });
}

/// A shop's file may not be written for a while, which `lock` and `unlock` begin and end.
void survive_locked_file(shop::place const& where, std::function<void()> const& lock, std::function<void()> const& unlock,
                         std::string const& expected)
{
    {
        open_shop first{where};
        first.wait_for(news::line, 60);
        first.kill();
    }
    auto const before = read_bytes(where.file) + read_bytes(log_of(where.file));
    lock();
    must(open_shop{where}.wait() == open_shop::refused, "a file that may not be written was not refused");
    unlock();
    must(before == read_bytes(where.file) + read_bytes(log_of(where.file)), "the file was written");
    must_say(sentences(where, "refused"), {"SQLite file " + where.file.string() + ' ', expected});
    write_bytes(where.closed, "");
    must(open_shop{where}.wait() == 0, "the shop did not go on");
    must_have_lost_nothing(where);
}

void give_up_root(fs::path const& folder)
{
    fs::permissions(folder, fs::perms::all);
    if (::geteuid() == 0)
        must(::chown((folder / "disk").c_str(), 65534, 65534) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0,
             "root keeps its rights");
}

} // namespace

TEST_CASE("a log torn or garbled behind the last acknowledged commit loses nothing that was acknowledged")
{
    killed_writer const killed;
    unsigned const seed = std::random_device{}();
    std::mt19937 random{seed};
    std::size_t const acknowledged = killed_writer::commits - 1;
    std::size_t const begin = killed.end_of(acknowledged);
    for (int round = 0; round < 50; ++round) {
        std::size_t const at = begin + random() % (killed.log().size() - begin);
        INFO("seed " << seed << ", round " << round << ", torn at " << at << " of " << killed.log().size());
        killed.check_with(torn(killed.log(), at, random), acknowledged);
    }
    killed.check_with(killed.log() + std::string(5'000, 'x'), killed_writer::commits);
}

TEST_CASE("a log torn or garbled anywhere ends with the last commit that is whole")
{
    killed_writer const killed;
    unsigned const seed = std::random_device{}();
    std::mt19937 random{seed};
    for (int round = 0; round < 50; ++round) {
        std::size_t const at = random() % killed.log().size();
        INFO("seed " << seed << ", round " << round << ", torn at " << at << " of " << killed.log().size());
        killed.check_with(torn(killed.log(), at, random), killed.commits_before(at));
    }
}

TEST_CASE("an engine on a torn log keeps all that was acknowledged before the tear, and ends every task once")
{
    support::scratch_directory const folder;
    shop::place const where = place_in(folder.path());
    {
        open_shop torn_away{where};
        torn_away.wait_for(news::line, 60);
        torn_away.kill();
    }
    std::string const database = read_bytes(where.file);
    std::string const log = read_bytes(log_of(where.file));
    auto const lines = ledger::read(where.ledger);
    REQUIRE(log.size() < std::size_t{4} << 20U); // nothing was moved from it to the file yet
    unsigned const seed = std::random_device{}();
    std::mt19937 random{seed};
    for (int round = 0; round < 10; ++round) {
        std::size_t const at = random() % log.size();
        INFO("seed " << seed << ", round " << round << ", torn at " << at << " of " << log.size());
        fs::create_directory(folder.path() / std::to_string(round));
        shop::place const copy = place_in(folder.path() / std::to_string(round));
        write_bytes(copy.file, database);
        write_bytes(log_of(copy.file), torn(log, at, random));
        write_bytes(copy.closed, "");
        write_down(copy.ledger, lines, at);
        CHECK(open_shop{copy}.wait() == 0);
        must_have_lost_nothing(copy);
    }
}

TEST_CASE("an engine on a full disk says so, loses nothing that it acknowledged, and goes on by itself when there is room")
{
    tell_on_own_disk([](shop::place const& where) {
        auto const filler = where.file.parent_path() / "filler";
        survive_full_disk(where, {[&](pid_t) { fill(filler); }, [&](pid_t) { fs::remove(filler); }, "cannot grow; free space on its disk"});
    });
}

TEST_CASE("an engine at its file-size limit says so, loses nothing that it acknowledged, and goes on by itself above it")
{
    tell_apart([](shop::place const& where) {
        auto const limit = [](rlim_t bytes) {
            return [bytes](pid_t process) {
                rlimit const most{bytes, RLIM_INFINITY};
                must(::prlimit(process, RLIMIT_FSIZE, &most, nullptr) == 0 || errno == ESRCH, "cannot limit another process");
            };
        };
        survive_full_disk(where, {limit(150'000), limit(RLIM_INFINITY), "file-size limit"});
    });
}

TEST_CASE("a file on a disk mounted read-only is refused in words, and nothing that was acknowledged is lost")
{
    tell_on_own_disk([](shop::place const& where) {
        auto const remount = [&](unsigned long flags) {
            return [&where, flags] {
                must(::mount("none", where.file.parent_path().c_str(), nullptr, MS_REMOUNT | flags, nullptr) == 0, "cannot remount");
            };
        };
        survive_locked_file(where, remount(MS_RDONLY), remount(0), "read-only");
    });
}

TEST_CASE("a file that this user may not write is refused in words, and nothing that was acknowledged is lost")
{
    auto const story = [](std::vector<std::string> const& parts) {
        return [parts](shop::place const& where) {
            give_up_root(where.ledger.parent_path());
            auto const allow = [&](fs::perms rights) {
                return [&where, &parts, rights] {
                    for (auto const& part : parts)
                        fs::permissions(where.file.parent_path() / part, rights);
                };
            };
            auto const readable = fs::perms::owner_read | fs::perms::owner_exec;
            survive_locked_file(where, allow(readable), allow(fs::perms::owner_all),
                                "give this user the right to write " + (where.file.parent_path() / parts.front()).string() + ' ');
        };
    };
    tell_apart(story({"orders.db", "orders.db-wal", "orders.db-shm", "."}));
    tell_apart(story({"orders.db-wal"}));
    tell_apart(story({"orders.db-shm"}));
}
