#include <tasker/store/sql/schema.hpp>
#include <tasker/store/sql/sqlite_dialect.hpp>

#include "support/catch.hpp"

#include <set>

using namespace tasker;
using tasker::sql::execute;
using tasker::sql::statement_text;

namespace {

/// An empty database with this library's tables.
struct database {
    database()
    {
        sql::statements const texts;
        execute(session, texts.create_version_table.sql);
        for (auto const& step : sql::migrations(sql::sqlite_dialect{"unused.db", {}}))
            for (auto const& sql : step.sql)
                execute(session, sql);
    }

    /// How SQLite would run `text`, one line a table.
    std::string plan(statement_text const& text)
    {
        std::string lines;
        sql::query row{session, {"explain query plan " + text.sql, "", "iiit"}};
        for (bool more = row.run(); more; more = row.next()) {
            row.integer();
            row.integer();
            row.integer();
            lines += row.text() + '\n';
        }
        return lines;
    }

    soci::session session{soci::sqlite3, ":memory:"};
};

/// The names of the parameters in the order of their occurrence.
std::vector<std::string> parameters(std::string const& sql)
{
    std::vector<std::string> names;
    for (auto at = sql.find(':'); at != std::string::npos; at = sql.find(':', at + 1)) {
        auto const end = sql.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at + 1);
        names.push_back(sql.substr(at + 1, end == std::string::npos ? end : end - at - 1));
    }
    return names;
}

statement_text page_of(std::optional<workflow_id> workflow, task_state state)
{
    return sql::statements::find_page(workflow, sql::sqlite_dialect{"unused.db", {}}.in_state(state));
}

std::vector<statement_text> all_statements()
{
    sql::statements const s;
    return {s.find_workflow,      s.insert_workflow,     s.all_workflows,       s.workflow_steps,
            s.workflow_edges,     s.put_workflow_step,   s.insert_workflow_edge, s.insert_task,
            s.find_twin,          s.fence,               s.update_task,         s.release_task,
            s.clear_request,      s.put_step,            s.insert_transition,   s.due,
            s.woken,              s.owned,               s.requested,           s.requested_and_owned,
            s.next_wake,          s.find_owner,          s.owners,              s.hand_over,
            s.put_worker,         s.delete_worker,       s.free_tasks,          s.requests_of,
            s.put_request,        s.load_task,           s.load_steps,          s.history,
            s.find_by_key,        s.count_tasks,         s.count_steps,         s.count_defined_steps,
            s.count_errors,       s.finished_before,     s.delete_task,         s.delete_steps,
            s.delete_transitions, s.delete_dead_workers, s.schema_version,      s.insert_version,
            s.note_batch,         s.takeovers,           s.take_over,           s.holdings,
            s.wake_with_news,     s.renew_input,         s.count_message,       s.insert_message,
            s.is_closed_task,     s.take_message,        s.messages_after,      s.mail_of,
            s.delete_messages,
            page_of(1, task_state::error),               s.find_page(1, {}),    page_of({}, task_state::complete),
            s.find_page({}, {})};
}

} // namespace

TEST_CASE("every statement can be prepared, and says the type of each of its parameters and columns")
{
    database tables;
    for (auto const& text : all_statements()) {
        INFO(text.sql);
        auto const names = parameters(text.sql);
        CHECK(names.size() == text.parameters.size());
        CHECK(std::set<std::string>{names.begin(), names.end()}.size() == names.size());
        soci::statement prepared{tables.session};
        prepared.alloc();
        REQUIRE_NOTHROW(prepared.prepare(text.sql));
        CHECK(static_cast<std::size_t>(prepared.get_backend()->prepare_for_describe()) == text.columns.size());
    }
}

TEST_CASE("claims, heartbeats and purges look rows up and never scan the tasks")
{
    database tables;
    sql::statements const texts;
    auto const uses = [&](statement_text const& text, std::string const& index) {
        auto const plan = tables.plan(text);
        INFO(text.sql << '\n' << plan);
        CHECK(plan.find(index) != std::string::npos);
        CHECK(plan.find("SCAN tasks\n") == std::string::npos);
    };
    uses(texts.due, "INDEX tasks_due (workflow_id=?)");
    uses(texts.woken, "INDEX tasks_asleep (workflow_id=? AND wake_at");
    uses(texts.owned, "INDEX tasks_owned (worker_id=? AND workflow_id=?)");
    uses(texts.requested, "INDEX tasks_requested (worker_id=? AND workflow_id=?)");
    uses(texts.requested_and_owned, "INDEX tasks_requested (worker_id=? AND workflow_id=?)");
    uses(texts.next_wake, "INDEX tasks_asleep (workflow_id=?");
    uses(texts.owners, "INDEX tasks_owned");
    uses(texts.requests_of, "INDEX tasks_requested (worker_id=?)");
    uses(texts.mail_of, "INDEX tasks_told (worker_id=?)");
    uses(texts.mail_of, "INDEX messages_waiting (task_id=?)");
    uses(texts.messages_after, "INDEX messages_waiting (task_id=? AND sequence>?)");
    uses(texts.count_message, "INDEX messages_once (task_id=? AND message_key=?)");
    uses(texts.free_tasks, "INDEX tasks_owned (worker_id=?)");
    uses(texts.finished_before, "INDEX tasks_over (finished_at");
    uses(texts.find_by_key, "(identity_key=?)");
    uses(texts.fence, "(id=?)");
    uses(texts.history, "(task_id=?)");
    uses(texts.holdings, "INDEX tasks_owned (worker_id=?)");
    uses(texts.delete_dead_workers, "INDEX tasks_owned (worker_id=?)");
    uses(texts.count_errors, "INDEX steps_failed");
}

TEST_CASE("lists need no sort: a page costs what it shows")
{
    database tables;
    for (auto const& text : {sql::statements::find_page(1, {}), page_of({}, task_state::error),
                             sql::statements::find_page({}, {}), sql::statements{}.due, sql::statements{}.owned,
                             sql::statements{}.finished_before}) {
        INFO(tables.plan(text));
        CHECK(tables.plan(text).find("TEMP B-TREE") == std::string::npos);
    }
}

TEST_CASE("the tables take the words of the model and no others [B15]")
{
    database tables;
    auto const put = [&](std::string const& table, std::string const& word) {
        if (table == "steps")
            execute(tables.session, "insert or replace into steps (task_id, step_no, state, attempts, result) "
                                    "values ('a', 1, '" + word + "', 0, 'null')");
        else
            execute(tables.session, "insert or replace into transitions (task_id, sequence, from_state, to_state, at, "
                                    "attempt, detail) values ('a', 1, '', '" + word + "', 0, 0, '')");
    };
    for (std::string const table : {"steps", "transitions"}) {
        for (auto const state : state_names)
            CHECK_NOTHROW(put(table, std::string{state}));
        CHECK_THROWS_AS(put(table, "running"), soci::soci_error);
        CHECK_THROWS_AS(put(table, ""), soci::soci_error);
    }
}

TEST_CASE("migrations are numbered from 1 without gaps")
{
    int expected = 0;
    for (auto const& step : sql::migrations(sql::sqlite_dialect{"unused.db", {}})) {
        CHECK(step.version == ++expected);
        CHECK(step.sql.empty() == (step.version == 4)); // which is of PostgreSQL's functions
    }
    CHECK(expected >= 1);
}
