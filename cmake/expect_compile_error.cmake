# cmake -DCOMPILER=... -DSOURCE=... -DINCLUDES=... -P: fails unless compiling SOURCE fails with every text that its
# lines "// error: <text>" announce.
file(STRINGS "${SOURCE}" expectations REGEX "^// error: ")
if(NOT expectations)
    message(FATAL_ERROR "${SOURCE} does not say which error it expects; add a line '// error: <part of the message>'.")
endif()
list(TRANSFORM INCLUDES PREPEND "-I")
execute_process(
    COMMAND "${COMPILER}" -std=c++20 -fsyntax-only ${INCLUDES} "${SOURCE}"
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
    message(FATAL_ERROR "${SOURCE} compiles, but must not.")
endif()
foreach(expectation IN LISTS expectations)
    string(REPLACE "// error: " "" expectation "${expectation}")
    string(FIND "${output}" "${expectation}" position)
    if(position EQUAL -1)
        message(FATAL_ERROR "${SOURCE} fails to compile, but not with '${expectation}':\n${output}")
    endif()
endforeach()
