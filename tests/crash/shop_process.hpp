#pragma once

#include "support/child_process.hpp"

#include "ledger.hpp"
#include "worker_process.hpp"

#include <tasker/store/sqlite_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

namespace crash {

/// Fails this process, which may be a child: Catch listens to its own alone.
inline void must(bool holds, std::string const& otherwise)
{
    if (!holds)
        throw std::runtime_error{otherwise};
}

inline std::filesystem::path log_of(std::filesystem::path const& file) { return file.string() + "-wal"; }

inline std::string read_bytes(std::filesystem::path const& file)
{
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_bytes(std::filesystem::path const& file, std::string const& bytes)
{
    std::ofstream{file, std::ios::binary} << bytes;
}

inline std::string first_text(std::filesystem::path const& file, std::string const& statement)
{
    soci::session session{soci::sqlite3, "db=\"" + file.string() + '"'};
    tasker::sql::query row{session, {statement, "", "t"}};
    return row.run_once() ? row.text() : std::string{};
}

/// What a shop tells its parent: that it wrote into the ledger, or that its journal failed again.
enum class news : std::uint64_t { line, failing };

/// An engine under load, which writes into a ledger what it is told.
class shop {
public:
    struct place {
        std::filesystem::path file;
        std::filesystem::path ledger;
        std::filesystem::path closed; ///< once it exists, nobody submits any more
    };

    shop(place where, support::child_process& parent)
        : where_{std::move(where)}, parent_{parent}, ledger_{where_.ledger}, engine_{context_, tasker::sqlite_store{where_.file}, restless()}
    {
    }

    /// Submits until the shop is closed, or nobody seems to close it; returns when all there is in the store is over.
    int run()
    {
        tasker::subscribe_options const at_once{.delivery = tasker::delivery::in_place};
        auto const told = engine_.subscribe(
            [this](tasker::step_completed const& e) {
                write("told " + tasker::to_text(e.task) + ' ' + e.step + ' ' + std::string{e.result.text()});
            },
            at_once);
        auto const failing = engine_.subscribe([this](tasker::store_failing const& e) { complain(e); }, at_once);
        auto const recovered = engine_.subscribe([this](tasker::store_recovered const&) { write("recovered"); }, at_once);
        engine_.add(make_workflow());
        return run_until_over(context_, work());
    }

private:
    /// An outage lasts longer than a lease.
    static tasker::engine_options restless()
    {
        tasker::engine_options options;
        options.lease = std::chrono::milliseconds{300};
        return options;
    }

    /// With the size of the log: whatever is cut off behind it, this was acknowledged before.
    void write(std::string const& line)
    {
        std::error_code unknown;
        ledger_.append(line + ' ' + std::to_string(std::filesystem::file_size(log_of(where_.file), unknown)));
        parent_.tell(static_cast<std::uint64_t>(news::line));
    }

    /// Only the journal counts its failures: it holds acknowledgements back now.
    void complain(tasker::store_failing const& e)
    {
        ledger_.append((e.failures > 1 ? "failing " : "complaint ") + e.what);
        if (e.failures > 1)
            parent_.tell(static_cast<std::uint64_t>(news::failing));
    }

    /// The result names the very execution that made it.
    tasker::workflow make_workflow()
    {
        tasker::workflow_builder flow{"shop", "fulfil", "1.0.0"};
        auto const body = [this](tasker::step_context&) { return std::to_string(::getpid()) + '-' + std::to_string(++executions_); };
        auto const charge = flow.step("charge", body);
        auto const reserve = flow.step("reserve", after(tasker::ordering(charge)), body);
        auto const notify = flow.step("notify", after(tasker::ordering(charge)), body);
        flow.step("ship", after(tasker::ordering(reserve), tasker::ordering(notify)), body);
        return std::move(flow).build();
    }

    boost::asio::awaitable<void> work()
    {
        constexpr std::size_t at_once = 8;
        std::vector<tasker::task_handle> open;
        for (auto const& line : ledger::read(where_.ledger))
            if (line.at(0) == "submitted")
                open.push_back(engine_.task(*tasker::parse_id<tasker::task_id>(line.at(1))));
        for (tasker::task_record const& stored : co_await engine_.find({}, {.limit = tasker::page_limit_cap}))
            open.push_back(engine_.task(stored.id)); // the last may be stored, and its process killed before it was noted
        for (int left = 1'000; left > 0 && !std::filesystem::exists(where_.closed); --left) {
            open.push_back(co_await engine_.submit("shop/fulfil"));
            write("submitted " + tasker::to_text(open.back().id()));
            if (open.size() >= at_once)
                co_await open[open.size() - at_once].result<std::string>();
        }
        for (tasker::task_handle const& one : open)
            co_await one.result<std::string>();
        co_await engine_.drain();
    }

    place where_;
    support::child_process& parent_;
    ledger ledger_;
    int executions_ = 0;
    boost::asio::io_context context_;
    tasker::engine engine_;
};

/// A shop's process, as seen from outside.
class open_shop {
public:
    static constexpr int refused = 7;

    explicit open_shop(shop::place const& where) : child_{[&](support::child_process& parent) { return live(where, parent); }} {}

    pid_t id() const { return child_.id(); }
    template <class Condition>
    void wait_until(Condition holds)
    {
        while (!holds())
            hear();
    }
    void wait_for(news what, int times)
    {
        while (times > 0)
            if (hear() == what)
                --times;
    }
    void kill() { child_.kill(); }
    int wait() { return child_.wait(); }

private:
    static int live(shop::place const& where, support::child_process& parent)
    {
        std::signal(SIGXFSZ, SIG_IGN);
        try {
            return shop{where, parent}.run();
        } catch (tasker::error const& problem) {
            ledger{where.ledger}.append(std::string{"refused "} + problem.what());
            return refused;
        }
    }

    news hear()
    {
        auto const heard = child_.hear();
        must(heard.has_value(), "the shop's process ended");
        return static_cast<news>(*heard);
    }

    support::child_process child_;
};

/// The sentences of that kind in the ledger.
inline std::set<std::string> sentences(shop::place const& where, std::string const& kind)
{
    std::set<std::string> found;
    for (auto const& line : ledger::read(where.ledger)) {
        std::string sentence;
        for (std::size_t word = 1; word < line.size(); ++word)
            sentence += (word == 1 ? "" : " ") + line[word];
        if (line[0] == kind)
            found.insert(sentence);
    }
    return found;
}

inline bool is_acknowledgement(std::vector<std::string> const& line)
{
    return line.at(0) == "submitted" || line.at(0) == "told";
}

/// Nothing is acknowledged between a failure of the journal and its recovery, or the next process.
inline void must_have_held_back(shop::place const& where)
{
    bool is_failing = false;
    for (auto const& line : ledger::read(where.ledger)) {
        if (line[0] == "failing")
            is_failing = true;
        else if (line[0] == "recovered" || line[0] == "killed")
            is_failing = false;
        else
            must(!is_failing || !is_acknowledgement(line), "acknowledged while the journal failed: " + line[0]);
    }
}

/// The task is over, its steps have ended once each and in their order; returns what they ended in.
inline std::map<std::string, std::string> must_be_complete(tasker::sqlite_store& store, tasker::task_id id)
{
    static constexpr char const* names[] = {"charge", "reserve", "notify", "ship"};
    auto const snapshot = store.load(id);
    must(snapshot.has_value(), "an acknowledged task is gone");
    must(snapshot->task.state == tasker::task_state::complete && snapshot->steps.size() == std::size(names), "a task did not end");
    std::vector<tasker::step_no> ended;
    for (auto const& change : store.history(id))
        if (change.step && change.to == "complete")
            ended.push_back(*change.step);
    must(ended.size() == std::size(names) && ended.front() == 0 && ended.back() == 3 && ended[1] + ended[2] == 3,
         "a step ended twice, or before its parents");
    std::map<std::string, std::string> results;
    for (auto const& [step, record] : snapshot->steps)
        results[names[step]] = record.result.text();
    return results;
}

/// Everything that the ledger says was acknowledged is in the store, and over.
inline void must_have_lost_nothing(shop::place const& where)
{
    tasker::sqlite_store store{where.file};
    std::map<std::string, std::map<std::string, std::string>> results;
    for (auto const& line : ledger::read(where.ledger)) {
        if (!is_acknowledgement(line))
            continue;
        if (!results.contains(line[1]))
            results[line[1]] = must_be_complete(store, *tasker::parse_id<tasker::task_id>(line[1]));
        if (line[0] == "told")
            must(results[line[1]][line[2]] == line[3], "an acknowledged result is not the one that is stored");
    }
    for (auto const& task : store.find({}, {.limit = 100'000}))
        must_be_complete(store, task.id);
    must(first_text(where.file, "pragma integrity_check") == "ok", "the file is damaged");
}

inline void must_say(std::set<std::string> const& said, std::initializer_list<std::string> parts)
{
    for (auto const& part : parts)
        must(std::any_of(said.begin(), said.end(), [&](auto const& one) { return one.find(part) != one.npos; }),
             "nobody said \"" + part + "\" but: " + (said.empty() ? "nothing" : *said.begin()));
}

/// The acknowledgements written while the log was no longer than `size`.
inline void write_down(std::filesystem::path const& file, ledger::lines const& from, std::size_t size)
{
    ledger to{file};
    for (auto const& line : from) {
        std::string text;
        for (auto const& word : line)
            text += word + ' ';
        if (is_acknowledgement(line) && std::stoull(line.back()) <= size)
            to.append(text);
    }
}

} // namespace crash
