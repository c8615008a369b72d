#include "support/coroutine_runs.hpp"
#include "support/refusal.hpp"

#include <tasker/flow/workflow_builder.hpp>

#include <boost/asio/co_spawn.hpp>

#include <cstdlib>
#include <exception>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using support::survives_everywhere;
using tasker::coroutine_workflow;
using tasker::step_context;
using tasker::workflow_context;

namespace {

constexpr tasker::retry_policy once{.max_attempts = 1};

template <class Coroutine>
tasker::workflow named(std::string name, Coroutine coroutine)
{
    return coroutine_workflow("test", std::move(name), "1.0.0", std::move(coroutine));
}

tasker::workflow doubling_graph()
{
    tasker::workflow_builder flow{"test", "double", "1.0.0"};
    auto const input = flow.input<int>();
    auto const twice = flow.step("twice", after(input), [](step_context& s, int n) -> asio::awaitable<int> {
        co_await s.sleep_for(1h);
        co_return 2 * n;
    });
    flow.step("plain", after(twice), [](int n) { return n; });
    return std::move(flow).build();
}

/// A random program: what it does follows from the seed alone, and so does its result, whatever crashes.
asio::awaitable<std::string> play(workflow_context& wf, std::uint64_t seed, int depth)
{
    std::mt19937_64 dice{seed};
    std::string text;
    for (auto left = 1 + dice() % 4; left > 0; --left) {
        std::string const name = "s" + std::to_string(dice() % 4);
        auto const luck = dice();
        switch (dice() % (depth > 0 ? 10 : 7)) {
        case 0:
            co_await wf.sleep(name, std::chrono::seconds{luck % 20'000});
            text += 'z';
            break;
        case 1:
            text += wf.random() < 1 && !wf.uuid().empty() && wf.now() > tasker::time_point{} ? 'i' : '!';
            wf.set_value("text", text);
            break;
        case 2:
            try {
                co_await wf.step(name, [] { throw tasker::permanent_error{"bad luck"}; });
                text += '!';
            } catch (tasker::step_error const&) {
                text += 'e';
            }
            break;
        case 3:
            try {
                co_await wf.receive<int>(name, {.timeout = std::chrono::seconds{luck % 20'000}});
                text += '!';
            } catch (tasker::receive_timeout const&) {
                text += 'r';
            }
            break;
        case 4: {
            std::vector<std::uint64_t> const items(luck % 5, luck);
            auto const told = co_await wf.map(name, items, [](std::uint64_t each) { return each % 10; }, {.concurrency = 1 + luck % 3});
            for (auto const one : told)
                text += std::to_string(one);
            break;
        }
        case 7: {
            auto const both = co_await (play(wf, luck, depth - 1) && play(wf, luck + 1, depth - 1));
            text += '(' + std::get<0>(both) + '&' + std::get<1>(both) + ')';
            break;
        }
        case 8: {
            auto const won = co_await (wf.step(name, [&] { return luck % 10; }) || wf.sleep("for ever", 24h * 90));
            text += std::to_string(won.index()) + std::to_string(std::get<0>(won));
            break;
        }
        case 9: text += std::to_string(co_await wf.child<int>(name, "test/double", static_cast<int>(luck % 100))); break;
        default:
            text += std::to_string(co_await wf.step(name, [&](step_context& s) {
                if (s.attempt() <= static_cast<int>(luck % 3))
                    throw tasker::transient_error{"not yet"};
                return luck % 10;
            }, {.durability = luck % 2 == 0 ? tasker::durability::volatile_ : tasker::durability::durable}));
        }
    }
    co_return text;
}

tasker::workflow sleeping(std::string name)
{
    return named(std::move(name), [](workflow_context& wf) -> asio::awaitable<std::string> {
        co_await wf.sleep("long", 20h);
        co_return "rested";
    });
}

} // namespace

TEST_CASE("a coroutine starts tasks of its own, declared ones and coroutines, and hears of their end")
{
    survives_everywhere(named("parent", [](workflow_context& wf, int const& n) -> asio::awaitable<std::string> {
                            auto const id = co_await wf.start("later", "test/rest", tasker::payload{});
                            auto const both = co_await (wf.child<int>("one", "test/double", n) && wf.child<int>("two", "test/double", n + 1));
                            std::string const rested = co_await wf.join<std::string>("later", id);
                            std::string failed;
                            try {
                                co_await wf.child<int>("none", "test/unknown", 1);
                            } catch (tasker::step_error const&) {
                                failed = " none";
                            }
                            co_return std::to_string(std::get<0>(both) + std::get<1>(both)) + rested + failed;
                        }), 3, R"("14rested none")", {.others = {doubling_graph(), sleeping("rest")}});
}

TEST_CASE("children end with their cancelled parent, unless they are detached")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        sim.add(doubling_graph());
        sim.add(sleeping("rest"));
        sim.add(sleeping("free"));
        auto const id = sim.submit(named("parent", [](workflow_context& wf) -> asio::awaitable<void> {
            co_await wf.start("kept", "test/free", tasker::payload{}, {.detached = true});
            co_await wf.start("parked", "test/rest", tasker::payload{});
            co_await wf.child<int>("busy", "test/double", 1);
        }));
        sim.advance(10min);
        sim.await(sim.engine().cancel(id, "no more"));
        sim.settle();
        std::map<std::string, std::string> ends;
        for (auto const& one : sim.await(sim.engine().find({})))
            if (one.id != id)
                ends[one.identity_key.substr(37, one.identity_key.rfind('/') - 37)] = one.status_reason + std::string{name(one.state)};
        CHECK(ends == std::map<std::string, std::string>{{"child:kept", "waiting_for_dependenciespending"},
                                                         {"child:parked", "its parent was cancelledcancelled"},
                                                         {"child:busy", "its parent was cancelledcancelled"}});
        CHECK(sim.report(id).state == tasker::task_state::cancelled);
    });
}

TEST_CASE("a child that fails is thrown into its parent, and a child that loses a race is cancelled")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        sim.add(named("bad", [](workflow_context& wf) -> asio::awaitable<int> {
            co_await wf.step("break", [] { throw tasker::permanent_error{"broken"}; });
            co_return 1;
        }));
        sim.add(sleeping("rest"));
        auto const report = sim.run(named("parent", [](workflow_context& wf) -> asio::awaitable<std::string> {
            std::string told;
            try {
                co_await wf.child<int>("bad", "test/bad", tasker::payload{});
            } catch (tasker::step_error const& failed) {
                told = failed.what();
            }
            auto const won = co_await (wf.child<std::string>("slow", "test/rest", tasker::payload{}) || wf.sleep("enough", 1h));
            co_return told + std::to_string(won.index());
        }));
        CHECK(report.result<std::string>() == "child \"bad\" ended as error: step \"break\" failed after 1 attempt: broken1");
        CHECK(report.elapsed == 1h);
        CHECK(sim.await(sim.engine().find({.name = "rest"})).front().state == tasker::task_state::cancelled);
    });
}

