# cmake -DPROJECT=<folder> -DFOLDER=<scratch> -DCOMPILER=... -DGENERATOR=... -DHEADERS=<folder> [-DFORBIDDEN=<regex>]
# [-DREFUSED=<regex>] [-DOPTIONS=...] -P: configures, builds, installs and runs PROJECT in the emptied FOLDER. Fails unless all
# headers of tasker come from HEADERS and none that FORBIDDEN matches is read. With REFUSED, configuring must fail so.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/check_headers.cmake")
if(NOT IS_ABSOLUTE "${FOLDER}")
    message(FATAL_ERROR "Say -DFOLDER=<an absolute path>: what is in that folder is removed.")
endif()
file(REMOVE_RECURSE "${FOLDER}")

# -H has the compiler name every header it reads.
execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${PROJECT}" -B "${FOLDER}/build" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
        -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS=-H -DCMAKE_CXX_FLAGS_DEBUG=
        "-DCMAKE_INSTALL_PREFIX=${FOLDER}/prefix" -DCMAKE_FIND_PACKAGE_NO_PACKAGE_REGISTRY=ON ${OPTIONS}
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(REFUSED)
    string(REGEX REPLACE "[ \n]+" " " sentence "${output}")
    if(NOT failed OR NOT sentence MATCHES "${REFUSED}")
        message(FATAL_ERROR "Configuring must fail with '${REFUSED}', but says:\n${output}")
    endif()
    return()
endif()
if(failed)
    message(FATAL_ERROR "${PROJECT} cannot be configured:\n${output}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${FOLDER}/build"
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(failed)
    string(REGEX REPLACE "\n\\.+ [^\n]*" "" output "${output}")
    message(FATAL_ERROR "${PROJECT} cannot be built:\n${output}")
endif()
check_headers("${output}" "${HEADERS}" "${FORBIDDEN}")

execute_process(COMMAND "${CMAKE_COMMAND}" --install "${FOLDER}/build" COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
execute_process(COMMAND "${FOLDER}/prefix/bin/program" WORKING_DIRECTORY "${FOLDER}" COMMAND_ERROR_IS_FATAL ANY)

# What is installed beside the program is what the project lists in installed.txt; by default nothing.
set(expected "bin/program")
if(EXISTS "${PROJECT}/installed.txt")
    file(STRINGS "${PROJECT}/installed.txt" more)
    list(APPEND expected ${more})
endif()
file(GLOB_RECURSE installed RELATIVE "${FOLDER}/prefix" "${FOLDER}/prefix/*")
list(FILTER installed EXCLUDE REGEX "^include/tasker/[a-z_]+/")
list(SORT expected)
list(SORT installed)
if(NOT installed STREQUAL expected)
    message(FATAL_ERROR "Installed is '${installed}', and not '${expected}'.")
endif()
