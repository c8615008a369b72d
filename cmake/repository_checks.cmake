# The checks of the repository itself, and the proof that each of them notices what it is there for.
set(checks "${PROJECT_SOURCE_DIR}/cmake")
add_test(NAME "checks: includes point only downwards"
    COMMAND "${CMAKE_COMMAND}" -DROOT=${PROJECT_SOURCE_DIR} -P "${checks}/check_layering.cmake")
add_test(NAME "checks: the conventions hold"
    COMMAND "${CMAKE_COMMAND}" -DROOT=${PROJECT_SOURCE_DIR} -P "${checks}/check_conventions.cmake")
add_test(NAME "checks: every planted violation is noticed"
    COMMAND "${CMAKE_COMMAND}" -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/check_self_tests
        -DCOMPILER=${CMAKE_CXX_COMPILER} -DGENERATOR=${CMAKE_GENERATOR} -P "${checks}/check_self_tests.cmake")
set_tests_properties(
    "checks: includes point only downwards" "checks: the conventions hold" "checks: every planted violation is noticed"
    PROPERTIES TIMEOUT 120 LABELS checks)
