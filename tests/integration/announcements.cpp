#include <tasker/engine.hpp>

#include "support/audible_store.hpp"
#include "support/catch.hpp"
#include "support/run_context.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>

using namespace tasker;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using support::audible_store;
using support::loudspeaker;
using support::run;
using kind = announcement::kind;

namespace {

/// Left alone, an engine would look and beat long after the test.
constexpr engine_options deaf_for_an_hour{.lease = 3h, .safety_poll = 1h};
constexpr worker_id somebody{1, 1};

/// Whether nothing is left that would keep the context running.
bool comes_to_rest(asio::io_context& context)
{
    context.restart();
    context.run_for(1min);
    return context.stopped();
}

workflow one_step()
{
    workflow_builder flow{"real", "one-step"};
    flow.step("only", [] {});
    return std::move(flow).build();
}

/// What the engine had asked its store before has been answered: queries stand in one line.
asio::awaitable<void> until_answered(engine& here)
{
    co_await here.find({});
}

/// The engine has looked for all reasons that it was given: at once, and once more when it was asked meanwhile.
asio::awaitable<void> until_quiet(engine& here)
{
    for (int turn = 0; turn < 4; ++turn)
        co_await until_answered(here);
}

/// The engine hears, and has looked for what it may have missed: connecting has a thread of its own, which may be late.
asio::awaitable<void> until_hearing(engine& here, loudspeaker& speaker)
{
    while (speaker.heartbeats() < 3) // two when it starts, and one when it has connected
        co_await until_answered(here);
    co_await until_quiet(here);
}

/// The engine has heard what was said before, and has done what follows from it on its strand and in its queries.
asio::awaitable<void> until_heard(engine& here, loudspeaker& speaker)
{
    int const heartbeats = speaker.heartbeats();
    speaker.say({kind::command_left, {}, speaker.worker()}); // is heard last
    while (speaker.heartbeats() == heartbeats)
        co_await until_answered(here);
    co_await until_quiet(here);
}

std::string many(announcement const& said)
{
    std::string text = to_text(said);
    for (int more = 1; more < 50; ++more) // in one piece, so that they are heard together
        text += '\n' + to_text(said);
    return text;
}

/// Stores a task by an engine that ends before the task is due.
asio::awaitable<task_record> submit_elsewhere(asio::io_context& context, memory_store data)
{
    engine other{context, data};
    other.add(one_step());
    submit_options const later{.delay = 50ms};
    task_handle const task = co_await other.submit("real/one-step", later);
    co_return data.load(task.id())->task;
}

} // namespace

TEST_CASE("an engine takes work of another one when it hears that it is due")
{
    asio::io_context context;
    memory_store data;
    auto const speaker = std::make_shared<loudspeaker>();
    engine here{context, audible_store{data, speaker}, deaf_for_an_hour};
    here.add(one_step());
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        co_await until_hearing(here, *speaker);
        for (int again = 0; again < 3; ++again) {
            task_record const stored = co_await submit_elsewhere(context, data);
            CHECK_FALSE(stored.worker);
            speaker->say("a text of a later version");
            speaker->say({kind::work_due, *stored.wake_at, somebody});
            task_outcome const ended = co_await here.task(stored.id).outcome();
            CHECK(ended.state == task_state::complete);
        }
    }));
    CHECK(speaker->listened() == 1);
}

TEST_CASE("an engine looks for what others announce and not for its own announcements")
{
    asio::io_context context;
    auto const speaker = std::make_shared<loudspeaker>();
    engine here{context, audible_store{memory_store{}, speaker}, deaf_for_an_hour};
    here.add(one_step());
    worker_id const self = speaker->worker();
    auto const looks_after = [&](announcement const& said) -> asio::awaitable<int> {
        int const claims = speaker->claims();
        speaker->say(many(said));
        co_await until_heard(here, *speaker);
        co_return speaker->claims() - claims;
    };
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        co_await until_hearing(here, *speaker);
        announcement const own{kind::work_due, {}, self};
        CHECK(co_await looks_after(own) == 0);
        announcement const foreign{kind::work_due, {}, somebody};
        CHECK(co_await looks_after(foreign) == 1);
        announcement const future{kind::work_due, time_point::max(), somebody};
        CHECK(co_await looks_after(future) == 0);
    }));
}