TEST_CASE("random programs end as if nothing had crashed, and no outcome is recorded twice")
{
    auto const flow = named("random", [](workflow_context& wf, std::uint64_t const& seed) { return play(wf, seed, 3); });
    char const* const given = std::getenv("TASKER_COROUTINE_PROGRAMS"); // by hand, more of them
    std::uint64_t const last = given != nullptr ? std::stoull(given) : 40;
    for (std::uint64_t seed = 1; seed <= last; ++seed) {
        INFO("seed " << seed);
        tasker::testing::simulation sim;
        sim.add(doubling_graph());
        auto const calm = sim.run(flow, seed);
        REQUIRE(calm.state == tasker::task_state::complete);
        survives_everywhere(flow, seed, std::string{calm.output.text()}, {.others = {doubling_graph()}, .elsewhere = seed <= 2 ? 11U : 0U});
        for (std::size_t const most : {3U, 12U}) {
            auto const end = support::run_crashing_often(flow, seed, seed, most, {.others = {doubling_graph()}});
            INFO("crashed at most " << most << " handlers after each other");
            REQUIRE(end.report.output == calm.output);
            for (auto const& [name, times] : support::completions(end))
                REQUIRE(times == 1);
        }
    }
}

TEST_CASE("what was done is undone in reverse when a coroutine fails, whatever crashes meanwhile")
{
    for (std::size_t handlers = 1; handlers < 40; ++handlers) {
        INFO("crash after handler " << handlers);
        std::vector<std::string> done;
        bool is_repaired = false;
        auto const flow = named("saga", [&](workflow_context& wf, std::string const& where) -> asio::awaitable<std::string> {
            for (std::string const name : {"hotel", "flight"}) {
                co_await wf.step("book " + name, [&] { return where; });
                wf.compensate(name, [&done, name](step_context& s) -> asio::awaitable<void> {
                    co_await s.sleep_for(1s);
                    done.push_back(name);
                });
            }
            co_await wf.sleep("rest", 2h);
            co_await wf.step("pay", [&] {
                if (!is_repaired)
                    throw tasker::permanent_error{"no money"};
            });
            co_return "booked";
        });
        tasker::testing::simulation sim{support::crash_options([data = tasker::memory_store{}] { return tasker::any_store{data}; })};
        auto const id = sim.submit(flow, "Rome");
        for (std::size_t at = 0; at < handlers && sim.step(sim.now() + 3h); ++at)
            ;
        sim.crash(5h);
        sim.finish(id);
        auto report = sim.report(id);
        CHECK(report.state == tasker::task_state::error);
        CHECK(report.what == "step \"pay\" failed after 1 attempt: no money");
        done.erase(std::unique(done.begin(), done.end()), done.end()); // a body that ran when the process died runs again
        CHECK(done == std::vector<std::string>{"flight", "hotel"});
        is_repaired = true;
        sim.await(sim.engine().retry(id));
        sim.finish(id);
        CHECK(sim.report(id).result<std::string>() == "booked");
    }
}

