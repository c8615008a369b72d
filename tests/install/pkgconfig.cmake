# cmake -DPACKAGES=<names> -DSOURCE=<file> -DPREFIX=<installed copy> -DFOLDER=<scratch> -DCOMPILER=... -DPKG_CONFIG=... -P:
# compiles, links and runs SOURCE with nothing but what pkg-config says of PACKAGES.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/check_headers.cmake")
set(ENV{PKG_CONFIG_PATH} "${PREFIX}/share/pkgconfig")
execute_process(COMMAND "${PKG_CONFIG}" --cflags --libs ${PACKAGES}
    OUTPUT_VARIABLE options OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(options UNIX_COMMAND "${options}")
get_filename_component(name "${SOURCE}" NAME_WE)
file(MAKE_DIRECTORY "${FOLDER}/${name}")
execute_process(COMMAND "${COMPILER}" -std=c++20 -H -o "${FOLDER}/${name}/program" "${SOURCE}" ${options}
    RESULT_VARIABLE failed ERROR_VARIABLE output)
if(failed)
    string(REGEX REPLACE "\n\\.+ [^\n]*" "" output "${output}")
    message(FATAL_ERROR "${SOURCE} cannot be built with '${options}':\n${output}")
endif()
check_headers("${output}" "${PREFIX}/include" "")
execute_process(COMMAND "${FOLDER}/${name}/program" WORKING_DIRECTORY "${FOLDER}/${name}" COMMAND_ERROR_IS_FATAL ANY)
