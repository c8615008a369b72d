#include "support/coroutine_runs.hpp"
#include "support/refusal.hpp"

#include <tasker/flow/diagram.hpp>
#include <tasker/flow/workflow_builder.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <map>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using support::survives_everywhere;
using tasker::coroutine_workflow;
using tasker::step_context;
using tasker::workflow_context;

namespace {

constexpr tasker::retry_policy thrice{.max_attempts = 3, .backoff = tasker::exponential{.initial = 200ms, .factor = 2.0, .cap = 30s}, .jitter = tasker::jitter::none};

constexpr tasker::step_options quick{.durability = tasker::durability::volatile_};

template <class Coroutine>
tasker::workflow named(Coroutine coroutine, std::string version = "1.0.0")
{
    return coroutine_workflow("test", "program", std::move(version), std::move(coroutine));
}

std::string one_reason(tasker::testing::simulation& sim, tasker::task_id id)
{
    std::string text;
    for (auto const& one : sim.await(sim.engine().why(id)))
        text += one.text + '\n';
    return text;
}

} // namespace

TEST_CASE("a coroutine's steps are retried, timed and told like those of a graph")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        int calls = 0;
        auto const report = sim.run(named([&calls](workflow_context& wf, int const& n) -> asio::awaitable<int> {
                                        int const more = co_await wf.step("flaky", [&](step_context& s) {
                                            ++calls;
                                            if (s.attempt() < 3)
                                                throw tasker::transient_error{"not yet"};
                                            return n + s.attempt();
                                        }, {.retry = thrice});
                                        co_await wf.sleep("rest", 24h);
                                        co_return co_await wf.step("slow", [&](step_context& s) -> asio::awaitable<int> {
                                            co_await s.sleep_for(2s);
                                            co_return more * 2;
                                        });
                                    }), 4);
        CHECK(report.state == tasker::task_state::complete);
        CHECK(report.result<int>() == 14);
        CHECK(report.elapsed == 200ms + 400ms + 24h + 2s); // exact: a sleep has no buffer
        CHECK(calls == 3);
        CHECK(report.step("flaky").attempts() == 3);
        CHECK(report.count<tasker::step_failed>() == 2);
        CHECK(report.count<tasker::task_completed>() == 1);
    });
}

TEST_CASE("a coroutine goes on after a crash at any moment, and no checkpoint is recorded twice")
{
    survives_everywhere(named([](workflow_context& wf, int const& n) -> asio::awaitable<std::string> {
                            std::string const id = wf.uuid();
                            auto const at = wf.now();
                            int const first = co_await wf.step("first", [&] { return n + 1; });
                            double const luck = wf.random();
                            wf.set_value("progress", first);
                            std::string const inner = wf.uuid("inner");
                            std::string const same = co_await wf.step("same", [&] { return inner + id; });
                            for (int round = 0; round < 3; ++round)
                                co_await wf.sleep("rest", round == 1 ? 2h : 1s);
                            bool const alike = same == inner + id && luck >= 0 && luck < 1 && wf.now() - at >= 2h + 2s;
                            co_return std::to_string(first) + (alike ? " alike" : " changed");
                        }), 1, R"("2 alike")");
}

TEST_CASE("branches side by side end alike after a crash at any moment")
{
    survives_everywhere(named([](workflow_context& wf) -> asio::awaitable<std::string> {
                            auto const wait_then = [&wf](std::string name, tasker::duration length) -> asio::awaitable<std::string> {
                                co_await wf.sleep(name, length);
                                co_return co_await wf.step("after", [&] { return name; });
                            };
                            auto const [a, b] = co_await (wait_then("a", 2s) && wait_then("b", 1s));
                            auto const won = co_await (wait_then("slow", 2h) || wait_then("quick", 1h));
                            auto const tied = co_await (wf.step("left", [] { return 1; }) || wf.step("right", [] { return 2; }));
                            co_return a + b + std::to_string(won.index()) + std::to_string(tied.index());
                        }), tasker::payload{}, R"("ab10")");
}