TEST_CASE("a cancelled coroutine undoes what it did before its task ends as cancelled")
{
    support::on_each_store([](support::store_opener const& open) {
        for (bool const crashes : {false, true}) {
            int undone = 0;
            auto const flow = named("saga", [&](workflow_context& wf) -> asio::awaitable<void> {
                co_await wf.step("book", [] {});
                wf.compensate("book", [&undone](step_context& s) -> asio::awaitable<void> {
                    co_await s.sleep_for(1h);
                    ++undone;
                });
                try {
                    co_await wf.sleep("long", 24h);
                } catch (tasker::step_error const&) { // does not help
                }
                co_await wf.step("never", [] {});
            });
            tasker::testing::simulation sim{support::crash_options(open)};
            auto const id = sim.submit(flow);
            sim.advance(1h);
            sim.await(sim.engine().cancel(id, "changed my mind"));
            sim.advance(1min);
            if (crashes)
                sim.crash(5h);
            sim.finish(id);
            auto const report = sim.report(id);
            CHECK(report.state == tasker::task_state::cancelled);
            CHECK(report.what == "it was cancelled: changed my mind");
            CHECK(undone == 1);
            CHECK(report.step("undo:book").state() == tasker::step_state::complete);
            CHECK_THROWS_AS(report.step("never"), std::out_of_range);
        }
    });
}

TEST_CASE("a loop without an end starts anew with another input, and keeps no checkpoint")
{
    auto const send = [](tasker::testing::simulation& sim, tasker::task_id id) {
        for (int each = 1; each <= 3; ++each)
            sim.await(sim.engine().send(id, "number", each, {.key = std::string_view{"abc"}.substr(static_cast<std::size_t>(each) - 1, 1)}));
    };
    auto const flow = named("loop", [](workflow_context& wf, std::vector<int> const& seen) -> asio::awaitable<std::vector<int>> {
        auto next = seen;
        next.push_back(co_await wf.receive<int>("number"));
        co_await wf.sleep("rest", 1h);
        if (next.size() < 3)
            wf.continue_as_new(next);
        co_return next;
    });
    survives_everywhere(flow, std::vector<int>{}, "[1,2,3]", {.beside = send, .rounds = 3});
    support::on_each_store([&](tasker::testing::simulation& sim) {
        auto const id = sim.submit(flow, std::vector<int>{});
        send(sim, id);
        sim.finish(id);
        auto const stored = *sim.await(sim.engine().load(id));
        CHECK(stored.task.input == tasker::payload{"[1,2]"});
        CHECK(stored.steps.size() == 3);
        CHECK(stored.messages.empty());
    });
}

