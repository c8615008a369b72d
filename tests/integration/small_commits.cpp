#include <tasker/engine.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/testing/store_conformance.hpp>

#include "support/catch.hpp"
#include "support/postgres.hpp"
#include "support/run_context.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <poll.h>

using namespace tasker;
namespace asio = boost::asio;

// Small commits on PostgreSQL: sent from the engine's strand on a line of their own, and answered there.

namespace {

/// What a store's lines and calls were used for.
struct tally {
    std::atomic<int> lines{0};    ///< opened
    std::atomic<int> sent{0};     ///< batches that a line took
    std::atomic<int> called{0};   ///< calls of `commit`
    std::atomic<int> answers{0};  ///< that arrived on lines
    std::atomic<int> deaf_at{-1}; ///< the answer that gets lost with its line, though the commit was made
    std::atomic<bool> loses_all{false}; ///< every answer gets lost so
};

class tallied_line final : public commit_line {
public:
    tallied_line(std::unique_ptr<commit_line> inner, std::shared_ptr<tally> into) : inner_{std::move(inner)}, tally_{std::move(into)}
    {
        ++tally_->lines;
    }

    int descriptor() const override { return inner_->descriptor(); }
    bool is_open() const override { return !is_deaf_ && inner_->is_open(); }
    bool send(commit_batch const& batch) override
    {
        bool const took = inner_->send(batch);
        tally_->sent += took ? 1 : 0;
        return took;
    }
    line_answer read() override
    {
        line_answer answer = inner_->read();
        if (answer.what == line_answer::kind::awaited)
            return answer;
        is_deaf_ = ++tally_->answers == tally_->deaf_at || tally_->loses_all;
        return is_deaf_ ? line_answer{line_answer::kind::unknown} : answer;
    }

private:
    std::unique_ptr<commit_line> inner_;
    std::shared_ptr<tally> tally_;
    bool is_deaf_ = false;
};

class tallied_store : public postgres_store {
public:
    tallied_store(support::scratch_schema const& schema, std::shared_ptr<tally> into)
        : postgres_store{schema.connection(), {.schema = schema.name()}}, tally_{std::move(into)}
    {
    }

    commit_result commit(commit_batch const& batch)
    {
        ++tally_->called;
        return postgres_store::commit(batch);
    }
    std::unique_ptr<commit_line> open_line() { return std::make_unique<tallied_line>(postgres_store::open_line(), tally_); }

private:
    std::shared_ptr<tally> tally_;
};
static_assert(store<tallied_store> && lined_store<tallied_store>);

/// Commits on a line whatever it takes, and waits for the answers.
class line_first_store : public postgres_store {
public:
    line_first_store(support::scratch_schema const& schema, std::shared_ptr<tally> into)
        : postgres_store{schema.connection(), {.schema = schema.name()}}, look_{std::make_unique<support::pg_session>(schema.session())},
          tally_{std::move(into)}
    {
    }

    commit_result commit(commit_batch const& batch)
    {
        if (auto const result = commit_on_line(batch)) {
            ++tally_->answers;
            return *result;
        }
        return postgres_store::commit(batch);
    }

private:
    std::optional<commit_result> commit_on_line(commit_batch batch)
    {
        std::scoped_lock const lock{*one_at_a_time_};
        if (!line_)
            line_ = open_line();
        if (batch.number == 0) // a line takes none without a number: the worker's next
            batch.number = std::stoi(look_->value("select batch + 1 from workers where id = $1", {to_text(batch.worker)}).value_or("0"));
        if (batch.empty() || !line_->send(batch))
            return std::nullopt;
        line_answer answer = wait();
        return answer.what == line_answer::kind::known ? std::optional{std::move(answer.result)} : std::nullopt;
    }