TEST_CASE("the loser of two branches is recorded as cancelled")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const report = sim.run(named([](workflow_context& wf) -> asio::awaitable<std::size_t> {
            auto const won = co_await (wf.step("long", [](step_context& s) -> asio::awaitable<int> {
                co_await s.sleep_for(1h);
                co_return 1;
            }) || wf.sleep("short", 5s) || wf.sleep("never", 10h));
            co_return won.index();
        }));
        CHECK(report.elapsed == 5s);
        CHECK(report.step("long").state() == tasker::step_state::cancelled);
        CHECK(report.step("sleep:never").state() == tasker::step_state::cancelled);
        CHECK(report.step("sleep:short").state() == tasker::step_state::complete);
    });
}

TEST_CASE("a step that failed for good is thrown into the coroutine, which may go on")
{
    survives_everywhere(named([](workflow_context& wf) -> asio::awaitable<std::string> {
                            std::string told;
                            try {
                                co_await wf.step("bad", [] { throw tasker::permanent_error{"no"}; });
                            } catch (tasker::step_error const& failed) {
                                told = failed.what();
                            }
                            co_await wf.sleep("rest", 2h);
                            co_return told + co_await wf.step("good", [] { return std::string{" yes"}; });
                        }), tasker::payload{}, R"("step \"bad\" failed after 1 attempt: no yes")");
}

TEST_CASE("a coroutine that throws fails its task, and a retry runs the failed step again, and nothing before it")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        int before = 0;
        bool works = false;
        auto const flow = named([&](workflow_context& wf) -> asio::awaitable<int> {
            co_await wf.step("before", [&] { ++before; });
            co_return co_await (wf.step("breaks", [&] {
                if (!works)
                    throw tasker::permanent_error{"broken"};
                return 7;
            }));
        });
        auto const failed = sim.run(flow);
        CHECK(failed.state == tasker::task_state::error);
        CHECK(failed.what == "step \"breaks\" failed after 1 attempt: broken");
        works = true;
        sim.await(sim.engine().retry(failed.id));
        sim.finish(failed.id);
        CHECK(sim.report(failed.id).result<int>() == 7);
        CHECK(before == 1);
    });
}

TEST_CASE("a retry runs what failed and what was stopped because of that again, and no failure that the coroutine got over")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        int caught = 0;
        bool works = false;
        auto const report = sim.run(named([&](workflow_context& wf) -> asio::awaitable<int> {
            try {
                co_await wf.step("caught", [&] {
                    ++caught;
                    throw tasker::permanent_error{"never mind"};
                });
            } catch (tasker::step_error const&) {
            }
            co_await wf.step("between", [] {});
            auto const [stopped, broken] = co_await (wf.step("stopped", [](step_context& s) -> asio::awaitable<int> {
                co_await s.sleep_for(1h);
                co_return 1;
            }) && wf.step("broken", [&] {
                if (!works)
                    throw tasker::permanent_error{"broken"};
                return 2;
            }));
            co_return stopped + broken;
        }));
        CHECK(report.state == tasker::task_state::error);
        CHECK(report.step("stopped").state() == tasker::step_state::cancelled);
        works = true;
        sim.await(sim.engine().retry(report.id));
        sim.finish(report.id);
        CHECK(sim.report(report.id).result<int>() == 3);
        CHECK(caught == 1);
    });
}

TEST_CASE("any number of branches are awaited side by side, all of them or the first")
{
    survives_everywhere(named([](workflow_context& wf) -> asio::awaitable<std::string> {
                            auto const wait = [&wf](int hours) -> asio::awaitable<std::string> {
                                co_await wf.sleep("rest", std::chrono::hours{hours});
                                co_return std::to_string(hours);
                            };
                            std::vector<asio::awaitable<std::string>> all;
                            std::vector<asio::awaitable<std::string>> race;
                            std::vector<asio::awaitable<void>> none;
                            for (int const hours : {3, 1, 2}) {
                                all.push_back(wait(hours));
                                race.push_back(wait(hours * 5));
                            }
                            std::string text;
                            for (std::string const& one : co_await wf.all_of(std::move(all)))
                                text += one;
                            co_await wf.all_of(std::move(none));
                            auto const [place, won] = co_await wf.first_of(std::move(race));
                            co_return text + " " + std::to_string(place) + won;
                        }), tasker::payload{}, R"("312 15")");
}

