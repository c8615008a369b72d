// Has the scenarios run on PostgreSQL, too. Left out of the build where SOCI or libpq is missing.

#include <tasker/store/postgres_store.hpp>

#include "support/each_store.hpp"
#include "support/postgres.hpp"

#include <memory>

namespace {

support::store_opener prepare_postgres()
{
    return [schema = std::make_shared<support::scratch_schema>()] {
        return tasker::any_store{tasker::postgres_store{schema->connection(), {.schema = schema->name()}}};
    };
}

support::store_registration const postgres{{"PostgreSQL", prepare_postgres, [] { return support::postgres_connection().has_value(); }}};

} // namespace
