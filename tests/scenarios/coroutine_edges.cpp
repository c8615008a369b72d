#include "support/coroutine_runs.hpp"
#include "support/refusal.hpp"

#include <tasker/flow/on.hpp>
#include <tasker/flow/workflow_builder.hpp>

#include <boost/asio/io_context.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

// What a coroutine may meet that nobody meets on a good day.

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

tasker::workflow sleeping(std::string name)
{
    return named(std::move(name), [](workflow_context& wf) -> asio::awaitable<std::string> {
        co_await wf.sleep("long", 20h);
        co_return "rested";
    });
}

/// An execution context that has no threads left, for so many times.
struct exhausted_pool {
    asio::io_context& behind;
    int refusals;

    asio::any_io_executor get_executor()
    {
        if (refusals-- > 0)
            throw std::system_error{std::make_error_code(std::errc::resource_unavailable_try_again), "no thread is left"};
        return behind.get_executor();
    }
};

/// Nothing makes one out of nothing, or copies it; and some cannot be written, or read.
class ticket {
public:
    explicit ticket(int number) : number_{std::make_unique<int>(number)} {}
    int number() const { return *number_; }

private:
    std::unique_ptr<int> number_;
};

} // namespace

template <>
struct tasker::codec<ticket> {
    static payload encode(ticket const& value)
    {
        if (value.number() < 0)
            throw std::domain_error{"a negative ticket cannot be written"};
        return codec<int>::encode(value.number());
    }
    static ticket decode(payload const& encoded)
    {
        int const number = codec<int>::decode(encoded);
        if (number > 99)
            throw std::domain_error{"a large ticket cannot be read"};
        return ticket{number};
    }
};

TEST_CASE("a child whose start was abandoned is found though its workflow is unknown by then, and is cancelled with its parent")
{
    std::size_t found = 0;
    for (std::size_t handlers = 1; handlers < 25; ++handlers) {
        INFO("crash after handler " << handlers);
        auto options = support::crash_options([data = tasker::memory_store{}] { return tasker::any_store{data}; });
        options.engine.max_journal_records = 1;
        tasker::testing::simulation sim{std::move(options)};
        sim.engine().add(sleeping("rest")); // and not to the next engine
        bool is_told = false;
        auto const id = support::submit_only(sim, named("parent", [&is_told](workflow_context& wf) -> asio::awaitable<void> {
            co_await wf.start("kid", "test/rest", tasker::payload{});
            is_told = true;
            co_await wf.sleep("long", 50s);
            co_await wf.sleep("very long", 100h);
        }), tasker::payload{});
        for (std::size_t at = 0; at < handlers && sim.step(sim.now() + 1min); ++at)
            ;
        bool const is_known = is_told;
        sim.crash(4h + 1s);
        sim.advance(10min);
        auto const children = sim.await(sim.engine().find({.name = "rest"}));
        if (children.empty())
            continue;
        REQUIRE(sim.report(id).step("child:kid").state() == tasker::step_state::complete);
        found += is_known ? 0U : 1U;
        sim.await(sim.engine().cancel(id, "no more"));
        sim.engine().add(sleeping("rest"));
        sim.advance(1min);
        REQUIRE(sim.await(sim.engine().find({.name = "rest"})).front().state == tasker::task_state::cancelled);
    }
    CHECK(found > 0);
}

TEST_CASE("a child whose start was abandoned and that loses a race after that is cancelled")
{
    for (bool const undoes : {false, true}) {
        std::size_t started = 0;
        for (std::size_t handlers = 1; handlers < 25; ++handlers) {
            INFO("crash after handler " << handlers);
            auto options = support::crash_options([data = tasker::memory_store{}] { return tasker::any_store{data}; });
            options.engine.max_journal_records = 1;
            tasker::testing::simulation sim{std::move(options)};
            sim.add(sleeping("rest"));
            auto const id = support::submit_only(sim, named("parent", [undoes](workflow_context& wf) -> asio::awaitable<std::size_t> {
                if (undoes)
                    wf.compensate("nothing", [] {});
                auto const won = co_await (wf.sleep("limit", 2h) || wf.child<std::string>("slow", "test/rest", tasker::payload{}));
                co_return won.index();
            }), tasker::payload{});
            for (std::size_t at = 0; at < handlers && sim.step(sim.now() + 1min); ++at)
                ;
            sim.crash(4h + 1s); // the limit is over by then
            sim.finish(id);
            REQUIRE(sim.report(id).result<std::size_t>() == 0);
            sim.advance(1min);
            for (auto const& one : sim.await(sim.engine().find({.name = "rest"}))) {
                ++started;
                REQUIRE(one.state == tasker::task_state::cancelled);
            }
        }
        CHECK(started > 0);
    }
}

