# tests/compile_fail/*.cpp: mistakes that the library must refuse at compile time. Each file says on lines
#   // error: <text>
# what the compiler's message must contain; compiling without an error, or with another one, fails the test.
file(GLOB compile_fail_sources CONFIGURE_DEPENDS compile_fail/*.cpp)
foreach(source IN LISTS compile_fail_sources)
    get_filename_component(name "${source}" NAME_WE)
    add_test(NAME "compile_fail: ${name}"
        COMMAND "${CMAKE_COMMAND}"
            -DCOMPILER=${CMAKE_CXX_COMPILER} -DSOURCE=${source}
            "-DINCLUDES=${PROJECT_SOURCE_DIR}/include;${CMAKE_CURRENT_SOURCE_DIR}"
            -P "${PROJECT_SOURCE_DIR}/cmake/expect_compile_error.cmake")
    set_tests_properties("compile_fail: ${name}" PROPERTIES TIMEOUT 120 LABELS compile_fail)
endforeach()