    line_answer wait()
    {
        for (;;) {
            pollfd news{line_->descriptor(), POLLIN, 0};
            if (::poll(&news, 1, 60'000) != 1)
                throw std::runtime_error{"the line says nothing for a minute"};
            if (line_answer answer = line_->read(); answer.what != line_answer::kind::awaited)
                return answer;
        }
    }

    std::unique_ptr<std::mutex> one_at_a_time_ = std::make_unique<std::mutex>();
    std::unique_ptr<support::pg_session> look_;
    std::unique_ptr<commit_line> line_;
    std::shared_ptr<tally> tally_;
};
static_assert(store<line_first_store>);

workflow two_steps()
{
    workflow_builder flow{"small", "two-steps"};
    auto const given = flow.input<int>();
    auto const first = flow.step("first", after(given), [](int value) { return value + 1; });
    flow.step("second", after(first), [](int value) { return 10 * value; });
    return std::move(flow).build();
}

workflow repeating()
{
    workflow_builder flow{"small", "repeating"};
    auto const given = flow.input<std::string>();
    flow.step("say it again", after(given), [](std::string const& text) { return text; });
    return std::move(flow).build();
}
constexpr int commits_of_two_steps = 3; ///< its creation, its first outcome, and its last with its end

asio::awaitable<int> run_one(engine& here, int value)
{
    task_handle const task = co_await here.submit("small/two-steps", value);
    co_return co_await task.result<int>();
}

/// Runs tasks until one travels on the line, which is opened behind the scenes.
asio::awaitable<void> until_on_line(engine& here, tally const& counts)
{
    for (int const sent = counts.sent; counts.sent == sent;)
        co_await run_one(here, 0);
}

/// Tasks whose state and trail do not say the same, or that any step of theirs was completed twice, or not at all.
std::string contradictions(support::scratch_schema const& schema)
{
    return schema.session()
        .value("select string_agg(id || ' is ' || state, ', ') from (select id, state, "
               "(select count(*) from transitions where task_id = id and step_no is null and to_state = 'complete') as ends, "
               "(select count(*) from transitions where task_id = id and step_no is not null and to_state = 'complete') as done, "
               "(select count(*) from steps where task_id = id and state = 'complete') as steps, "
               "(select count(*) from transitions where task_id = id and step_no is null and from_state = '') as births from tasks) as t "
               "where ends <> (case when state = 'complete' then 1 else 0 end) or done <> steps or births <> 1 "
               "or (state = 'complete' and steps <> 2)")
        .value_or("");
}

/// An engine on a schema of its own, whose lines are counted.
struct counted_engine {
    counted_engine()
    {
        here.add(two_steps());
        here.add(repeating());
    }

    support::scratch_schema const schema;
    std::shared_ptr<tally> const counts = std::make_shared<tally>();
    asio::io_context context;
    engine here{context, tallied_store{schema, counts}};
};

} // namespace

TEST_CASE("the PostgreSQL store keeps its contract when small batches are committed on a line", "[conformance][postgres]")
{
    if (!support::postgres_connection())
        return;
    auto const counts = std::make_shared<tally>();
    for (testing::conformance_check const& check : testing::conformance_checks) {
        INFO(check.sentence);
        support::scratch_schema const schema;
        REQUIRE_NOTHROW(testing::run_check(check, line_first_store{schema, counts}));
    }
    CHECK(counts->answers >= 10);
}

TEST_CASE("what one task of an idle engine writes is committed on its line, without a call of the store")
{
    if (!support::postgres_connection())
        return;
    counted_engine counted;
    auto& [schema, counts, context, here] = counted;
    REQUIRE(support::run(context, [&]() -> asio::awaitable<void> {
        co_await until_on_line(here, *counts);
        int const sent = counts->sent;
        int const called = counts->called;
        int const result = co_await run_one(here, 4);
        CHECK(result == 50);
        CHECK(counts->sent == sent + commits_of_two_steps);
        CHECK(counts->called == called);
        co_await here.drain();
    }));
    CHECK(contradictions(schema) == "");
}

TEST_CASE("texts that a socket may not take at once are committed by a call of the store, and come back whole")
{
    if (!support::postgres_connection())
        return;
    counted_engine counted;
    auto& [schema, counts, context, here] = counted;
    auto const length = GENERATE(std::size_t{3'000}, std::size_t{5'000}, std::size_t{3'000'000});
    REQUIRE(support::run(context, [&]() -> asio::awaitable<void> {
        co_await until_on_line(here, *counts);
        int const called = counts->called;
        std::string const text(length, 'x');
        task_handle const task = co_await here.submit("small/repeating", text);
        auto const answer = co_await task.result<std::string>();
        CHECK((answer == text));
        CHECK((counts->called > called) == (length > 4'096));
        co_await here.drain();
    }));
    CHECK(schema.session().value("select count(*) from tasks where state <> 'complete'") == "0");
}

TEST_CASE("a commit on a line whose answer is lost is made once, whichever it is, and the next line is opened")
{
    if (!support::postgres_connection())
        return;
    for (int which = 1; which <= commits_of_two_steps; ++which) {
        INFO("the answer to commit " << which << " is lost");
        counted_engine counted;
        auto& [schema, counts, context, here] = counted;
        int lost = 0;
        int submitted = 0;
        int failing = 0;
        auto const watch = here.subscribe([&](event const& one) {
            lost += std::holds_alternative<task_lease_lost>(one) ? 1 : 0;
            submitted += std::holds_alternative<task_submitted>(one) ? 1 : 0;
            failing += std::holds_alternative<store_failing>(one) ? 1 : 0;
        }, {.delivery = delivery::in_place});
        REQUIRE(support::run(context, [&]() -> asio::awaitable<void> {
            co_await until_on_line(here, *counts);
            int const called = counts->called;
            submitted = 0;
            counts->deaf_at = counts->answers + which;
            int const result = co_await run_one(here, 4);
            CHECK(result == 50);
            CHECK(submitted == 1);
            CHECK(counts->called > called);
            co_await until_on_line(here, *counts);
            CHECK(counts->lines == 2);
            co_await here.drain();
        }));
        CHECK(lost == 0);
        CHECK(failing == 0);
        CHECK(contradictions(schema) == "");
    }
}

TEST_CASE("a line that was never of use is not opened again for each commit")
{
    if (!support::postgres_connection())
        return;
    counted_engine counted;
    auto& [schema, counts, context, here] = counted;
    REQUIRE(support::run(context, [&]() -> asio::awaitable<void> {
        co_await until_on_line(here, *counts);
        counts->loses_all = true;
        for (int const answers = counts->answers; counts->answers < answers + 2;) // on the line that was of use, and on the next
            co_await run_one(here, 0);
        for (int value = 0; value < 20; ++value) {
            int const result = co_await run_one(here, value);
            CHECK(result == 10 * (value + 1));
        }
        CHECK(counts->lines == 2);
        co_await here.drain();
    }));
    CHECK(contradictions(schema) == "");
}

TEST_CASE("a line that is cut amid a commit is resolved by the batch's number, once")
{
    if (!support::postgres_connection())
        return;
    counted_engine counted;
    auto& [schema, counts, context, here] = counted;
    REQUIRE(support::run(context, [&]() -> asio::awaitable<void> {
        co_await until_on_line(here, *counts);
        int const called = counts->called;
        auto holder = schema.session();
        holder.exec("begin; select from workers for update"); // the first outcome waits for it
        auto const cut = std::async(std::launch::async, [&] {
            auto server = schema.session();
            std::optional<std::string> ended;
            while (!ended)
                ended = server.value("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and query like "
                                     "'with worker as%' and pid in (select pid from pg_locks where relation = cast('workers' as regclass))");
            holder.exec("rollback");
        });
        int const result = co_await run_one(here, 4);
        CHECK(result == 50);
        CHECK(counts->called > called);
        co_await until_on_line(here, *counts);
        CHECK(counts->lines == 2);
        co_await here.drain();
    }));
    CHECK(contradictions(schema) == "");
}

TEST_CASE("an engine may be destroyed after any handler while its line commits, and what it told is stored")
{
    if (!support::postgres_connection())
        return;
    bool is_over = false;
    int handlers = 0;
    for (; !is_over; ++handlers) {
        INFO("destroyed after " << handlers << " handlers");
        support::scratch_schema const schema;
        auto const counts = std::make_shared<tally>();
        std::optional<task_id> accepted;
        {
            asio::io_context context;
            auto here = std::make_unique<engine>(context, tallied_store{schema, counts});
            here->add(two_steps());
            REQUIRE(support::run(context, [&]() -> asio::awaitable<void> { co_await until_on_line(*here, *counts); }));
            int const sent = counts->sent;
            asio::co_spawn(
                context,
                [&]() -> asio::awaitable<void> {
                    if (!here)
                        co_return;
                    task_handle const task = co_await here->submit("small/two-steps", 4);
                    accepted = task.id();
                    co_await task.result<int>();
                },
                [&](std::exception_ptr problem) { is_over = !problem; });
            context.restart();
            for (int left = handlers; left > 0 && !is_over; --left)
                context.run_one_for(std::chrono::minutes{1});
            bool const was_over = is_over;
            here.reset();
            context.restart();
            context.poll();
            is_over = was_over;
            CHECK(counts->sent <= sent + commits_of_two_steps);
        }
        CHECK(contradictions(schema) == "");
        if (accepted)
            CHECK(schema.session().value("select state from tasks where id = $1", {to_text(*accepted)}).has_value());
        if (is_over)
            CHECK(schema.session().value("select state from tasks where id = $1", {to_text(*accepted)}) == "complete");
    }
    CHECK(handlers > 10);
}

TEST_CASE("many threads share an engine whose commits travel on a line")
{
    if (!support::postgres_connection())
        return;
    support::scratch_schema const schema;
    auto const counts = std::make_shared<tally>();
    asio::thread_pool pool{3};
    {
        engine here{asio::any_io_executor{pool.get_executor()}, tallied_store{schema, counts}};
        here.add(two_steps());
        asio::co_spawn(pool, until_on_line(here, *counts), asio::use_future).get();
        std::vector<std::future<int>> all;
        for (int value = 0; value < 40; ++value) {
            all.push_back(asio::co_spawn(pool, run_one(here, value), asio::use_future));
            if (value % 4 == 0)
                CHECK(all.back().get() == 10 * (value + 1));
        }
        for (int value = 0; value < 40; ++value)
            if (value % 4 != 0)
                CHECK(all[static_cast<std::size_t>(value)].get() == 10 * (value + 1));
        asio::co_spawn(pool, here.drain(), asio::use_future).get();
    }
    pool.join();
    CHECK(contradictions(schema) == "");
}