TEST_CASE("a volatile step for which no thread is left is started later, as any other, and whoever runs the engine hears of it")
{
    for (auto const durability : {tasker::durability::durable, tasker::durability::volatile_}) {
        tasker::testing::simulation sim;
        asio::io_context elsewhere;
        exhausted_pool pool{elsewhere, 3};
        auto const flow = named("needy", [&](workflow_context& wf) -> asio::awaitable<int> {
            co_return co_await wf.step("elsewhere", [] { return 7; }, {.run_on = tasker::on(pool), .durability = durability});
        });
        sim.add(flow);
        int heard = 0;
        std::optional<tasker::task_id> id;
        asio::co_spawn(sim.context(), sim.engine().submit("test/needy"), [&](std::exception_ptr, tasker::task_handle const& task) { id = task.id(); });
        for (bool is_over = false; !is_over;) {
            try {
                sim.settle();
                is_over = elsewhere.poll() == 0;
                elsewhere.restart();
            } catch (std::system_error const& problem) {
                CHECK(problem.code() == std::errc::resource_unavailable_try_again);
                ++heard;
            }
        }
        CHECK(heard == (durability == tasker::durability::durable ? 3 : 2)); // the first try of a volatile step is no turn of its own
        auto const report = sim.report(id.value());
        REQUIRE(report.state == tasker::task_state::complete);
        CHECK(report.result<int>() == 7);
        CHECK(report.step("elsewhere").attempts() == 1);
    }
}

TEST_CASE("results may be such as cannot be copied or made of nothing, in steps, maps, branches and children")
{
    auto const kid = named("kid", [](workflow_context&, ticket const& of) -> asio::awaitable<ticket> { co_return ticket{of.number() + 1}; });
    survives_everywhere(named("movers", [](workflow_context& wf) -> asio::awaitable<int> {
                            ticket const first = co_await wf.step("first", [] { return ticket{1}; });
                            std::vector<ticket> items;
                            items.emplace_back(2);
                            items.emplace_back(3);
                            int sum = first.number();
                            for (ticket const& one : co_await wf.map("each", items, [](ticket const& each) { return ticket{each.number() * 2}; }))
                                sum += one.number();
                            auto const branch = [&wf](int number) -> asio::awaitable<ticket> {
                                co_return co_await wf.step("branch", [&] { return ticket{number}; });
                            };
                            std::vector<asio::awaitable<ticket>> all;
                            std::vector<asio::awaitable<ticket>> race;
                            for (int const number : {20, 30}) {
                                all.push_back(branch(number));
                                race.push_back(branch(number));
                            }
                            for (ticket const& one : co_await wf.all_of(std::move(all)))
                                sum += one.number();
                            auto const won = co_await wf.first_of(std::move(race));
                            wf.set_value("sum", ticket{sum});
                            ticket const born = co_await wf.child<ticket>("kid", "test/kid", first);
                            co_return wf.get_value<ticket>("sum").value().number() + won.second.number() + born.number();
                        }), tasker::payload{}, "83", {.others = {kid}});
}

TEST_CASE("a value that cannot be written fails its step, one that cannot be read is thrown into the coroutine, both as they were recorded")
{
    survives_everywhere(named("values", [](workflow_context& wf) -> asio::awaitable<std::string> {
                            std::string told;
                            try {
                                co_await wf.step("write", [] { return ticket{-1}; }, {.retry = once});
                            } catch (tasker::step_error const& failed) {
                                told += failed.what();
                            }
                            try {
                                co_await wf.step("read", [] { return ticket{100}; });
                            } catch (std::domain_error const& failed) {
                                told += failed.what();
                            }
                            std::vector<int> const items{1, 100};
                            try {
                                co_await wf.map("item", items, [](int each) { return ticket{each}; });
                            } catch (std::domain_error const&) {
                                told += " map";
                            }
                            try {
                                wf.set_value("value", ticket{-2});
                            } catch (std::domain_error const&) {
                                told += " value";
                            }
                            try {
                                co_await wf.step("rest", [] { throw 42; }, {.retry = once});
                            } catch (tasker::step_error const& failed) {
                                told += failed.what();
                            }
                            co_await wf.sleep("rest", 2h);
                            co_return told;
                        }), tasker::payload{},
                        R"("step \"write\" failed after 1 attempt: a negative ticket cannot be writtena large ticket cannot be read map)"
                        R"( valuestep \"rest\" failed after 1 attempt: the body threw something that is no std::exception")");
    tasker::testing::simulation sim;
    auto const unreadable = sim.run(named("input", [](workflow_context&, ticket const&) -> asio::awaitable<void> { co_return; }), ticket{3});
    CHECK(unreadable.state == tasker::task_state::complete);
    auto const unwritable = sim.run(named("output", [](workflow_context&) -> asio::awaitable<ticket> { co_return ticket{-3}; }));
    CHECK(unwritable.what == "a negative ticket cannot be written");
    auto const odd = sim.run(named("odd", [](workflow_context&) -> asio::awaitable<int> {
        throw 42;
        co_return 1;
    }));
    CHECK(odd.what == "Unknown error");
}