TEST_CASE("an engine carries out a command at once when it hears of it")
{
    asio::io_context context;
    memory_store data;
    auto const speaker = std::make_shared<loudspeaker>();
    engine here{context, audible_store{data, speaker}, deaf_for_an_hour};
    workflow_builder flow{"real", "endless"};
    flow.step("only", [](step_context& step) -> async<> { co_await step.sleep_for(24h); });
    here.add(std::move(flow).build());
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        task_handle const task = co_await here.submit("real/endless");
        {
            engine other{context, data};
            co_await other.cancel(task.id(), "enough");
        }
        CHECK(data.load(task.id())->task.state != task_state::cancelled);
        speaker->say({kind::command_left, {}, speaker->worker()});
        task_outcome const ended = co_await task.outcome();
        CHECK(ended.state == task_state::cancelled);
    }));
}

TEST_CASE("many commands that an engine hears of at once make one heartbeat, and another for those that it may have missed")
{
    asio::io_context context;
    auto const speaker = std::make_shared<loudspeaker>();
    engine here{context, audible_store{memory_store{}, speaker}, deaf_for_an_hour};
    int before = 0;
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        co_await until_hearing(here, *speaker);
        before = speaker->heartbeats();
        announcement const asked{kind::command_left, {}, speaker->worker()};
        speaker->say(many(asked));
        while (speaker->heartbeats() < before + 2)
            co_await until_answered(here);
        co_await until_quiet(here);
        co_await here.drain();
    }));
    CHECK(speaker->heartbeats() == before + 3); // the last retires
}

TEST_CASE("an engine that hears of a command while it retires does not come back to life")
{
    asio::io_context context;
    memory_store data;
    auto const speaker = std::make_shared<loudspeaker>();
    speaker->when_retiring([&] {
        int const loads = speaker->loads();
        speaker->say({kind::command_left, {}, speaker->worker()});
        speaker->say({kind::tasks_over, {}, somebody});
        speaker->await_loads(loads + 1); // both have been heard
    });
    engine here{context, audible_store{data, speaker}, deaf_for_an_hour};
    here.add(one_step());
    int heartbeats = 0;
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        co_await until_hearing(here, *speaker);
        submit_options const tomorrow{.delay = 24h};
        task_handle const task = co_await here.submit("real/one-step", tomorrow);
        asio::co_spawn(context, task.outcome(), [](std::exception_ptr, task_outcome) {});
        co_await until_quiet(here);
        heartbeats = speaker->heartbeats();
        co_await here.drain();
        for (int turn = 0; turn < 50; ++turn) // nothing more is in the line of heartbeats: one that were would get its time
            co_await until_answered(here);
    }));
    CHECK(speaker->heartbeats() == heartbeats + 1);
}

TEST_CASE("whoever waits for a task of another engine hears of its end at once")
{
    asio::io_context context;
    memory_store data;
    auto const speaker = std::make_shared<loudspeaker>();
    engine here{context, audible_store{data, speaker}, deaf_for_an_hour};
    here.add(one_step());
    engine other{context, data, deaf_for_an_hour};
    other.add(one_step());
    std::optional<task_outcome> heard;
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        co_await until_hearing(here, *speaker);
        submit_options const tomorrow{.delay = 24h}; // until then the store is not asked for it
        task_handle const task = co_await other.submit("real/one-step", tomorrow);
        asio::co_spawn(context, here.task(task.id()).outcome(), [&](std::exception_ptr, task_outcome ended) { heard = std::move(ended); });
        while (speaker->loads() == 0)
            co_await until_answered(here);
        co_await until_quiet(here);
        int const loads = speaker->loads();
        announcement const own{kind::tasks_over, {}, speaker->worker()};
        speaker->say(many(own));
        co_await until_heard(here, *speaker);
        CHECK(speaker->loads() == loads);

        announcement const foreign{kind::tasks_over, {}, somebody};
        speaker->say(many(foreign));
        co_await until_heard(here, *speaker);
        CHECK(speaker->loads() == loads + 1);

        CHECK_FALSE(heard);
        co_await other.cancel(task.id(), "not needed");
        speaker->say(foreign);
        while (!heard)
            co_await until_answered(here);
        CHECK(speaker->loads() == loads + 2);
    }));
    CHECK(heard->state == task_state::cancelled);
}