TEST_CASE("a map runs a step for each item of a list, so many at a time")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const report = sim.run(named([](workflow_context& wf, int const& n) -> asio::awaitable<int> {
                                        std::vector<int> items;
                                        for (int each = 0; each < n; ++each)
                                            items.push_back(each);
                                        auto const squares = co_await wf.map("square", items, [](step_context& s, int item) -> asio::awaitable<int> {
                                            co_await s.sleep_for(1s);
                                            co_return item * item;
                                        }, {.concurrency = 4});
                                        int sum = 0;
                                        for (int const one : squares)
                                            sum += one;
                                        co_return sum;
                                    }), 10);
        CHECK(report.result<int>() == 285);
        CHECK(report.elapsed == 3s);
        CHECK(report.step("square[9]").result<int>() == 81);
    });
    survives_everywhere(named([](workflow_context& wf) -> asio::awaitable<std::vector<int>> {
                            std::vector<int> const items{3, 1, 2};
                            std::vector<int> const none;
                            co_await wf.map("nothing", none, [](int) {});
                            co_return co_await wf.map("twice", items, [](int item) { return 2 * item; }, {.concurrency = 2});
                        }), tasker::payload{}, "[6,2,4]");
}

TEST_CASE("a failed item of a map cancels the others and is thrown")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const report = sim.run(named([](workflow_context& wf) -> asio::awaitable<void> {
            std::vector<int> const items{0, 1, 2};
            co_await wf.map("item", items, [](step_context& s, int item) -> asio::awaitable<void> {
                if (item == 1)
                    throw tasker::permanent_error{"one is bad"};
                co_await s.sleep_for(1h);
            });
        }));
        CHECK(report.state == tasker::task_state::error);
        CHECK(report.what == "step \"item[1]\" failed after 1 attempt: one is bad");
        CHECK(report.elapsed == 0s);
        CHECK(report.step("item[2]").state() == tasker::step_state::cancelled);
    });
}

TEST_CASE("messages are received in order, each once, before or after they are waited for")
{
    auto const send = [](tasker::testing::simulation& sim, tasker::task_id id) {
        for (int const each : {1, 2, 2, 3})
            sim.await(sim.engine().send(id, "number", each, {.key = each == 1 ? "one" : each == 2 ? "two" : "three"}));
        sim.await(sim.engine().send(id, "other", std::string{"x"}));
    };
    survives_everywhere(named([](workflow_context& wf) -> asio::awaitable<std::string> {
                            std::string text = co_await wf.receive<std::string>("other");
                            for (int round = 0; round < 3; ++round)
                                text += std::to_string(co_await wf.receive<int>("number"));
                            try {
                                co_await wf.receive<int>("number", {.timeout = 3h});
                            } catch (tasker::receive_timeout const& late) {
                                text += late.what();
                            }
                            co_return text;
                        }), tasker::payload{}, R"("x123no message \"number\" came in time")", {.beside = send});
}

TEST_CASE("a task that waits for a message leaves memory, says so, and goes on when it comes")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const flow = named([](workflow_context& wf) -> asio::awaitable<std::string> {
            std::string const by = co_await wf.receive<std::string>("approval", {.timeout = 72h});
            co_await wf.sleep("cool-off", 24h);
            co_return by;
        });
        auto const id = sim.submit(flow);
        sim.advance(1h);
        auto const parked = sim.await(sim.engine().load(id));
        CHECK(!parked->task.worker);
        CHECK(parked->task.state == tasker::task_state::pending);
        CHECK(one_reason(sim, id).starts_with("step \"receive:approval\" waits until "));
        sim.await(sim.engine().send(id, "approval", "Zoë"));
        CHECK(one_reason(sim, id).starts_with("step \"sleep:cool-off\" waits until "));
        sim.finish(id);
        auto const report = sim.report(id);
        CHECK(report.result<std::string>() == "Zoë");
        CHECK(report.elapsed == 25h);
        CHECK(support::refused([&] { sim.await(sim.engine().send(id, "approval", 1)); }).code == tasker::errc::illegal_transition);
        CHECK(support::refused([&] { sim.await(sim.engine().send({1, 1}, "approval", 1)); }).code == tasker::errc::unknown_task);
    });
}