TEST_CASE("an input that the code can read no longer stops its task, which goes on when it can again")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const rests = [](workflow_context& wf, auto const&) -> asio::awaitable<void> {
            co_await wf.sleep("long", 20h);
        };
        auto const id = sim.submit(named("program", [rests](workflow_context& wf, int const& n) { return rests(wf, n); }), 7);
        sim.advance(1h);
        sim.crash();
        sim.engine().add(named("program", [rests](workflow_context& wf, std::vector<int> const& n) { return rests(wf, n); }), {.replace = true});
        sim.finish(id);
        CHECK(sim.report(id).state == tasker::task_state::error);
        CHECK(sim.report(id).what.find("array") != std::string::npos);
        sim.crash(); // which brings the old code back
        sim.await(sim.engine().retry(id));
        sim.finish(id);
        CHECK(sim.report(id).state == tasker::task_state::complete);
    });
}

TEST_CASE("two that wait for the same message get one each, in the order in which they began to wait")
{
    auto const send = [](tasker::testing::simulation& sim, tasker::task_id id) {
        for (int const each : {1, 2, 3})
            sim.await(sim.engine().send(id, "number", each, {.key = each == 1 ? "one" : each == 2 ? "two" : "three"}));
    };
    survives_everywhere(named("twice", [](workflow_context& wf) -> asio::awaitable<std::vector<int>> {
                            auto const both = co_await (wf.receive<int>("number") && wf.receive<int>("number"));
                            auto const won = co_await (wf.receive<int>("number") || wf.receive<int>("number", {.timeout = 1h}));
                            co_return std::vector<int>{std::get<0>(both), std::get<1>(both), static_cast<int>(won.index())};
                        }), tasker::payload{}, "[1,2,0]", {.beside = send});
}

TEST_CASE("a receive that waits for no time takes what is there, and nothing else")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const id = sim.submit(named("looks", [](workflow_context& wf) -> asio::awaitable<std::vector<int>> {
            std::vector<int> heard;
            auto const look = [&]() -> asio::awaitable<void> {
                try {
                    heard.push_back(co_await wf.receive<int>("number", {.timeout = 0s}));
                } catch (tasker::receive_timeout const&) {
                    heard.push_back(0);
                }
            };
            co_await look();
            co_await wf.sleep("rest", 2h);
            co_await look();
            co_await look();
            co_return heard;
        }));
        sim.advance(1h);
        sim.await(sim.engine().send(id, "number", 1));
        sim.finish(id);
        CHECK(sim.report(id).result<std::vector<int>>() == std::vector<int>{0, 1, 0});
    });
}

TEST_CASE("messages of megabytes, and with any text in them, arrive as they were sent")
{
    std::string const large(2'500'000, 'x');
    std::string const odd = std::string{"\0\x01\"\\:name \xf0\x9f\x90\x99 '%s' $1", 22};
    support::on_each_store([&](tasker::testing::simulation& sim) {
        auto const id = sim.submit(named("mail", [](workflow_context& wf) -> asio::awaitable<std::string> {
            std::string const text = co_await wf.receive<std::string>("a 'name': $1 \"é\" \\ %");
            co_await wf.sleep("rest", 20h);
            co_return text + co_await wf.receive<std::string>("large");
        }));
        sim.await(sim.engine().send(id, "large", large));
        sim.await(sim.engine().send(id, "a 'name': $1 \"é\" \\ %", odd, {.key = ":key '$1'"}));
        sim.finish(id);
        CHECK((sim.report(id).result<std::string>() == odd + large));
    });
}

