#include "stores.hpp"

#include "postgres_server.hpp"
#include "raw_postgres.hpp"
#include "raw_sqlite.hpp"
#include "recording_store.hpp"

#include <tasker/store/memory_store.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/store/sqlite_store.hpp>

#include <stdexcept>

namespace benchmark {

namespace {

class in_memory final : public database {
public:
    std::string name() const override { return "memory"; }
    bool is_durable() const override { return false; }
    void clear() override { store_ = {}; }
    tasker::any_store open() override { return store_; }
    tasker::any_store open_recorded(recording& into) override { return recording_store{store_, into}; }
    std::unique_ptr<raw_writer> raw() override { throw std::logic_error{"memory has no tables"}; }
    std::unique_ptr<bare_commit> bare() override { throw std::logic_error{"memory has no commits"}; }
    double bytes() override { return 0; }

private:
    tasker::memory_store store_;
};

class sqlite_row final : public bare_commit {
public:
    explicit sqlite_row(std::string const& file) : file_{file} { file_.run("create table bare (id integer primary key, what text)"); }

    void commit() override
    {
        if (!insert_)
            insert_ = file_.prepare("insert into bare (what) values ('a row')");
        file_.execute(insert_);
    }

private:
    sqlite_file file_;
    sqlite_file::statement insert_;
};

class in_sqlite final : public database {
public:
    explicit in_sqlite(std::filesystem::path const& folder)
        : prefix_{(folder / ("tasker-benchmark-" + std::to_string(::getpid()) + "-")).string()}
    {
    }
    ~in_sqlite() override
    {
        for (std::string const what : {"store", "raw", "bare"})
            remove(what);
    }

    std::string name() const override { return "SQLite"; }
    void clear() override { make("store"); }
    tasker::any_store open() override { return tasker::sqlite_store{file("store")}; }
    tasker::any_store open_recorded(recording& into) override
    {
        return recording_store{tasker::sqlite_store{file("store")}, into};
    }
    std::unique_ptr<raw_writer> raw() override
    {
        make("raw");
        return std::make_unique<raw_sqlite>(file("raw"));
    }
    std::unique_ptr<bare_commit> bare() override
    {
        remove("bare");
        return std::make_unique<sqlite_row>(file("bare"));
    }
    double bytes() override
    {
        sqlite_file{file("store")}.run("pragma wal_checkpoint(truncate)");
        return static_cast<double>(std::filesystem::file_size(file("store")));
    }

private:
    std::string file(std::string const& what) const { return prefix_ + what; }

    void remove(std::string const& what) const
    {
        for (std::string const end : {"", "-wal", "-shm"})
            std::filesystem::remove(file(what) + end);
    }

    void make(std::string const& what) const
    {
        remove(what);
        tasker::sqlite_store{file(what)}.migrate();
    }

    std::string prefix_; ///< the same in processes that are forked off
};

class postgres_row final : public bare_commit {
public:
    explicit postgres_row(std::string const& connection) : server_{connection}
    {
        server_.ask("create schema if not exists benchmark_bare");
        server_.ask("set search_path = benchmark_bare");
        server_.ask("drop table if exists bare");
        server_.ask("create table bare (id bigint primary key, what text not null)");
        server_.prepare("insert", "insert into bare values ($1, 'a row')");
    }

    void commit() override { server_.execute("insert", std::to_string(++last_)); }

private:
    observer server_;
    long last_ = 0;
};

class in_postgres final : public database {
public:
    explicit in_postgres(std::string connection) : connection_{std::move(connection)}, server_{connection_} {}
    ~in_postgres() override
    {
        for (char const* const schema : {"benchmark_store", "benchmark_raw", "benchmark_bare"})
            drop(schema);
    }

    std::string name() const override { return "PostgreSQL"; }
    void clear() override { make("benchmark_store"); }
    tasker::any_store open() override { return store("benchmark_store"); }
    tasker::any_store open_recorded(recording& into) override { return recording_store{store("benchmark_store"), into}; }
    std::unique_ptr<raw_writer> raw() override
    {
        make("benchmark_raw");
        return std::make_unique<raw_postgres>(connection_, "benchmark_raw", 1);
    }
    std::unique_ptr<bare_commit> bare() override { return std::make_unique<postgres_row>(connection_); }
    double bytes() override
    {
        return std::stod(server_.value("select sum(pg_total_relation_size(oid)) from pg_class where relkind = 'r' "
                                       "and relnamespace = 'benchmark_store'::regnamespace"));
    }
    double server_cpu() override { return used_between({}, server_.server_cpu()); }

private:
    tasker::postgres_store store(std::string schema) const
    {
        tasker::postgres_options where;
        where.schema = std::move(schema);
        return tasker::postgres_store{connection_, where};
    }

    void drop(std::string const& schema) { server_.ask("drop schema if exists " + schema + " cascade"); }

    void make(std::string const& schema)
    {
        drop(schema);
        store(schema).migrate();
        server_.ask("checkpoint");
    }

    std::string connection_;
    observer server_;
};

} // namespace

std::unique_ptr<database> memory() { return std::make_unique<in_memory>(); }
std::unique_ptr<database> sqlite(std::filesystem::path const& folder) { return std::make_unique<in_sqlite>(folder); }
std::unique_ptr<database> postgres(std::string const& connection) { return std::make_unique<in_postgres>(connection); }

} // namespace benchmark