TEST_CASE("a coroutine whose code has changed stops at the first checkpoint that differs, and goes on when the code fits again")
{
    support::on_each_store([](support::store_opener const& open) {
        int charged = 0;
        auto const version_of = [&charged](bool is_changed) {
            return named([&charged, is_changed](workflow_context& wf) -> asio::awaitable<int> {
                co_await wf.step(is_changed ? "bill" : "charge", [&] { ++charged; });
                co_await wf.sleep("rest", 2h);
                co_return co_await wf.step("ship", [] { return 1; });
            });
        };
        tasker::task_id id;
        tasker::task_id other;
        {
            tasker::testing::simulation sim{support::crash_options(open)};
            id = sim.submit(version_of(false));
            sim.advance(1h);
        }
        tasker::task_snapshot before;
        {
            tasker::testing::simulation sim{support::crash_options(open)};
            sim.advance(90min);
            before = *sim.await(sim.engine().load(id));
            sim.add(version_of(true));
            other = sim.submit(version_of(true));
            sim.advance(3h);
            auto const stopped = sim.report(id);
            CHECK(stopped.state == tasker::task_state::error);
            CHECK(stopped.what.starts_with("the code of the workflow has changed: where this task recorded \"charge\", it now asks for \"bill\""));
            CHECK(sim.report(other).state == tasker::task_state::complete);
            auto const after = *sim.await(sim.engine().load(id));
            CHECK(after.steps == before.steps);
        }
        CHECK(charged == 2);
        tasker::testing::simulation sim{support::crash_options(open)};
        sim.advance(7h);
        sim.add(version_of(false));
        sim.await(sim.engine().retry(id));
        sim.finish(id);
        CHECK(sim.report(id).result<int>() == 1);
        CHECK(charged == 2);
    });
}

TEST_CASE("a coroutine that ends earlier than it is recorded has changed")
{
    support::on_each_store([](support::store_opener const& open) {
        auto const version_of = [](bool is_changed) {
            return named([is_changed](workflow_context& wf) -> asio::awaitable<void> {
                co_await wf.step("charge", [] {});
                if (!is_changed)
                    co_await wf.sleep("rest", 2h);
            });
        };
        tasker::task_id id;
        {
            tasker::testing::simulation sim{support::crash_options(open)};
            id = sim.submit(version_of(false));
            sim.advance(1h);
        }
        tasker::testing::simulation sim{support::crash_options(open)};
        sim.advance(1h);
        sim.add(version_of(true));
        sim.advance(3h);
        CHECK(sim.report(id).what.starts_with("the code of the workflow has changed: where this task recorded \"sleep:rest\", it now ends"));
    });
}

TEST_CASE("running workflows are patched by asking for their version")
{
    support::on_each_store([](support::store_opener const& open) {
        auto const old_code = named([](workflow_context& wf) -> asio::awaitable<std::string> {
            co_await wf.step("charge", [] {});
            co_await wf.sleep("rest", 2h);
            co_return "old";
        });
        auto const new_code = named([](workflow_context& wf) -> asio::awaitable<std::string> {
            int const version = wf.version("bill-first", 1, 2);
            co_await wf.step(version == 1 ? "charge" : "bill", [] {});
            co_await wf.sleep("rest", 2h);
            co_return std::to_string(version);
        });
        tasker::task_id id;
        {
            tasker::testing::simulation sim{support::crash_options(open)};
            id = sim.submit(old_code);
            sim.advance(1h);
        }
        tasker::testing::simulation sim{support::crash_options(open)};
        sim.advance(1h);
        auto const fresh = sim.submit(new_code);
        sim.advance(70min);
        sim.crash(4h + 1s);
        sim.finish(fresh);
        CHECK(sim.report(id).result<std::string>() == "1");
        CHECK(sim.report(fresh).result<std::string>() == "2");
    });
}

TEST_CASE("progress can be read from outside")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const id = sim.submit(named([](workflow_context& wf) -> asio::awaitable<void> {
            for (int percent = 0; percent <= 100; percent += 5) {
                wf.set_value("percent", percent);
                if (percent < 100)
                    co_await wf.sleep("work", 10min);
            }
            CHECK(wf.get_value<int>("percent") == 100);
            CHECK(!wf.get_value<int>("none"));
        }));
        sim.advance(85min);
        CHECK(sim.await(sim.engine().value<int>(id, "percent")) == 40);
        CHECK(!sim.await(sim.engine().value<int>(id, "else")));
        sim.finish(id);
        CHECK(sim.await(sim.engine().value<int>(id, "percent")) == 100);
    });
}