TEST_CASE("coroutines send messages to other tasks, each once")
{
    auto const echo = named("echo", [](workflow_context& wf, std::string const& to) -> asio::awaitable<void> {
        for (int each = 1; each <= 3; ++each)
            wf.send(*tasker::parse_id<tasker::task_id>(to), "echo", each);
        co_await wf.sleep("rest", 1h);
        wf.send(*tasker::parse_id<tasker::task_id>(to), "echo", 4);
    });
    survives_everywhere(named("ask", [](workflow_context& wf) -> asio::awaitable<std::vector<int>> {
                            co_await wf.start("echo", "test/echo", to_text(wf.task()));
                            std::vector<int> heard;
                            for (int each = 0; each < 4; ++each)
                                heard.push_back(co_await wf.receive<int>("echo"));
                            try {
                                co_await wf.receive<int>("echo", {.timeout = 9h});
                                heard.push_back(0);
                            } catch (tasker::receive_timeout const&) {
                            }
                            co_return heard;
                        }), tasker::payload{}, "[1,2,3,4]", {.others = {echo}});
}

TEST_CASE("a task is forked from any of its checkpoints, and the fork goes on from there alone")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        int first = 0;
        int second = 0;
        auto const flow = named("forked", [&](workflow_context& wf) -> asio::awaitable<std::vector<int>> {
            std::vector<int> told;
            told.push_back(co_await wf.step("first", [&] { return ++first; }));
            co_await wf.sleep("rest", 1h);
            told.push_back(co_await wf.step("second", [&] { return ++second; }));
            co_return told;
        });
        auto const original = sim.run(flow);
        auto const forked = sim.await(sim.engine().fork(original.id, "second")).id();
        sim.finish(forked);
        CHECK(sim.report(forked).result<std::vector<int>>() == std::vector<int>{1, 2});
        CHECK(sim.report(forked).elapsed == 0s);
        CHECK(sim.report(original.id).result<std::vector<int>>() == std::vector<int>{1, 1});
        auto const anew = sim.await(sim.engine().fork(original.id, "first")).id();
        sim.finish(anew);
        CHECK(sim.report(anew).result<std::vector<int>>() == std::vector<int>{2, 3});
        CHECK(support::refused([&] { sim.await(sim.engine().fork(original.id, "third")); }).code == tasker::errc::unknown_step);
        CHECK(support::refused([&] { sim.await(sim.engine().fork({1, 2}, "first")); }).code == tasker::errc::unknown_task);
    });
}

TEST_CASE("an attempt that is out of time ends before its coroutine goes on")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const report = sim.run(named("late", [](workflow_context& wf) -> asio::awaitable<bool> {
            bool has_ended = false;
            {
                struct ending {
                    bool& told;
                    ~ending() { told = true; }
                };
                try {
                    co_await wf.step("slow", [&](step_context& s) -> asio::awaitable<void> {
                        ending const at_end{has_ended};
                        co_await s.sleep_for(1h);
                    }, {.retry = once, .timeout = 5s});
                } catch (tasker::step_error const&) {
                }
            }
            co_return has_ended;
        }));
        CHECK(report.result<bool>());
        CHECK(report.elapsed == 5s);
        CHECK(report.step("slow").record.last_failure->kind == tasker::failure_kind::timeout);
    });
}

TEST_CASE("a second cancel waits, too, until what was done is undone")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        int undone = 0;
        auto const flow = named("patient", [&undone](workflow_context& wf) -> asio::awaitable<void> {
            wf.compensate("slowly", [&undone](step_context& s) -> asio::awaitable<void> {
                co_await s.sleep_for(1h);
                ++undone;
            });
            co_await wf.sleep("long", 24h);
        });
        auto const id = sim.submit(flow);
        sim.advance(1min);
        sim.await(sim.engine().cancel(id, "first"));
        sim.advance(10min);
        sim.await(sim.engine().cancel(id, "second"));
        sim.finish(id);
        CHECK(undone == 1);
        CHECK(sim.report(id).state == tasker::task_state::cancelled);
    });
}

TEST_CASE("a map whose name cannot be recorded is refused to the coroutine, which may go on")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const report = sim.run(named("refused", [](workflow_context& wf) -> asio::awaitable<std::string> {
            std::vector<int> const items{1, 2, 3};
            try {
                co_await wf.map("a#b", items, [](int n) { return n; });
            } catch (tasker::error const& problem) {
                co_return problem.code() == tasker::errc::invalid_definition ? "refused" : "?";
            }
            co_return "taken";
        }));
        CHECK(report.result<std::string>() == "refused");
    });
}

