# tasker_add_store(<sqlite|postgres> <target> <variable>): makes <target>, the interface library of that SQL store, which
# uses `tasker::tasker`. When something is missing there is no target, and <variable> is a sentence that says what to
# install; otherwise it is empty. Used by the build and by the installed package, so both find the same.
set(tasker_find_modules "${CMAKE_CURRENT_LIST_DIR}")

function(tasker_add_store store target variable)
    list(PREPEND CMAKE_MODULE_PATH "${tasker_find_modules}") # FindSOCI.cmake
    set(${variable} "" PARENT_SCOPE)
    if(store STREQUAL "sqlite")
        find_package(SOCI 4.0.3 QUIET COMPONENTS sqlite3)
        find_package(SQLite3 QUIET)
        set(database_found ${SQLite3_FOUND})
        set(libraries SOCI::sqlite3 SQLite::SQLite3)
        set(missing "The SQLite store of tasker needs SOCI 4.0.3 or newer and SQLite: install them (Debian: libsoci-dev libsqlite3-dev)")
    else()
        find_package(SOCI 4.0.3 QUIET COMPONENTS postgresql)
        find_package(PostgreSQL QUIET)
        set(database_found ${PostgreSQL_FOUND})
        set(libraries SOCI::postgresql PostgreSQL::PostgreSQL)
        set(missing "The PostgreSQL store of tasker needs SOCI 4.0.3 or newer and libpq: install them (Debian: libsoci-dev libpq-dev)")
    endif()
    if(NOT SOCI_FOUND OR NOT database_found)
        set(${variable} "${missing}" PARENT_SCOPE)
    elseif(NOT TARGET ${target})
        add_library(${target} INTERFACE ${ARGN})
        target_link_libraries(${target} INTERFACE tasker::tasker ${libraries})
    endif()
endfunction()