TEST_CASE("cancelling stops a coroutine wherever it is, and destroys its frames")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        struct witness {
            int* alive;
            explicit witness(int& count) : alive{&count} { ++*alive; }
            ~witness() { --*alive; }
        };
        int alive = 0;
        auto const flow = named([&alive](workflow_context& wf, bool const& asleep) -> asio::awaitable<void> {
            witness const here{alive};
            if (asleep)
                co_await (wf.sleep("long", 24h) && wf.receive<int>("never"));
            co_await wf.step("busy", [&](step_context& s) -> asio::awaitable<void> {
                witness const inside{alive};
                co_await s.sleep_for(10h);
            });
        });
        for (bool const asleep : {true, false}) {
            auto const id = sim.submit(flow, asleep);
            sim.advance(10s);
            CHECK(alive == (asleep ? 0 : 2));
            sim.await(sim.engine().cancel(id, "no more"));
            sim.settle();
            CHECK(sim.report(id).state == tasker::task_state::cancelled);
            CHECK(alive == 0);
        }
    });
}

TEST_CASE("a task of a coroutine is shown with the checkpoints it has come to")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const flow = named([](workflow_context& wf) -> asio::awaitable<void> {
            for (int round = 0; round < 2; ++round)
                co_await wf.step("poll", [] { return 5; });
            co_await wf.step("busy", [](step_context& s) -> asio::awaitable<void> { co_await s.sleep_for(10s); });
        });
        auto const id = sim.submit(flow);
        sim.advance(1s);
        CHECK(one_reason(sim, id) == "step \"busy\" is running its attempt 1\n");
        auto const json = sim.await(sim.engine().snapshot_json(id));
        CHECK(json.find(R"("name":"poll#2","state":"complete")") != std::string::npos);
        sim.finish(id);
        auto const drawn = tasker::to_dot(flow, *sim.await(sim.engine().load(id)));
        CHECK(drawn.find("poll#2") != std::string::npos);
        CHECK(sim.await(sim.engine().readiness(id)).size() == 4);
        CHECK(sim.await(sim.engine().find({.name = "program"})).size() == 1);
    });
}

TEST_CASE("a name that cannot be recorded is refused, and so is a checkpoint inside a step")
{
    tasker::testing::simulation sim;
    int version = 0;
    auto const fresh = [&](auto coroutine) { return sim.run(named(std::move(coroutine), "2.0." + std::to_string(++version))).what; };
    CHECK(fresh([](workflow_context& wf) -> asio::awaitable<void> { co_await wf.step("a#2", [] {}); }).starts_with("a checkpoint's name is UTF-8 of 1 to 100 bytes"));
    CHECK(fresh([](workflow_context& wf) -> asio::awaitable<void> { co_await wf.step("return", [] {}); }).starts_with("a step cannot be named \"return\""));
    CHECK(fresh([](workflow_context& wf) -> asio::awaitable<void> { co_await wf.step("sleep:x", [] {}); }).starts_with("a step cannot be named"));
    CHECK(fresh([](workflow_context& wf) -> asio::awaitable<void> { co_await wf.step("a", [&wf] { wf.now(); }); }).find("is asked for by a step's body") != std::string::npos);
}

TEST_CASE("a volatile step waits for no commit, and what is durable waits until it is recorded")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        std::vector<std::string> seen;
        auto const listening = sim.engine().subscribe([&seen](tasker::step_completed const& told) { seen.push_back("recorded " + told.step); },
                                                      tasker::subscribe_options{.delivery = tasker::delivery::in_place});
        auto const report = sim.run(named([&seen](workflow_context& wf) -> asio::awaitable<int> {
            int const one = co_await wf.step("one", [&] { seen.push_back("one"); return 1; }, quick);
            int const two = co_await wf.step("two", [&](step_context& s) -> asio::awaitable<int> {
                co_await asio::post(s.get_executor(), asio::use_awaitable);
                seen.push_back(std::string{s.step()});
                co_return one + 1;
            }, quick);
            co_return co_await wf.step("three", [&] { seen.push_back("three"); return two + 1; });
        }));
        CHECK(report.result<int>() == 3);
        CHECK(seen == std::vector<std::string>{"one", "two", "recorded one", "recorded two", "three", "recorded three"});
        CHECK(report.step("one").attempts() == 1);
        CHECK(report.count<tasker::step_started>() == 3);
    });
}