TEST_CASE("what starts anew starts children and sends messages of its own, each once")
{
    tasker::workflow const parent = named("rounds", [](workflow_context& wf, int const& round) -> asio::awaitable<int> {
        int const twice = co_await wf.child<int>("twice", "test/double", round);
        if (round < 3)
            wf.continue_as_new(round + 1);
        co_return twice;
    });
    survives_everywhere(parent, 1, "6", {.others = {doubling_graph()}, .rounds = 3});
}

TEST_CASE("a branch beside others can start its task anew, whichever stands first")
{
    survives_everywhere(named("beside", [](workflow_context& wf, int const& round) -> asio::awaitable<int> {
                            auto const renew = [&wf, &round]() -> asio::awaitable<void> {
                                co_await wf.sleep("a moment", 1s);
                                if (round < 2)
                                    wf.continue_as_new(round + 1);
                            };
                            co_await (wf.sleep("left", 1h) && renew());
                            co_return round;
                        }), 1, "2", {.rounds = 2});
}

TEST_CASE("a failure is retried though a branch beside it ended well after it")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        bool is_mended = false;
        auto const flow = named("beside", [&is_mended](workflow_context& wf) -> asio::awaitable<int> {
            auto const both = co_await (wf.step("fails", [&](step_context& s) -> asio::awaitable<int> {
                co_await s.sleep_for(1s);
                if (!is_mended)
                    throw tasker::permanent_error{"broken"};
                co_return 1;
            }) && wf.step("deaf", [](step_context& s) -> asio::awaitable<int> {
                try {
                    co_await s.sleep_for(1min);
                } catch (boost::system::system_error const&) { // told to stop, and does not
                }
                co_return 2;
            }));
            co_return std::get<0>(both) + std::get<1>(both);
        });
        auto const id = sim.submit(flow);
        sim.finish(id);
        REQUIRE(sim.report(id).state == tasker::task_state::error);
        is_mended = true;
        sim.await(sim.engine().retry(id));
        sim.finish(id);
        CHECK(sim.report(id).state == tasker::task_state::complete);
        CHECK(sim.report(id).result<int>() == 3);
    });
}

TEST_CASE("a body uses only such random numbers as the task keeps, whatever crashes")
{
    tasker::memory_store const data;
    std::vector<std::string> used;
    auto const flow = named("drawn", [&used](workflow_context& wf) -> asio::awaitable<std::string> {
        std::string const key = wf.uuid();
        co_await wf.step("charge", [&](step_context& s) -> asio::awaitable<void> {
            used.push_back(key);
            co_await s.sleep_for(1min);
        });
        co_return key;
    });
    auto options = support::crash_options([data] { return tasker::any_store{data}; });
    tasker::testing::simulation sim{std::move(options)};
    auto const id = sim.submit(flow);
    while (used.empty())
        REQUIRE(sim.step(sim.now() + 1min));
    sim.crash(4h + 1s);
    sim.finish(id);
    REQUIRE(used.size() == 2);
    CHECK(used[0] == used[1]);
    CHECK(sim.report(id).result<std::string>() == used[0]);
}

TEST_CASE("a fork between a start and its join has children of its own, or hears how the original's ended")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        sim.add(doubling_graph());
        sim.add(sleeping("rest"));
        auto const flow = named("parent", [](workflow_context& wf) -> asio::awaitable<std::string> {
            auto const quick = co_await wf.start("quick", "test/double", 4);
            auto const slow = co_await wf.start("slow", "test/rest", tasker::payload{});
            co_await wf.sleep("rest", 2h);
            co_await wf.step("between", [] {});
            std::string const both = std::to_string(co_await wf.join<int>("quick", quick));
            co_return both + co_await wf.join<std::string>("slow", slow);
        });
        auto const id = sim.submit(flow);
        sim.advance(3h); // the quick child has ended by then
        auto const forked = sim.await(sim.engine().fork(id, "between")).id();
        auto const given_up = sim.await(sim.engine().fork(id, "between")).id();
        sim.advance(1h);
        CHECK(sim.await(sim.engine().find({.name = "rest"})).size() == 3);
        CHECK(sim.await(sim.engine().find({.name = "double"})).size() == 1);
        sim.await(sim.engine().cancel(given_up, "no more"));
        sim.settle();
        std::map<std::string, int> states;
        for (auto const& one : sim.await(sim.engine().find({.name = "rest"})))
            ++states[std::string{name(one.state)}];
        CHECK(states == std::map<std::string, int>{{"pending", 2}, {"cancelled", 1}});
        sim.finish(id);
        CHECK(sim.report(id).result<std::string>() == "8rested");
        sim.finish(forked);
        CHECK(sim.report(forked).result<std::string>() == "8rested");
        CHECK(sim.report(forked).elapsed == 20h);
    });
}

