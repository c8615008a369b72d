# Checks each header of include/ on its own, included twice, and links two users of all of them: a header that forgets an
# include, a guard or an `inline` stops the build.
set(tasker_syntax_only "${CMAKE_CURRENT_LIST_DIR}/syntax_only.sh")

# tasker_add_header_tests(<program> <include directory> <header>...): the headers are relative to the directory. What
# they need is linked to the interface library <program>_needs.
function(tasker_add_header_tests program directory)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${program}_sources")
    set(all "")
    foreach(header IN LISTS ARGN)
        file(CONFIGURE OUTPUT "${folder}/${header}.cpp" CONTENT "#include <${header}>\n#include <${header}>\n")
        list(APPEND sources "${folder}/${header}.cpp")
        string(APPEND all "#include <${header}>\n")
    endforeach()
    add_library(${program}_needs INTERFACE)
    target_include_directories(${program}_needs INTERFACE "${directory}")

    add_library(${program}_alone OBJECT ${sources})
    target_link_libraries(${program}_alone PRIVATE ${program}_needs)
    set_target_properties(${program}_alone PROPERTIES CXX_COMPILER_LAUNCHER "${tasker_syntax_only}")

    # The second user is a copy of the first one's object: the linker tells what is defined twice.
    file(CONFIGURE OUTPUT "${folder}/all_headers.cpp" CONTENT "${all}")
    add_library(${program}_all OBJECT "${folder}/all_headers.cpp")
    target_link_libraries(${program}_all PRIVATE ${program}_needs)
    target_compile_options(${program}_all PRIVATE -g0)
    set(copy "${folder}/all_headers_again${CMAKE_CXX_OUTPUT_EXTENSION}")
    add_custom_command(OUTPUT "${copy}"
        COMMAND "${CMAKE_COMMAND}" -E copy $<TARGET_OBJECTS:${program}_all> "${copy}"
        DEPENDS ${program}_all $<TARGET_OBJECTS:${program}_all> VERBATIM)
    set_source_files_properties("${copy}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    file(CONFIGURE OUTPUT "${folder}/main.cpp" CONTENT "int main()\n{\n}\n")
    add_executable(${program} "${folder}/main.cpp" "${copy}" $<TARGET_OBJECTS:${program}_all>)
    target_link_libraries(${program} PRIVATE ${program}_needs)
    add_dependencies(${program} ${program}_alone)
endfunction()

if(TASKER_CHECK_HEADERS)
    file(GLOB_RECURSE headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
        "${PROJECT_SOURCE_DIR}/include/*.hpp")
    foreach(store sqlite postgres)
        if(NOT TARGET tasker::${store})
            list(FILTER headers EXCLUDE REGEX "store/.*${store}")
        endif()
    endforeach()
    if(NOT TARGET tasker::sqlite AND NOT TARGET tasker::postgres)
        list(FILTER headers EXCLUDE REGEX "/sql[/_]") # needs SOCI
    endif()
    tasker_add_header_tests(tasker_header_tests "${PROJECT_SOURCE_DIR}/include" ${headers})
    target_link_libraries(tasker_header_tests_needs INTERFACE
        tasker::testing $<TARGET_NAME_IF_EXISTS:tasker::sqlite> $<TARGET_NAME_IF_EXISTS:tasker::postgres>
        tasker_warnings)
    add_test(NAME "headers: each compiles alone and twice, and all link from two files" COMMAND tasker_header_tests)
    add_test(NAME "headers: who only includes the library compiles nothing of the engine"
        COMMAND "${CMAKE_COMMAND}" -DCOMPILER=${CMAKE_CXX_COMPILER} "-DINCLUDES=${PROJECT_SOURCE_DIR}/include"
            "-DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/empty_unit" -P "${PROJECT_SOURCE_DIR}/cmake/empty_unit.cmake")
endif()