TEST_CASE("volatile steps end alike after a crash at any moment")
{
    survives_everywhere(named([](workflow_context& wf) -> asio::awaitable<std::string> {
                            auto const chain = [&wf](std::string name) -> asio::awaitable<std::string> {
                                std::string text;
                                for (int round = 0; round < 3; ++round)
                                    text += co_await wf.step(name, [&] { return name + std::to_string(round); }, quick);
                                co_return text;
                            };
                            std::string text = co_await chain("v");
                            auto const [a, b] = co_await (chain("a") && wf.step("durable", [](step_context& s) -> asio::awaitable<int> {
                                co_await s.sleep_for(2s);
                                co_return 1;
                            }));
                            auto const [place, won] = co_await wf.first_of([&] {
                                std::vector<asio::awaitable<std::string>> race;
                                race.push_back(wf.step("left", [] { return std::string{"l"}; }, quick));
                                race.push_back(wf.step("right", [] { return std::string{"r"}; }));
                                return race;
                            }());
                            std::vector<int> const items{1, 2, 3};
                            for (int const one : co_await wf.map("item", items, [](int item) { return item * 2; }, {.concurrency = 2, .step = quick}))
                                text += std::to_string(one);
                            auto retried = quick;
                            retried.retry = thrice;
                            text += co_await wf.step("flaky", [](step_context& s) {
                                if (s.attempt() < 3)
                                    throw tasker::transient_error{"not yet"};
                                return std::to_string(s.attempt());
                            }, retried);
                            try {
                                co_await wf.step("bad", [] { throw tasker::permanent_error{"no"}; }, quick);
                            } catch (tasker::step_error const& failed) {
                                text += failed.what();
                            }
                            co_return text + a + std::to_string(b) + std::to_string(place) + won;
                        }), tasker::payload{}, R"("v0v1v22463step \"bad\" failed after 1 attempt: noa0a1a210l")");
}

TEST_CASE("a volatile step that was not recorded runs again after a crash, and so does what followed")
{
    support::on_each_store([](support::store_opener const& open) {
        int drawn = 0;
        auto const flow = named([&drawn](workflow_context& wf) -> asio::awaitable<std::vector<int>> {
            std::vector<int> told;
            told.push_back(co_await wf.step("first", [&] { return ++drawn; }, quick));
            told.push_back(co_await wf.step("second", [&](step_context& s) -> asio::awaitable<int> {
                co_await s.sleep_for(10ms);
                co_return told.front() * 10 + ++drawn;
            }, quick));
            co_await wf.sleep("rest", 1h);
            told.push_back(co_await wf.step("third", [&] { return ++drawn; }, quick));
            co_return told;
        });
        tasker::testing::simulation sim{support::crash_options(open)};
        auto const id = sim.submit(flow);
        sim.advance(5ms);
        CHECK(sim.await(sim.engine().load(id))->steps.empty());
        sim.crash(4h + 1s);
        sim.advance(10min); // recorded by then, with the sleep that followed
        sim.crash(4h + 1s);
        sim.finish(id);
        CHECK(sim.report(id).result<std::vector<int>>() == std::vector<int>{2, 23, 4});
    });
}

TEST_CASE("nothing that followed a volatile step is recorded without it, however small the commits")
{
    auto const flow = named([](workflow_context& wf) -> asio::awaitable<void> {
        for (int round = 0; round < 3; ++round) {
            co_await wf.step("v", [](step_context& s) -> asio::awaitable<void> { co_await s.sleep_for(1ms); }, quick);
            wf.set_value("after", round);
            co_await (wf.step("after", [] {}) && wf.step("beside", [] {}, quick));
        }
    });
    support::on_each_store([&](support::store_opener const& open) {
        bool crashed = true;
        for (std::size_t handlers = 1; crashed; ++handlers) {
            INFO("crash after handler " << handlers);
            auto options = support::crash_options(open);
            options.engine.max_journal_records = 1;
            tasker::testing::simulation sim{std::move(options)};
            auto const id = sim.submit(flow);
            for (std::size_t at = 0; at < handlers && sim.step(sim.now() + 1h); ++at)
                ;
            auto const stored = *sim.await(sim.engine().load(id));
            std::map<std::string, tasker::step_state> states;
            for (auto const& [no, record] : stored.steps)
                states.emplace(record.name, record.state);
            for (std::string const suffix : {"", "#2", "#3"})
                for (std::string const later : {"value:after", "after", "beside"})
                    if (states.contains(later + suffix)) {
                        INFO(later + suffix);
                        REQUIRE(states.contains("v" + suffix));
                        REQUIRE(states.at("v" + suffix) == tasker::step_state::complete);
                    }
            crashed = !is_finished(stored.task.state);
            sim.crash(4h + 1s);
            sim.finish(id);
            REQUIRE(sim.report(id).state == tasker::task_state::complete);
        }
    });
}