TEST_CASE("an engine connects again when it no longer hears, and looks for what it missed")
{
    asio::io_context context;
    memory_store data;
    auto const speaker = std::make_shared<loudspeaker>();
    engine here{context, audible_store{data, speaker}, deaf_for_an_hour};
    here.add(one_step());
    std::string complaints;
    auto const listening = here.subscribe([&](store_failing const& e) { complaints += e.what + '\n'; }, {.delivery = delivery::in_place});
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        co_await until_hearing(here, *speaker);
        task_record const missed = co_await submit_elsewhere(context, data);
        speaker->hang_up(2);
        task_outcome const found = co_await here.task(missed.id).outcome();
        CHECK(found.state == task_state::complete);
        CHECK(speaker->refused() == 2);
        CHECK(speaker->listened() == 2);

        task_record const announced = co_await submit_elsewhere(context, data);
        speaker->say({kind::work_due, *announced.wake_at, somebody});
        task_outcome const ended = co_await here.task(announced.id).outcome();
        CHECK(ended.state == task_state::complete);
    }));
    CHECK(complaints == "cannot hear what other workers announce: the other side hung up; listen again. "
                        "The engine tries again by itself; meanwhile its safety poll finds their work\n");
}

TEST_CASE("an engine that cannot hear at first works and hears later")
{
    asio::io_context context;
    memory_store data;
    auto const speaker = std::make_shared<loudspeaker>();
    speaker->hang_up(1);
    engine here{context, audible_store{data, speaker}, deaf_for_an_hour};
    here.add(one_step());
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        task_handle const own = co_await here.submit("real/one-step");
        co_await own.result();
        while (speaker->listened() == 0)
            co_await until_answered(here);
        co_await until_quiet(here);
        task_record const stored = co_await submit_elsewhere(context, data);
        speaker->say({kind::work_due, *stored.wake_at, somebody});
        task_outcome const ended = co_await here.task(stored.id).outcome();
        CHECK(ended.state == task_state::complete);
    }));
}

TEST_CASE("an engine that ends while it listens leaves nothing behind on its context")
{
    asio::io_context context;
    auto const speaker = std::make_shared<loudspeaker>();
    {
        engine here{context, audible_store{memory_store{}, speaker}, deaf_for_an_hour};
        REQUIRE(run(context, [&] { return until_hearing(here, *speaker); }));
        REQUIRE(speaker->listened() == 1);
        speaker->say({kind::work_due, {}, somebody});
    }
    CHECK(comes_to_rest(context));
    CHECK_THROWS(speaker->say("is anybody there"));
}

TEST_CASE("a drained engine listens no more and leaves nothing behind on its context")
{
    asio::io_context context;
    auto const speaker = std::make_shared<loudspeaker>();
    engine here{context, audible_store{memory_store{}, speaker}, {.lease = 300ms}};
    REQUIRE(run(context, [&] { return until_quiet(here); }));
    bool const is_connected = GENERATE(true, false);
    if (!is_connected)
        speaker->hang_up(1'000'000);
    REQUIRE(run(context, [&]() -> asio::awaitable<void> {
        while (!is_connected && speaker->refused() == 0)
            co_await until_answered(here);
        co_await here.drain();
    }));
    int const refused = speaker->refused();
    CHECK(comes_to_rest(context));
    REQUIRE(run(context, [&] { return until_answered(here); })); // one more try to connect would stand before this in the line
    CHECK(speaker->refused() == refused);
    if (is_connected)
        CHECK_THROWS(speaker->say("is anybody there"));
}

TEST_CASE("an engine whose store is called in place does not listen")
{
    asio::io_context context;
    auto const speaker = std::make_shared<loudspeaker>();
    engine here{context, audible_store{memory_store{}, speaker}, deaf_for_an_hour, {.calls = store_calls::in_place}};
    REQUIRE(run(context, [&] { return until_quiet(here); }));
    CHECK(speaker->listened() == 0);
}

TEST_CASE("an engine may be destroyed by another thread while announcements pour in")
{
    asio::io_context context;
    auto const guard = asio::make_work_guard(context);
    std::thread runner{[&] { context.run(); }};
    for (int round = 0; round < 20; ++round) {
        auto const speaker = std::make_shared<loudspeaker>();
        engine here{context, audible_store{memory_store{}, speaker}, deaf_for_an_hour};
        here.add(one_step());
        while (speaker->listened() == 0)
            std::this_thread::yield();
        for (int said = 0; said < 50; ++said) {
            speaker->say({kind::work_due, {}, somebody});
            speaker->say({kind::tasks_over, {}, somebody});
            speaker->say({kind::command_left, {}, speaker->worker()});
        }
        if (round % 2 == 0)
            speaker->hang_up();
    }
    context.stop();
    runner.join();
}
