#pragma once

#include "data_folder.hpp"
#include "options.hpp"

#include <tasker/store/any_store.hpp>
#include <tasker/store/sqlite_store.hpp>
#if ORDER_SERVICE_KNOWS_POSTGRES
#include <tasker/store/postgres_store.hpp>
#endif

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

namespace order_service {

/// Where the orders of a data folder are kept: in a file of the folder, or in a PostgreSQL schema of the folder's own,
/// whose name is in a file of the folder.
class orders_place {
public:
    /// Throws std::runtime_error when the folder has its orders in the other kind of store.
    orders_place(data_folder folder, store_kind kind) : folder_{std::move(folder)}, kind_{kind}
    {
        bool const elsewhere =
            std::filesystem::exists(kind == store_kind::sqlite ? folder_.schema() : folder_.database());
        if (elsewhere)
            throw std::runtime_error{"The orders of " + folder_.path().string() + " are in " +
                                     (kind == store_kind::sqlite ? "PostgreSQL: say --store postgres"
                                                                 : "SQLite: leave out --store postgres") +
                                     ", or choose another folder with --data DIR."};
    }

    /// Whether the orders have been there before.
    bool is_founded() const
    {
        return std::filesystem::exists(kind_ == store_kind::sqlite ? folder_.database() : folder_.schema());
    }

    /// The store, with its tables. One process at a time may be the first to open it.
    tasker::any_store open() const
    {
        if (kind_ == store_kind::postgres)
            return open_postgres();
        tasker::any_store store{tasker::sqlite_store{folder_.database()}};
        store.migrate();
        return store;
    }

private:
#if ORDER_SERVICE_KNOWS_POSTGRES
    tasker::any_store open_postgres() const
    {
        char const* const server = std::getenv("TASKER_POSTGRES");
        if (server == nullptr || *server == '\0')
            throw std::runtime_error{
                "Say in the environment variable TASKER_POSTGRES how to connect to a PostgreSQL, such as "
                "\"host=localhost dbname=shop user=worker\"; `examples/run order_service --store postgres` starts "
                "one."};
        bool const is_new = !is_founded();
        std::string const schema = is_new ? new_schema() : known_schema();
        tasker::any_store store{tasker::postgres_store{server, {.schema = schema}}};
        if (!is_new)
            check_presence(server, schema);
        store.migrate();
        if (is_new)
            write_file(folder_.schema(), schema + '\n'); // only now that it has all its tables
        return store;
    }

    static std::string new_schema()
    {
        std::random_device random;
        return "order_service_" + std::to_string(random());
    }

    std::string known_schema() const
    {
        std::string schema;
        std::getline(std::ifstream{folder_.schema()}, schema);
        return schema;
    }

    /// Throws std::runtime_error when this server has no such schema: the orders that the folder knows of would be
    /// missing.
    void check_presence(std::string const& server, std::string const& schema) const
    {
        soci::session session{soci::postgresql, server};
        tasker::sql::query count{session, {"select count(*) from pg_namespace where nspname = :schema", "t", "i"}};
        count.run_once(schema);
        auto const found = count.integer();
        if (found == 0)
            throw std::runtime_error{"The server has no schema " + schema + ", where the orders of " +
                                     folder_.path().string() +
                                     " are. If it was removed for good, remove that folder, too."};
    }
#else
    static tasker::any_store open_postgres()
    {
        throw std::runtime_error{
            "This program was built without PostgreSQL; `examples/run order_service --store postgres` "
            "installs what is missing and builds it anew."};
    }
#endif

    data_folder folder_;
    store_kind kind_;
};

} // namespace order_service