TEST_CASE("a fork amid branches has drawn what the branches beside had drawn by then, and nothing later")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const flow = named("beside", [](workflow_context& wf) -> asio::awaitable<std::vector<std::string>> {
            std::vector<std::string> drawn{wf.uuid("first")};
            auto const branch = [&]() -> asio::awaitable<void> {
                drawn.push_back(wf.uuid("beside"));
                co_await wf.step("quick", [] {});
                drawn.push_back(wf.uuid("between"));
            };
            co_await (wf.sleep("slow", 1h) && branch());
            drawn.push_back(wf.uuid("last"));
            co_return drawn;
        });
        using texts = std::vector<std::string>;
        auto const original = sim.run(flow);
        auto const drawn = original.result<texts>();
        auto const drawn_by_fork = [&](std::string_view from) {
            auto const forked = sim.await(sim.engine().fork(original.id, from)).id();
            sim.finish(forked);
            return sim.report(forked).result<texts>();
        };
        auto const late = drawn_by_fork("sleep:slow");
        CHECK(texts(late.begin(), late.begin() + 3) == texts(drawn.begin(), drawn.begin() + 3));
        CHECK(late[3] != drawn[3]);
        auto const early = drawn_by_fork("quick");
        CHECK(texts(early.begin(), early.begin() + 2) == texts(drawn.begin(), drawn.begin() + 2));
        CHECK(early[2] != drawn[2]);
        auto const amid = drawn_by_fork("uuid:beside");
        CHECK(amid[0] == drawn[0]);
        CHECK(amid[1] != drawn[1]);
    });
}

TEST_CASE("the error of a task names the branch that failed, not one that was stopped because of it")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const what_of = [&](std::string const& version, bool throws_itself) {
            return sim.run(coroutine_workflow("test", "branches", version, [throws_itself](workflow_context& wf) -> asio::awaitable<void> {
                try {
                    co_await wf.step("caught", [] { throw tasker::permanent_error{"never mind"}; });
                } catch (tasker::step_error const&) {
                }
                auto const right = [&]() -> asio::awaitable<void> {
                    co_await wf.sleep("a moment", 1s);
                    if (throws_itself)
                        throw std::runtime_error{"boom"};
                    co_await wf.step("right", [] { throw tasker::permanent_error{"broken"}; });
                };
                co_await (wf.sleep("left", 1h) && (wf.sleep("middle", 1h) && right()));
            })).what;
        };
        CHECK(what_of("1.0.0", false) == "step \"right\" failed after 1 attempt: broken");
        CHECK(what_of("1.0.1", true) == "step \"sleep:left\" was cancelled because a branch beside it ended by an exception of its own");
    });
}

TEST_CASE("messages with names that are the library's own, or with keys of more than 512 bytes, are refused")
{
    tasker::testing::simulation sim;
    auto const id = sim.submit(sleeping("rest"));
    std::string const key(513, 'k');
    auto const too_long = support::refused([&] { sim.await(sim.engine().send(id, "hello", 1, {.key = key})); });
    CHECK(too_long.code == tasker::errc::invalid_input);
    CHECK(too_long.what == "the message's key is 513 bytes long, and at most 512 are allowed; use a hash of it");
    CHECK_NOTHROW(sim.await(sim.engine().send(id, "hello", 1, {.key = std::string_view{key}.substr(1)})));
    CHECK(support::refused([&] { sim.await(sim.engine().send(id, "~cancel", 1)); }).code == tasker::errc::invalid_input);
    CHECK(support::refused([&] { sim.await(sim.engine().task(id).send("~cancel", 1)); }).code == tasker::errc::invalid_input);
    auto const report = sim.run(named("sender", [id](workflow_context& wf) -> asio::awaitable<void> {
        wf.send(id, "~cancel", 1);
        co_return;
    }));
    CHECK(report.what == "a message cannot be named \"~cancel\": names that begin with '~' are the library's own");
    sim.finish(id);
    CHECK(sim.report(id).result<std::string>() == "rested");
}

