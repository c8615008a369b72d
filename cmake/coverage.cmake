# The target `coverage`, in a build that counts what runs (the preset `coverage`): which lines of include/ the tests ran so
# far have reached, summed up on the terminal and line by line in coverage/index.html.
if(CMAKE_CXX_FLAGS_DEBUG MATCHES "--coverage")
    find_program(GCOVR_PROGRAM gcovr)
    mark_as_advanced(GCOVR_PROGRAM)
    if(GCOVR_PROGRAM)
        set(folder "${PROJECT_BINARY_DIR}/coverage")
        add_custom_target(coverage
            COMMAND "${CMAKE_COMMAND}" -E make_directory "${folder}"
            COMMAND "${GCOVR_PROGRAM}" --root "${PROJECT_SOURCE_DIR}" --filter "${PROJECT_SOURCE_DIR}/include/"
                --exclude-unreachable-branches --print-summary --html-details "${folder}/index.html"
                "${PROJECT_BINARY_DIR}"
            COMMENT "Adding up what the tests reached: ${folder}/index.html" VERBATIM)
    else()
        add_custom_target(coverage
            COMMAND "${CMAKE_COMMAND}" -E echo "Coverage is added up by gcovr, which is not installed (Debian: gcovr)."
            COMMAND "${CMAKE_COMMAND}" -E false VERBATIM)
    endif()
endif()
