#include <tasker/store/sqlite_store.hpp>

#include "support/analysed_store.hpp"
#include "support/scratch_directory.hpp"

namespace {

std::unique_ptr<support::analysed_store> open()
{
    auto directory = std::make_unique<support::scratch_directory>();
    auto const file = directory->path() / "store.db";
    tasker::sqlite_options const quick{.synchronous = tasker::sqlite_synchronous::off};
    return std::make_unique<support::analysed_in<tasker::sqlite_store, support::scratch_directory>>(std::move(directory), file,
                                                                                                    quick);
}

support::analysed_registration const sqlite{{"SQLite", open}};

} // namespace