TEST_CASE("a handle sends messages to its task")
{
    tasker::testing::simulation sim;
    tasker::submit_options options;
    sim.add(named("hears", [](workflow_context& wf) -> asio::awaitable<int> { co_return co_await wf.receive<int>("number") + co_await wf.receive<int>("number"); }));
    auto const task = sim.await(sim.engine().submit("test/hears", options));
    for (int const each : {20, 22})
        sim.await(task.send("number", each, {.key = each == 20 ? "a" : "b"}));
    sim.finish(task.id());
    CHECK(sim.report(task.id()).result<int>() == 42);
}

TEST_CASE("a cancel reaches a child that is being started, at whatever moment it comes and whatever crashes then")
{
    for (bool const crashes : {false, true})
        for (bool const undoes : {false, true}) {
            std::size_t started = 0;
            std::size_t cancelled = 0;
            for (std::size_t handlers = 1; handlers < 25; ++handlers) {
                INFO("cancelled after handler " << handlers << (crashes ? ", then a crash" : "") << (undoes ? ", with something to undo" : ""));
                auto options = support::crash_options([data = tasker::memory_store{}] { return tasker::any_store{data}; });
                options.engine.max_journal_records = 1;
                tasker::testing::simulation sim{std::move(options)};
                sim.add(sleeping("rest"));
                auto const id = sim.submit(named("parent", [undoes](workflow_context& wf) -> asio::awaitable<void> {
                    if (undoes)
                        wf.compensate("nothing", [] {});
                    co_await (wf.child<std::string>("one", "test/rest", tasker::payload{}) && wf.start("two", "test/rest", tasker::payload{}));
                }));
                for (std::size_t at = 0; at < handlers && sim.step(sim.now() + 1min); ++at)
                    ;
                bool is_told = false;
                asio::co_spawn(sim.engine().get_executor(), sim.engine().cancel(id, "no more"), [&](std::exception_ptr problem) { is_told = !problem; });
                for (int at = 0; crashes && at < 2; ++at)
                    sim.step(sim.now() + 1min);
                if (crashes)
                    sim.crash(4h + 1s);
                sim.settle();
                sim.advance(1h);
                auto const parent = sim.await(sim.engine().load(id))->task.state;
                if (!crashes) {
                    REQUIRE(is_told);
                    REQUIRE(parent == tasker::task_state::cancelled);
                }
                cancelled += parent == tasker::task_state::cancelled ? 1U : 0U;
                for (auto const& one : sim.await(sim.engine().find({.name = "rest"}))) {
                    ++started;
                    if (parent == tasker::task_state::cancelled)
                        REQUIRE(one.state == tasker::task_state::cancelled);
                }
            }
            CHECK(started > 0);
            CHECK(cancelled > 0);
        }
}

TEST_CASE("cancelling a task in error cancels the children that it had started, unless they are detached")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        sim.add(sleeping("rest"));
        sim.add(sleeping("free"));
        auto const report = sim.run(named("parent", [](workflow_context& wf) -> asio::awaitable<void> {
            co_await wf.start("kept", "test/free", tasker::payload{}, {.detached = true});
            co_await wf.start("stopped", "test/rest", tasker::payload{});
            co_await wf.step("fails", [] { throw tasker::permanent_error{"broken"}; });
        }));
        REQUIRE(report.state == tasker::task_state::error);
        sim.await(sim.engine().cancel(report.id, "no more"));
        sim.settle();
        CHECK(sim.await(sim.engine().find({.name = "rest"})).front().state == tasker::task_state::cancelled);
        CHECK(sim.await(sim.engine().find({.name = "free"})).front().state != tasker::task_state::cancelled);
    });
}

TEST_CASE("a child that loses a race while it is being started is cancelled")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        sim.add(sleeping("rest"));
        auto const report = sim.run(named("parent", [](workflow_context& wf) -> asio::awaitable<std::size_t> {
            auto const won = co_await (wf.step("at once", [] {}) || wf.child<std::string>("slow", "test/rest", tasker::payload{}));
            co_return won.index();
        }));
        CHECK(report.result<std::size_t>() == 0);
        sim.settle();
        for (auto const& one : sim.await(sim.engine().find({.name = "rest"})))
            CHECK(one.state == tasker::task_state::cancelled);
    });
}

