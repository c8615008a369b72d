# cmake -DPROGRAM=... -DEXPECTED=<file> -DFOLDER=<scratch> -P: runs PROGRAM in the emptied FOLDER, and fails unless it ends
# with 0 and prints EXPECTED to the letter.
if(NOT IS_ABSOLUTE "${FOLDER}")
    message(FATAL_ERROR "Say -DFOLDER=<an absolute path>: what is in that folder is removed.")
endif()
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}")
execute_process(COMMAND "${PROGRAM}" WORKING_DIRECTORY "${FOLDER}"
    RESULT_VARIABLE result OUTPUT_FILE "${FOLDER}/stdout.txt" ERROR_VARIABLE errors)
file(READ "${FOLDER}/stdout.txt" printed)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} ended with ${result}.\n${printed}\n${errors}")
endif()
if(NOT EXISTS "${EXPECTED}")
    message(FATAL_ERROR "${EXPECTED} is missing. ${PROGRAM} prints:\n${printed}")
endif()
execute_process(
    COMMAND "${CMAKE_COMMAND}" -E compare_files "${FOLDER}/stdout.txt" "${EXPECTED}"
    RESULT_VARIABLE differs OUTPUT_QUIET ERROR_QUIET)
if(differs)
    execute_process(COMMAND diff -u "${EXPECTED}" "${FOLDER}/stdout.txt" OUTPUT_VARIABLE difference)
    message(NOTICE "${difference}")
    message(FATAL_ERROR "${PROGRAM} does not print what is expected: see above.")
endif()
