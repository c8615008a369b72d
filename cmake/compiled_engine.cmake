# tasker_compiled_engine: the engine compiled once, for programs that would otherwise each spend most of their build on it.
# Header tests and order_service use the library as most users do, from its headers alone.
file(CONFIGURE OUTPUT engine.cpp CONTENT "#include <tasker/src.hpp>\n")
add_library(tasker_compiled_engine STATIC "${CMAKE_CURRENT_BINARY_DIR}/engine.cpp")
target_compile_definitions(tasker_compiled_engine PUBLIC TASKER_SEPARATE_COMPILATION=1)
target_link_libraries(tasker_compiled_engine PUBLIC tasker::testing PRIVATE tasker_warnings tasker_sanitizers)