TEST_CASE("names may have any characters but control characters and '#', and what is no text is refused")
{
    std::string const name = ":name 'é' \"$1\" \\ [0] % { \xf0\x9f\x90\x99";
    survives_everywhere(named("names", [name](workflow_context& wf) -> asio::awaitable<std::string> {
                            wf.set_value(name, 1);
                            std::vector<int> const items{1, 2};
                            auto const all = co_await wf.map(name, items, [](int each) { return each; });
                            co_await wf.sleep(name, 2h);
                            std::string refused;
                            for (std::string const bad : {"\xff", "caf\xe9", "a#2", "\n", "", "sleep:x"})
                                try {
                                    co_await wf.step(bad, [] {});
                                    refused += bad;
                                } catch (tasker::error const& problem) {
                                    refused += problem.code() == tasker::errc::invalid_definition ? '.' : '!';
                                }
                            try {
                                co_await wf.receive<int>("caf\xe9");
                            } catch (tasker::error const& problem) {
                                refused += problem.code() == tasker::errc::invalid_input ? '.' : '!';
                            }
                            co_return std::to_string(all.size()) + (co_await wf.step(name, [](step_context& s) { return std::string{s.step()}; }) == name ? "" : "!") + refused;
                        }), tasker::payload{}, R"("2.......")");
}

TEST_CASE("what starts anew does not undo what it did before")
{
    int undone = 0;
    support::on_each_store([&](tasker::testing::simulation& sim) {
        undone = 0;
        auto const report = sim.run(named("loop", [&undone](workflow_context& wf, int const& round) -> asio::awaitable<int> {
            co_await wf.step("do", [] {});
            wf.compensate("do", [&undone] { ++undone; });
            if (round < 3)
                wf.continue_as_new(round + 1);
            co_await wf.step("break", [] { throw tasker::permanent_error{"broken"}; });
            co_return round;
        }), 1);
        CHECK(report.state == tasker::task_state::error);
        CHECK(undone == 1); // of the last round
    });
}

TEST_CASE("what is undone may be a map within a step, retried and limited in time, and goes on when some of it fails for good")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        std::vector<std::string> undone;
        auto const report = sim.run(named("saga", [&undone](workflow_context& wf) -> asio::awaitable<void> {
            wf.compensate("first", [&undone] { undone.push_back("first"); });
            wf.compensate("hopeless", [] { throw tasker::permanent_error{"gone"}; });
            wf.compensate("late", [](step_context& s) -> asio::awaitable<void> { co_await s.sleep_for(1h); }, {.retry = once, .timeout = 1s});
            wf.compensate("flaky", [&undone](step_context& s) {
                if (s.attempt() < 3)
                    throw tasker::transient_error{"not yet"};
                undone.push_back("flaky");
            });
            co_await wf.step("break", [] { throw tasker::permanent_error{"broken"}; });
        }));
        CHECK(report.state == tasker::task_state::error);
        CHECK(undone == std::vector<std::string>{"flaky", "first"});
        CHECK(report.what.starts_with("step \"break\" failed after 1 attempt: broken"));
        CHECK(report.what.find("\"undo:late\" was not done: the attempt ran out of its time") != std::string::npos);
        CHECK(report.what.find("\"undo:hopeless\" was not done: gone") != std::string::npos);
    });
}

TEST_CASE("a finished task and a child are forked from any checkpoint, instants and the end included")
{
    support::on_each_store([](tasker::testing::simulation& sim) {
        auto const kid = named("kid", [](workflow_context& wf, int const& n) -> asio::awaitable<int> {
            static_cast<void>(wf.uuid());
            int const twice = co_await wf.step("twice", [&] { return 2 * n; });
            wf.set_value("twice", twice);
            co_await wf.sleep("rest", 2h);
            co_return twice;
        });
        sim.add(kid);
        auto const parent = sim.run(named("parent", [](workflow_context& wf) -> asio::awaitable<int> {
            int const told = co_await wf.child<int>("kid", "test/kid", 4);
            co_return told + co_await wf.step("more", [] { return 1; });
        }));
        REQUIRE(parent.result<int>() == 9);
        auto const child = sim.await(sim.engine().find({.name = "kid"})).front().id;
        for (std::string const from : {"uuid:uuid", "twice", "value:twice", "sleep:rest", "return"}) {
            INFO(from);
            auto const forked = sim.await(sim.engine().fork(child, from)).id();
            sim.finish(forked);
            CHECK(sim.report(forked).result<int>() == 8);
        }
        for (std::string const from : {"child:kid", "join:kid", "more", "return"}) {
            INFO(from);
            auto const forked = sim.await(sim.engine().fork(parent.id, from)).id();
            sim.finish(forked);
            CHECK(sim.report(forked).result<int>() == 9);
        }
        CHECK(sim.await(sim.engine().load(parent.id))->task.state == tasker::task_state::complete);
    });
}

