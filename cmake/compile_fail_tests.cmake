# tests/compile_fail/*.cpp: mistakes that the library must refuse at compile time. Each file says on lines
#   // error: <text>
# what the compiler's message must contain; compiling without an error, or with another one, fails the test. A file that
# begins with "// only: g++ 12" is about what that compiler gets wrong, and no test elsewhere.
file(GLOB compile_fail_sources CONFIGURE_DEPENDS compile_fail/*.cpp)
if(NOT compile_fail_sources)
    message(FATAL_ERROR "There are no tests in tests/compile_fail.")
endif()
foreach(source IN LISTS compile_fail_sources)
    get_filename_component(name "${source}" NAME_WE)
    file(STRINGS "${source}" only REGEX "^// only: g\\+\\+ 12$" LIMIT_COUNT 1)
    if(only AND NOT (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13))
        continue()
    endif()
    add_test(NAME "compile_fail: ${name}"
        COMMAND "${CMAKE_COMMAND}"
            -DCOMPILER=${CMAKE_CXX_COMPILER} -DSOURCE=${source}
            "-DINCLUDES=${PROJECT_SOURCE_DIR}/include;${CMAKE_CURRENT_SOURCE_DIR}"
            -P "${PROJECT_SOURCE_DIR}/cmake/expect_compile_error.cmake")
    set_tests_properties("compile_fail: ${name}" PROPERTIES TIMEOUT 120 LABELS compile_fail)
endforeach()
