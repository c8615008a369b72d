# tasker_warnings: linked privately by everything that this repository compiles.
add_library(tasker_warnings INTERFACE)
target_compile_options(tasker_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(TASKER_WERROR)
    target_compile_options(tasker_warnings INTERFACE -Werror)
endif()
