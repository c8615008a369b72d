# Compiles each header of include/ on its own and included twice, and links a second user of all of them: a header
# that forgets an include, a guard or an `inline` stops the build.

# tasker_add_header_tests(<program> <include directory> <header>...): the headers are relative to the directory.
function(tasker_add_header_tests program directory)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${program}_sources")
    set(sources "${folder}/all_headers.cpp")
    set(all "")
    foreach(header IN LISTS ARGN)
        file(CONFIGURE OUTPUT "${folder}/${header}.cpp" CONTENT "#include <${header}>\n#include <${header}>\n")
        list(APPEND sources "${folder}/${header}.cpp")
        string(APPEND all "#include <${header}>\n")
    endforeach()
    file(CONFIGURE OUTPUT "${folder}/all_headers.cpp" CONTENT "${all}\nint main()\n{\n}\n")
    add_executable(${program} ${sources})
    target_include_directories(${program} PRIVATE "${directory}")
    target_compile_options(${program} PRIVATE -g0)
endfunction()

if(TASKER_CHECK_HEADERS)
    file(GLOB_RECURSE headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
        "${PROJECT_SOURCE_DIR}/include/*.hpp")
    list(FILTER headers EXCLUDE REGEX "store/postgres") # needs libpq
    if(NOT TARGET tasker::sqlite)
        list(FILTER headers EXCLUDE REGEX "store/sql")
    endif()
    tasker_add_header_tests(tasker_header_tests "${PROJECT_SOURCE_DIR}/include" ${headers})
    target_link_libraries(tasker_header_tests PRIVATE
        tasker::testing $<TARGET_NAME_IF_EXISTS:tasker::sqlite> tasker_warnings)
    add_test(NAME "headers: each compiles alone and twice, and all link from two files" COMMAND tasker_header_tests)
endif()
