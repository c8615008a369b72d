#include "support/coroutine_runs.hpp"
#include "support/refusal.hpp"

#include <tasker/flow/workflow_builder.hpp>

#include <random>
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
            }));
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
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        INFO("seed " << seed);
        tasker::testing::simulation sim;
        sim.add(doubling_graph());
        auto const calm = sim.run(flow, seed);
        REQUIRE(calm.state == tasker::task_state::complete);
        survives_everywhere(flow, seed, std::string{calm.output.text()}, {.others = {doubling_graph()}, .elsewhere = seed <= 2 ? 11U : 0U});
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
