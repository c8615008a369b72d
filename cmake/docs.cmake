# The target `docs`: the reference of the public headers in HTML, made by Doxygen. A warning is an error: a public name
# without a comment, a comment that names what is not there.
find_program(DOXYGEN_PROGRAM doxygen)
mark_as_advanced(DOXYGEN_PROGRAM)
set(tasker_docs_folder "${PROJECT_BINARY_DIR}/docs")

# A header of these layers is public only when it is named here: its types are in signatures of the engine.
set(public_of_plan execution_context readiness)
set(public_of_runtime clock engine_environment inspection task_handle task_outcome)
set(public_of_store
    announcements any_store analysis_rows memory_store postgres_store sql_store sqlite_store store store_transaction)
set(tasker_docs_internals "*/tasker/src.hpp")
foreach(layer plan runtime store)
    file(GLOB headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/include/tasker/${layer}/*.hpp")
    foreach(header IN LISTS headers)
        get_filename_component(name "${header}" NAME_WE)
        if(NOT name IN_LIST public_of_${layer})
            string(APPEND tasker_docs_internals " */${header}")
        endif()
    endforeach()
endforeach()
configure_file(cmake/Doxyfile.in "${tasker_docs_folder}/Doxyfile" @ONLY)

if(DOXYGEN_PROGRAM)
    add_custom_target(docs
        COMMAND "${DOXYGEN_PROGRAM}" Doxyfile WORKING_DIRECTORY "${tasker_docs_folder}" VERBATIM
        COMMENT "Making the reference: ${tasker_docs_folder}/html/index.html")
else()
    add_custom_target(docs
        COMMAND "${CMAKE_COMMAND}" -E echo "The reference is made by Doxygen, which is not installed (Debian: doxygen)."
        COMMAND "${CMAKE_COMMAND}" -E false VERBATIM)
endif()

# The same as a test: the reference is made without a warning.
if(TASKER_BUILD_TESTS AND NOT TASKER_SANITIZE)
    set(name "docs: every public name is documented")
    if(DOXYGEN_PROGRAM)
        add_test(NAME "${name}" COMMAND "${DOXYGEN_PROGRAM}" Doxyfile WORKING_DIRECTORY "${tasker_docs_folder}")
        set_tests_properties("${name}" PROPERTIES TIMEOUT 300 LABELS docs)
    else()
        add_test(NAME "${name}" COMMAND "${CMAKE_COMMAND}" -E echo "skipped: Doxygen is not installed (Debian: doxygen)")
        set_tests_properties("${name}" PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: " LABELS docs)
    endif()
endif()
