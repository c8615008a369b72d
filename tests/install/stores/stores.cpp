// Makes an SQLite store, and is refused by a PostgreSQL that is not there.
#include <tasker/base/error.hpp>
#include <tasker/store/postgres_store.hpp>
#include <tasker/store/sqlite_store.hpp>

#include <cstdio>
#include <string>

namespace {

void make_tables(std::string const& file)
{
    std::remove(file.c_str());
    tasker::sqlite_store{file}.migrate();
}

bool is_refused()
{
    try {
        tasker::postgres_store{"host=/nonexistent"}.migrate();
    } catch (tasker::error const& refusal) {
        return refusal.code() == tasker::errc::store_unavailable;
    }
    return false;
}

} // namespace

int main()
{
    make_tables("stores.db");
    std::FILE* const made = std::fopen("stores.db", "rb");
    bool const there = made != nullptr && std::fclose(made) == 0;
    return there && is_refused() ? 0 : 1;
}
