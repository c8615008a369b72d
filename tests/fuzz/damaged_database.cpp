// SQLite files that were damaged, before they are opened and brought to the present schema: see migrator.
//
// An input is a list of damages, a line each; what is none is passed over:
//     from 1                  the file has this version of the schema; 0: it is empty; default: the newest, with tasks in it
//     drop tasks              a table, an index or a view is gone
//     clear schema_version    a table's rows are gone
//     version 7               the file says that it has this version of the schema
//     byte 100 255            one byte has this value
//     fill 4096 512 0         so have this many from there
//     text 100 abc            this text stands there
//     cut 5000                the file ends there
//     wal abc                 the write-ahead log begins with this text
//     only abc                the file has this text in it and nothing else

#include <tasker/store/sqlite_store.hpp>

#include "fuzz/target.hpp"
#include "support/scratch_directory.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr time_point now{std::chrono::seconds{1'790'000'000}};
constexpr sqlite_options quick{.synchronous = sqlite_synchronous::off, .busy_timeout = duration::zero()};
constexpr worker_id alice{1, 1};
constexpr int newest = 3;

task_record draft(workflow_id workflow, std::uint64_t number)
{
    task_record task;
    task.id = {0x0193'0000'0000'7000U, number};
    task.workflow = workflow;
    task.identity_key = std::to_string(number);
    task.created_at = now;
    return task;
}

workflow_id register_in(sqlite_store& store)
{
    return store.register_workflow({"shop", "fulfil", "1.0.0"}, graph{{{"charge", {}}, {"ship", {}}}, {{0, 1}}});
}

commit_batch creation_of(std::vector<task_record> tasks)
{
    commit_batch batch;
    batch.worker = alice;
    batch.created = std::move(tasks);
    return batch;
}

void fill(sqlite_store& store)
{
    auto const workflow = register_in(store);
    store.heartbeat({alice, now, 1h});
    commit_batch batch = creation_of({});
    for (std::uint64_t number = 1; number <= 3; ++number) {
        batch.created.push_back(draft(workflow, number));
        task_record& task = batch.created.back();
        task.worker = alice;
        task.epoch = 1;
        batch.steps.push_back({task.id, 1, 0, {}});
        transition_record line;
        line.task = task.id;
        line.to = "pending";
        batch.transitions.push_back(line);
        batch.transition_epochs.push_back(1);
    }
    store.commit(batch);
}

std::string read(std::filesystem::path const& file)
{
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

void write(std::filesystem::path const& file, std::string const& content)
{
    std::ofstream{file, std::ios::binary | std::ios::trunc}.write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// A sound file with this version of the schema.
std::string sound_file(std::filesystem::path const& folder, int version)
{
    auto const file = folder / ("sound-" + std::to_string(version));
    if (version == newest) {
        sqlite_store store{file, quick};
        store.migrate();
        fill(store);
    } else if (version > 0) {
        sql::sqlite_dialect const dialect{file, quick};
        sql::session session{dialect};
        sql::statements const texts;
        session.execute(texts.create_version_table.sql);
        auto const steps = sql::migrations(dialect);
        for (sql::migration const& step : steps)
            if (step.version <= version) {
                for (std::string const& text : step.sql)
                    session.execute(text);
                session.get(texts.insert_version).run_once(step.version);
            }
    }
    return read(file);
}

/// The places and files that all inputs share.
struct ground {
    support::scratch_directory folder;
    std::filesystem::path file = folder.path() / "tasks.db";
    std::array<std::string, newest + 1> sound{sound_file(folder.path(), 0), sound_file(folder.path(), 1), sound_file(folder.path(), 2),
                                              sound_file(folder.path(), newest)};
};

struct damage {
    std::string_view word;
    std::string_view rest; ///< of its line

    /// The next of the numbers, up to `most`.
    std::size_t number(std::size_t most)
    {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        std::size_t value = 0;
        auto const end = std::from_chars(rest.data(), rest.data() + rest.size(), value).ptr;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        return std::min(value, most);
    }

    std::string_view text() const { return rest.substr(std::min<std::size_t>(1, rest.size())); }

    /// What may stand in an SQL text as a name.
    std::string name() const
    {
        std::string kept;
        std::copy_if(rest.begin(), rest.end(), std::back_inserter(kept), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
        return kept;
    }
};

std::vector<damage> damages_in(std::string_view input)
{
    std::vector<damage> all;
    while (!input.empty() && all.size() < 20) {
        auto const line = input.substr(0, input.find('\n'));
        input.remove_prefix(std::min(line.size() + 1, input.size()));
        auto const end = std::min(line.find(' '), line.size());
        all.push_back({line.substr(0, end), line.substr(end)});
    }
    return all;
}

/// Carries out those damages that SQL can do; those that it refuses do not happen.
void damage_rows(std::filesystem::path const& file, std::vector<damage> const& damages)
{
    for (damage one : damages) {
        std::vector<std::string> texts;
        if (one.word == "drop") {
            for (char const* const kind : {"table ", "index ", "view "})
                texts.push_back("drop " + (kind + one.name()));
        } else if (one.word == "clear") {
            texts.push_back("delete from " + one.name());
        } else if (one.word == "version") { // also a negative one; SQLite takes what is no number, too
            auto const text = one.text().substr(0, one.text().find_first_of(std::string_view{"'\0", 2}));
            texts.push_back("delete from schema_version");
            texts.push_back("insert into schema_version values ('" + std::string{text} + "')");
        }
        for (std::string const& text : texts)
            try {
                soci::session session{soci::sqlite3, "db=\"" + file.string() + '"'};
                sql::execute(session, text);
            } catch (soci::soci_error const&) {
                continue;
            }
    }
}

/// Carries out the others. True when bytes were changed, after which nobody can say what is still there.
bool damage_bytes(std::filesystem::path const& file, std::vector<damage> const& damages)
{
    std::string content = read(file);
    std::string const before = content;
    std::optional<std::string> log;
    auto const put = [&](std::size_t at, std::string_view text) {
        if (at < content.size())
            content.replace(at, std::min(text.size(), content.size() - at), text.substr(0, content.size() - at));
    };
    for (damage one : damages) {
        if (one.word == "byte" || one.word == "fill") {
            std::size_t const at = one.number(content.size());
            std::size_t const length = one.word == "byte" ? 1 : one.number(content.size());
            put(at, std::string(length, static_cast<char>(one.number(255))));
        } else if (one.word == "text") {
            std::size_t const at = one.number(content.size());
            put(at, one.text());
        } else if (one.word == "cut") {
            content.resize(one.number(content.size()));
        } else if (one.word == "wal") {
            log = one.text();
        } else if (one.word == "only") {
            content = one.text();
        }
    }
    write(file, content);
    if (log)
        write(file.string() + "-wal", *log);
    return log || content != before;
}

/// What a store answers, or the sentence of the error that it throws instead.
template <class Work>
std::string complaint_of(Work work)
{
    try {
        work();
        return "";
    } catch (error const& problem) {
        fuzz::require(problem.code() == errc::store_unavailable || problem.code() == errc::schema_mismatch || problem.code() == errc::shape_conflict,
                      "a damaged file is a store that cannot be used, or has another schema or workflow");
        fuzz::require_sentence(problem.what());
        return problem.what();
    }
}

/// Every operation of a store that said that it is fine.
std::vector<std::string> use(sqlite_store& store)
{
    workflow_id workflow = 1;
    std::vector<std::string> complaints;
    auto const attempt = [&](auto work) { complaints.push_back(complaint_of(work)); };
    attempt([&] { workflow = register_in(store); });
    attempt([&] {
        for (task_record const& task : store.find({}, {})) {
            store.load(task.id);
            store.history(task.id);
        }
    });
    attempt([&] { store.load(draft(workflow, 1).id); });
    attempt([&] { store.history(draft(workflow, 1).id); });
    attempt([&] { store.heartbeat({{1, 2}, now, 1h}); });
    attempt([&] { store.commit(creation_of({draft(workflow, 9)})); });
    attempt([&] { store.request(draft(workflow, 9).id, {command_kind::cancel, "", {}, "damaged"}); });
    attempt([&] { store.next_due({1, 2}, now, std::vector{workflow}); });
    attempt([&] { store.claim({{1, 2}, now + 2h, 9, std::vector{workflow}, {}}); });
    attempt([&] { store.statistics(now, now - 1h); });
    attempt([&] { store.system_health_counts(now); });
    attempt([&] { store.purge(now + 2h, 10); });
    return complaints;
}

void open_and_use(std::filesystem::path const& file, bool only_rows_damaged)
{
    using fuzz::require;
    std::optional<sqlite_store> store;
    std::string const refusal = complaint_of([&] {
        store.emplace(file, quick);
        store->migrate();
    });
    if (!refusal.empty())
        return;
    for (std::string const& complaint : use(*store))
        require(!only_rows_damaged || complaint.find("no such table") == std::string::npos,
                "a store that was opened and migrated without complaint has all its tables");
    require(complaint_of([&] { store->migrate(); }).empty() || !only_rows_damaged, "a store that was migrated can be migrated again");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    static ground const shared;
    std::vector<damage> const damages = damages_in(fuzz::text_of(data, size));
    std::size_t version = newest;
    for (damage one : damages)
        if (one.word == "from")
            version = one.number(newest);
    for (char const* const more : {"-wal", "-shm", "-journal"})
        std::filesystem::remove(shared.file.string() + more);
    write(shared.file, shared.sound[version]);
    damage_rows(shared.file, damages);
    bool const bytes_damaged = damage_bytes(shared.file, damages);
    open_and_use(shared.file, !bytes_damaged);
    return 0;
}