TEST_CASE("a volatile step is cancelled with its task, and limits hold it back like any other")
{
    tasker::testing::simulation sim{support::with_engine([](tasker::engine_options& options) { options.max_concurrent_steps = 1; })};
    auto const busy = sim.submit(named([](workflow_context& wf) -> asio::awaitable<void> {
        co_await wf.step("busy", [](step_context& s) -> asio::awaitable<void> { co_await s.sleep_for(10s); }, quick);
    }));
    sim.advance(1s);
    auto const other = sim.submit(coroutine_workflow("test", "other", "1.0.0", [](workflow_context& wf) -> asio::awaitable<void> {
        co_await wf.step("quick", [] {}, quick);
    }));
    sim.advance(1s);
    CHECK(sim.report(other).state != tasker::task_state::complete);
    sim.await(sim.engine().cancel(busy, "no more"));
    sim.finish(other);
    CHECK(sim.report(busy).state == tasker::task_state::cancelled);
    CHECK(sim.report(busy).step("busy").state() == tasker::step_state::cancelled);
    CHECK(sim.report(other).elapsed == 1s);
    tasker::workflow_builder graph{"test", "graph", "1.0.0"};
    CHECK(support::refused([&] { graph.step("s", [] {}, quick); }).code == tasker::errc::invalid_definition);
}

TEST_CASE("what a coroutine awaits that is no checkpoint is done again by each recovery, and amid branches taken for a change")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        int foreign = 0;
        int second = 0;
        auto const elsewhere = [&]() -> asio::awaitable<void> {
            co_await asio::post(sim.engine().get_executor(), asio::use_awaitable);
            ++foreign;
        };
        auto const alone = sim.run(named([&](workflow_context& wf) -> asio::awaitable<int> {
            co_await wf.step("first", [] {});
            co_await elsewhere();
            int const told = co_await wf.step("second", [&] { return ++second; });
            co_await elsewhere();
            co_await wf.sleep("rest", 2h);
            co_return told;
        }));
        CHECK(alone.result<int>() == 1);
        CHECK(foreign == 4);
        CHECK(second == 1);
        auto const beside = sim.run(named([&](workflow_context& wf) -> asio::awaitable<void> {
            auto const branch = [&]() -> asio::awaitable<void> {
                co_await elsewhere();
                co_await wf.step("after", [] {});
            };
            co_await (wf.sleep("rest", 10s) && branch());
            co_await wf.sleep("long", 2h);
        }, "1.1.0"));
        CHECK(beside.state == tasker::task_state::error);
        CHECK(beside.what.find("comes to nothing (what is no checkpoint belongs into a step)") != std::string::npos);
    });
}

TEST_CASE("branches hear of volatile and durable steps in the order in which they ended, the first time and ever after")
{
    auto const flow = named([](workflow_context& wf) -> asio::awaitable<std::string> {
        std::string text;
        auto const branch = [&](std::string name, tasker::step_options options) -> asio::awaitable<void> {
            co_await wf.step(name, [](step_context& s) -> asio::awaitable<void> { co_await s.sleep_for(1s); }, options);
            text += name;
        };
        co_await (branch("d", {}) && branch("v", quick));
        co_await (branch("w", quick) && branch("e", {}));
        std::string const first = co_await wf.step("first", [&] { return text; });
        co_await wf.sleep("rest", 2h);
        co_return first == text ? "alike" : first + ", then " + text;
    });
    survives_everywhere(flow, tasker::payload{}, R"("alike")");
}