TEST_CASE("a step whose failure the coroutine was told of cannot be reset or resolved any more, one that ended the task can")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        bool works = false;
        auto const id = sim.submit(named("told", [&works](workflow_context& wf) -> asio::awaitable<int> {
            try {
                co_await wf.step("caught", [] { throw tasker::permanent_error{"never mind"}; });
            } catch (tasker::step_error const&) {
            }
            static_cast<void>(wf.uuid());
            co_await wf.sleep("rest", 30s);
            auto const both = co_await (wf.sleep("stopped", 1h) && wf.step("breaks", [&] {
                if (!works)
                    throw tasker::permanent_error{"broken"};
                return 7;
            }));
            co_return both;
        }));
        sim.advance(10s);
        auto const refusal = support::refused([&] { sim.await(sim.engine().reset_step(id, "caught")); });
        CHECK(refusal.code == tasker::errc::illegal_transition);
        CHECK(refusal.what.find("the coroutine has been told already that step \"caught\" is error") != std::string::npos);
        CHECK(support::refused([&] { sim.await(sim.engine().resolve_step(id, "caught", 1)); }).code == tasker::errc::illegal_transition);
        sim.finish(id);
        REQUIRE(sim.report(id).state == tasker::task_state::error);
        CHECK(support::refused([&] { sim.await(sim.engine().reset_step(id, "caught")); }).code == tasker::errc::illegal_transition);
        works = true;
        sim.await(sim.engine().reset_step(id, "breaks"));
        sim.finish(id);
        CHECK(sim.report(id).result<int>() == 7);
    });
}

TEST_CASE("a retry runs a failed step again whatever the coroutine drew before it gave up, and draws that anew")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        bool works = false;
        auto const report = sim.run(named("tells", [&works](workflow_context& wf) -> asio::awaitable<int> {
            try {
                co_return co_await (wf.step("breaks", [&] {
                    if (!works)
                        throw tasker::permanent_error{"broken"};
                    return 7;
                }));
            } catch (tasker::step_error const&) {
                wf.set_value("status", "failed " + wf.uuid());
                throw;
            }
        }));
        REQUIRE(report.state == tasker::task_state::error);
        bool const by_step = GENERATE(false, true);
        works = true;
        sim.await(by_step ? sim.engine().reset_step(report.id, "breaks") : sim.engine().retry(report.id));
        sim.finish(report.id);
        CHECK(sim.report(report.id).result<int>() == 7);
    });
}

TEST_CASE("a fork bears no child anew that its coroutine was done with")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        int fallen = 0;
        sim.add(named("falls", [&fallen](workflow_context& wf) -> asio::awaitable<int> {
            co_return co_await (wf.step("falls", [&fallen]() -> int {
                ++fallen;
                throw tasker::permanent_error{"broken"};
            }));
        }));
        sim.add(sleeping("rest"));
        auto const report = sim.run(named("parent", [](workflow_context& wf) -> asio::awaitable<std::string> {
            try {
                co_await wf.child<int>("fails", "test/falls", tasker::payload{});
            } catch (tasker::step_error const&) {
            }
            auto const won = co_await (wf.sleep("limit", 1min) || wf.child<std::string>("slow", "test/rest", tasker::payload{}));
            co_await wf.step("fallback", [] {});
            co_return std::to_string(won.index());
        }));
        REQUIRE(report.result<std::string>() == "0");
        auto const forked = sim.await(sim.engine().fork(report.id, "fallback")).id();
        sim.finish(forked);
        CHECK(sim.report(forked).result<std::string>() == "0");
        sim.advance(48h);
        CHECK(fallen == 1);
        CHECK(sim.await(sim.engine().find({.name = "falls"})).size() == 1);
        CHECK(sim.await(sim.engine().find({.name = "rest"})).size() == 1);
    });
}

TEST_CASE("a task whose child was resolved with something else is cancelled nevertheless")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const report = sim.run(named("parent", [](workflow_context& wf) -> asio::awaitable<void> {
            co_await wf.start("kid", "test/nobody-knows-it", tasker::payload{});
        }));
        REQUIRE(report.state == tasker::task_state::error);
        sim.await(sim.engine().resolve_step(report.id, "child:kid", 1));
        sim.finish(report.id);
        REQUIRE(sim.report(report.id).state == tasker::task_state::error);
        sim.await(sim.engine().cancel(report.id, "no more"));
        CHECK(sim.report(report.id).state == tasker::task_state::cancelled);
    });
}