TEST_CASE("a version is asked for in branches, and is the same in each")
{
    survives_everywhere(named("versions", [](workflow_context& wf) -> asio::awaitable<int> {
                            auto const branch = [&wf](tasker::duration length) -> asio::awaitable<int> {
                                co_await wf.sleep("rest", length);
                                co_return wf.version("change", 1, 3);
                            };
                            auto const both = co_await (branch(2h) && branch(1h));
                            co_return std::get<0>(both) * 10 + std::get<1>(both);
                        }), tasker::payload{}, "33");
}

TEST_CASE("a workflow may be the library's own coroutine type, and go through every verb")
{
    auto const kid = named("kid", [](workflow_context& wf, int const& n) -> tasker::async<int> {
        co_await wf.sleep("rest", 1h);
        co_return 2 * n;
    });
    survives_everywhere(named("own", [](workflow_context& wf, int const& n) -> tasker::async<std::string> {
                            std::string const id = wf.uuid();
                            auto const branch = [&wf](std::string name, tasker::duration length) -> tasker::async<std::string> {
                                co_await wf.sleep(name, length);
                                co_return co_await wf.step("after", [&] { return name; });
                            };
                            auto const both = co_await (wf.step("one", [&] { return n + 1; })
                                                     && wf.step("two", [&](step_context& s) -> tasker::async<int> {
                                                            co_await s.sleep_for(1s);
                                                            co_return n + 2;
                                                        }, {.durability = tasker::durability::volatile_}));
                            std::string text = std::to_string(std::get<0>(both) + std::get<1>(both)) + co_await branch("alone", 1s);
                            std::vector<tasker::async<std::string>> all;
                            std::vector<tasker::async<std::string>> race;
                            for (int const hours : {3, 2}) {
                                all.push_back(branch("h", std::chrono::hours{hours}));
                                race.push_back(branch(std::to_string(hours), std::chrono::hours{hours}));
                            }
                            for (std::string const& one : co_await wf.all_of(std::move(all)))
                                text += one;
                            auto const won = co_await wf.first_of(std::move(race));
                            std::vector<int> const items{1, 2};
                            for (int const one : co_await wf.map("item", items, [](int each) { return each; }))
                                text += std::to_string(one);
                            wf.send(wf.task(), "self", 5);
                            text += won.second + std::to_string(co_await wf.receive<int>("self"));
                            try {
                                co_await wf.receive<int>("self", {.timeout = 1h});
                            } catch (tasker::receive_timeout const&) {
                                text += "late";
                            }
                            auto const raced = co_await (wf.child<int>("kid", "test/kid", n) || wf.sleep("limit", 9h));
                            auto const started = co_await wf.start("kid", "test/kid", n);
                            text += std::to_string(std::get<0>(raced) + co_await wf.join<int>("kid", started));
                            if (n < 2)
                                wf.continue_as_new(n + 1);
                            wf.set_value("text", text);
                            co_return wf.get_value<std::string>("text").value() + (id == wf.get_value<std::string>("none").value_or(id) ? "" : "!") +
                                std::to_string(wf.version("change", 1, 2));
                        }), 1, R"("7alonehh1225late82")", {.others = {kid}, .rounds = 2});
}

TEST_CASE("a workflow of the library's own coroutine type is stopped wherever it waits, undoes what it did, and begins nothing more")
{
    support::on_each_store([](support::store_opener const& open) {
        for (bool const crashes : {false, true}) {
            int undone = 0;
            int destroyed = 0;
            struct witness {
                int* count;
                ~witness() { ++*count; }
            };
            auto const flow = named("saga", [&](workflow_context& wf) -> tasker::async<void> {
                witness const here{&destroyed};
                co_await wf.step("book", [] {});
                wf.compensate("book", [&undone](step_context& s) -> asio::awaitable<void> {
                    co_await s.sleep_for(1h);
                    ++undone;
                });
                for (int tries = 0; tries < 3; ++tries)
                    try {
                        co_await wf.sleep("long", 24h);
                    } catch (std::exception const&) { // does not help
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
            CHECK(destroyed > 0);
            CHECK_THROWS_AS(report.step("never"), std::out_of_range);
        }
    });
}
