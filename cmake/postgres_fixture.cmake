# The ctest fixture `postgres`: one throw-away server for all the tests that require it, in tasker_postgres_folder. Where
# the environment variable TASKER_POSTGRES says how to connect to another, none is started.
# tasker_postgres_properties: what such tests add to their properties; nothing where no server is installed.
set(tasker_postgres_folder "${CMAKE_CURRENT_BINARY_DIR}/postgres")
set(tasker_postgres_properties)
if(TARGET tasker::postgres)
    set(script "${PROJECT_SOURCE_DIR}/cmake/postgres.sh")
    execute_process(COMMAND bash "${script}" find RESULT_VARIABLE missing OUTPUT_QUIET ERROR_VARIABLE why)
    if(missing)
        message(STATUS "tasker: tests that need PostgreSQL are skipped. ${why}")
    else()
        set(tasker_postgres_properties FIXTURES_REQUIRED postgres)
        add_test(NAME "postgres: start" COMMAND
            sh -c [[test -n "$TASKER_POSTGRES" || exec bash "$0" start "$1"]] "${script}" "${tasker_postgres_folder}")
        add_test(NAME "postgres: stop" COMMAND bash "${script}" stop "${tasker_postgres_folder}")
        set_tests_properties("postgres: start" PROPERTIES FIXTURES_SETUP postgres TIMEOUT 120 LABELS postgres)
        set_tests_properties("postgres: stop" PROPERTIES FIXTURES_CLEANUP postgres TIMEOUT 120 LABELS postgres)
    endif()
endif()
